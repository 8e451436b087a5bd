// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/async_generator.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;

namespace {

aio::async_generator<int> count(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
}

aio::async_generator<int> slow_count(int n) {
  for (int i = 0; i < n; ++i) {
    co_await aio::sleep(1s);
    co_yield i;
  }
}

/// Yields 0, 1, 2, ... and notes in `log` what was thrown at a `co_yield`, and its end.
aio::async_generator<int> closing(std::string& log, aio::duration cleanup = 1s) {
  bool closed = false;
  const aio::detail::scope_exit end([&] { log += "end "; });
  for (int i = 0; !closed; ++i) {
    try {
      co_yield i;
    } catch (const aio::generator_exit&) {
      closed = true;
    }
  }
  log += "cleanup ";
  co_await aio::sleep(cleanup);
  log += "cleaned ";
}

aio::coro<std::string> all_of(aio::async_generator<int>& from) {
  std::string all;
  while (auto item = co_await from.next()) all += std::to_string(*item) + ' ';
  co_return all;
}

}  // namespace

// ----- items -----

AIO_TEST("async_generator: yields one item after the other, then none",
         "[coro][async_generator]") {
  auto numbers = count(3);
  const std::string all = co_await all_of(numbers);
  CHECK(all == "0 1 2 ");
  const std::optional<int> again = co_await numbers.next();
  CHECK_FALSE(again);
  auto nothing = count(0);
  const std::optional<int> none = co_await nothing.next();
  CHECK_FALSE(none);
}

AIO_TEST("async_generator: runs no further than it is asked to",
         "[coro][async_generator]") {
  std::string log;
  auto make = [&]() -> aio::async_generator<int> {
    log += "begin ";
    co_yield 1;
    log += "middle ";
    co_yield 2;
    log += "end ";
  };
  auto numbers = make();
  CHECK(log.empty());
  const auto asked = numbers.next();
  CHECK(log.empty());
  const auto first = co_await aio::async_generator<int>(std::move(numbers)).next();
  CHECK(first == 1);
  CHECK(log == "begin ");
  numbers = make();
  co_await numbers.next();
  co_await numbers.next();
  CHECK(log == "begin begin middle ");
  co_await numbers.next();
  CHECK(log == "begin begin middle end ");
  static_cast<void>(asked);
}

AIO_TEST("async_generator: without awaits of its own it does not give way",
         "[coro][async_generator]") {
  const test::turn_mark turn(loop);
  auto numbers = count(1000);
  int sum = 0;
  while (auto item = co_await numbers.next()) sum += *item;
  CHECK(sum == 499500);
  CHECK_FALSE(turn.is_over());
}

AIO_TEST("async_generator: awaits between the items, in the task of who asks",
         "[coro][async_generator]") {
  aio::any_task inside;
  auto make = [&]() -> aio::async_generator<int> {
    inside = aio::current_task();
    co_await aio::sleep(1s);
    co_yield 1;
    co_await aio::sleep(2s);
    co_yield 2;
  };
  auto numbers = make();
  const auto first = co_await numbers.next();
  CHECK(first == 1);
  CHECK(loop.now() == 1s);
  CHECK(inside == aio::current_task());
  const auto second = co_await numbers.next();
  CHECK(second == 2);
  CHECK(loop.now() == 3s);
  const auto none = co_await numbers.next();
  CHECK_FALSE(none);
}

AIO_TEST("async_generator: different tasks may ask, one after the other",
         "[coro][async_generator]") {
  auto numbers = slow_count(4);
  auto ask = [&]() -> aio::coro<int> {
    const auto item = co_await numbers.next();
    co_return item.value_or(-1);
  };
  for (int i = 0; i < 4; ++i) {
    const int n = co_await aio::create_task(ask);
    CHECK(n == i);
  }
  const int last = co_await ask();
  CHECK(last == -1);
}

AIO_TEST("async_generator: next() can be made a task", "[coro][async_generator]") {
  auto numbers = slow_count(2);
  auto first = aio::create_task(numbers.next());
  co_await first;
  CHECK(first.result() == 0);
}

AIO_TEST("async_generator: yields what can only be moved, and objects by value",
         "[coro][async_generator]") {
  auto owners = []() -> aio::async_generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    auto named = std::make_unique<int>(2);
    co_yield std::move(named);
  };
  auto owned = owners();
  auto one = co_await owned.next();
  REQUIRE(one);
  CHECK(**one == 1);
  auto two = co_await owned.next();
  REQUIRE(two);
  CHECK(**two == 2);

  int alive = 0;
  auto counters = [&]() -> aio::async_generator<test::counted> {
    co_yield test::counted(alive);
    CHECK(alive == 0);  // it keeps nothing of it
    const test::counted named(alive);
    co_yield named;
  };
  {
    auto counted = counters();
    {
      auto item = co_await counted.next();
      CHECK(alive == 2);  // it, and the operand of the co_yield, which is not over
    }
    CHECK(alive == 1);
    {
      auto item = co_await counted.next();
      CHECK(alive == 2);
    }
    co_await counted.next();
    CHECK(alive == 0);
  }
}

AIO_TEST("async_generator: converts what is yielded", "[coro][async_generator]") {
  auto make = []() -> aio::async_generator<std::string> {
    co_yield "text";
    const std::string named = "named";
    co_yield named;
    CHECK(named == "named");
  };
  auto texts = make();
  const auto first = co_await texts.next();
  const auto second = co_await texts.next();
  CHECK(first == "text");
  CHECK(second == "named");
  co_await texts.next();
}

AIO_TEST("async_generator: one may draw from another, to any depth",
         "[coro][async_generator]") {
  struct layer {
    static aio::async_generator<int> on(int depth, int n) {
      if (depth == 0) {
        for (int i = 0; i < n; ++i) {
          co_await aio::sleep(0s);
          co_yield i;
        }
        co_return;
      }
      auto below = on(depth - 1, n);
      while (auto item = co_await below.next()) co_yield *item + 1;
    }
  };
  auto numbers = layer::on(100, 3);
  const std::string all = co_await all_of(numbers);
  CHECK(all == "100 101 102 ");
}

AIO_TEST("async_generator: a hundred thousand items and children take no stack",
         "[coro][async_generator]") {
  auto child = [](int i) -> aio::coro<int> { co_return i; };
  auto make = [&](int n) -> aio::async_generator<int> {
    for (int i = 0; i < n; ++i) {
      const int item = co_await child(i);
      co_yield item;
    }
  };
  auto numbers = make(100'000);
  int items = 0;
  while (auto item = co_await numbers.next()) ++items;
  CHECK(items == 100'000);
}

AIO_TEST("async_generator: moves as an object, between its items too",
         "[coro][async_generator]") {
  auto numbers = slow_count(3);
  co_await numbers.next();
  std::vector<aio::async_generator<int>> kept;
  kept.push_back(std::move(numbers));
  kept.push_back(count(1));
  std::swap(kept[0], kept[1]);
  const auto item = co_await kept[1].next();
  CHECK(item == 1);
  const auto other = co_await kept[0].next();
  CHECK(other == 0);
  kept[0] = std::move(kept[1]);
  const std::string rest = co_await all_of(kept[0]);
  CHECK(rest == "2 ");
}

// ----- errors -----

AIO_TEST("async_generator: an exception comes out once and is its end",
         "[coro][async_generator]") {
  auto make = []() -> aio::async_generator<int> {
    co_yield 1;
    co_await aio::sleep(1s);
    throw boom();
  };
  auto numbers = make();
  co_await numbers.next();
  const std::string how = co_await ending(numbers.next());
  CHECK(how == "boom");
  const auto after = co_await numbers.next();
  CHECK_FALSE(after);
  co_await numbers.aclose();
}

AIO_TEST("async_generator: an exception before the first item",
         "[coro][async_generator]") {
  auto make = []() -> aio::async_generator<int> {
    throw boom();
    co_yield 1;
  };
  auto numbers = make();
  const std::string how = co_await ending(numbers.next());
  CHECK(how == "boom");
  const auto after = co_await numbers.next();
  CHECK_FALSE(after);
}

AIO_TEST("async_generator: an item that cannot be made fails inside",
         "[coro][async_generator]") {
  struct fussy {
    explicit fussy(int n) {
      if (n == 1) throw boom();
    }
  };
  std::string log;
  auto make = [&]() -> aio::async_generator<fussy> {
    for (int i = 0; i < 3; ++i) {
      try {
        co_yield i;
      } catch (const boom&) {
        log += "caught " + std::to_string(i);
      }
    }
  };
  auto items = make();
  int got = 0;
  while (auto item = co_await items.next()) ++got;
  CHECK(got == 2);
  CHECK(log == "caught 1");
}

AIO_TEST("async_generator: two tasks at once are refused, and the first is not harmed",
         "[coro][async_generator]") {
  auto numbers = slow_count(2);
  auto first = aio::create_task(numbers.next());
  co_await aio::sleep(0s);
  const std::string again = co_await ending(numbers.next());
  CHECK(again == "usage");
  const std::string close = co_await ending(numbers.aclose());
  CHECK(close == "usage");
  co_await first;
  CHECK(first.result() == 0);
  const auto second = co_await numbers.next();
  CHECK(second == 1);
}

AIO_TEST("async_generator: one that was moved from or made empty says so",
         "[coro][async_generator]") {
  auto numbers = count(1);
  auto taken = std::move(numbers);
  const std::string moved = co_await ending(numbers.next());
  CHECK(moved == "usage");
  aio::async_generator<int> empty;
  const std::string how = co_await ending(empty.aclose());
  CHECK(how == "usage");
  const auto item = co_await taken.next();
  CHECK(item == 0);
}

// ----- aclose -----

AIO_TEST("async_generator: aclose() throws at the yield and waits for the clean-up",
         "[coro][async_generator]") {
  std::string log;
  auto numbers = closing(log);
  co_await numbers.next();
  CHECK(log.empty());
  co_await numbers.aclose();
  CHECK(log == "cleanup cleaned end ");
  CHECK(loop.now() == 1s);
  const auto after = co_await numbers.next();
  CHECK_FALSE(after);
  co_await numbers.aclose();
  CHECK(log == "cleanup cleaned end ");
}

AIO_TEST("async_generator: aclose() of one that does not catch ends it",
         "[coro][async_generator]") {
  auto numbers = count(3);
  co_await numbers.next();
  co_await numbers.aclose();
  const auto after = co_await numbers.next();
  CHECK_FALSE(after);
}

AIO_TEST("async_generator: aclose() before the first item never begins it",
         "[coro][async_generator]") {
  bool began = false;
  int alive = 0;
  auto make = [&](test::counted) -> aio::async_generator<int> {
    began = true;
    co_yield 1;
  };
  {
    auto numbers = make(test::counted(alive));
    co_await numbers.aclose();
    const auto after = co_await numbers.next();
    CHECK_FALSE(after);
    CHECK_FALSE(began);
  }
  CHECK(alive == 0);
}

AIO_TEST("async_generator: aclose() lets errors of the clean-up out",
         "[coro][async_generator]") {
  auto make = []() -> aio::async_generator<int> {
    try {
      co_yield 1;
    } catch (const aio::generator_exit&) {
      throw boom("clean-up");
    }
  };
  auto numbers = make();
  co_await numbers.next();
  const std::string how = co_await ending(numbers.aclose());
  CHECK(how == "clean-up");
}

AIO_TEST("async_generator: aclose() complains of one that goes on yielding",
         "[coro][async_generator]") {
  auto make = []() -> aio::async_generator<int> {
    for (int i = 0; i < 4; ++i) {
      try {
        co_yield i;
      } catch (const aio::generator_exit&) {
      }
    }
  };
  auto numbers = make();
  co_await numbers.next();
  const std::string how = co_await ending(numbers.aclose());
  CHECK(how == "usage");
  const auto next = co_await numbers.next();
  CHECK(next == 2);
}

// ----- dropping -----

AIO_TEST("async_generator: dropped between items its frame goes, without clean-up",
         "[coro][async_generator]") {
  std::string log;
  {
    auto numbers = closing(log);
    co_await numbers.next();
  }
  CHECK(log == "end ");
  { auto unstarted = closing(log); }
  CHECK(log == "end ");
}

TEST_CASE("async_generator: one that runs goes with its loop",
          "[coro][async_generator]") {
  int alive = 0;
  std::string order;
  struct mark {
    std::string& log;
    char name;
    ~mark() { log += name; }
  };
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  auto make = [&](test::counted) -> aio::async_generator<int> {
    const mark m{order, 'g'};
    co_await aio::sleep(1h);
    co_yield 1;
  };
  auto body = [&]() -> aio::coro<> {
    const mark m{order, 'b'};
    auto numbers = make(test::counted(alive));
    co_await numbers.next();
  };
  test::start(loop, body());
  loop.turn();
  CHECK(alive == 1);
  loop.core().close();
  CHECK(alive == 0);
  CHECK(order == "gb");
  CHECK(reports.count() == 1);
}

// ----- cancelling -----

AIO_TEST("async_generator: a cancel is thrown at its await and ends it",
         "[coro][async_generator][cancel]") {
  auto numbers = slow_count(3);
  auto asking = aio::create_task(numbers.next());
  co_await aio::sleep(0s);
  asking.cancel("why");
  const std::string how = co_await ending(asking);
  CHECK(how == "cancelled: why");
  const auto after = co_await numbers.next();
  CHECK_FALSE(after);
}

AIO_TEST("async_generator: one that catches the cancel can go on",
         "[coro][async_generator][cancel]") {
  auto make = []() -> aio::async_generator<int> {
    for (int i = 0; i < 3; ++i) {
      try {
        co_await aio::sleep(1s);
      } catch (const aio::cancelled_error&) {
      }
      co_yield i;
    }
  };
  auto numbers = make();
  auto asking = aio::create_task(numbers.next());
  co_await aio::sleep(0s);
  asking.cancel();
  co_await asking;
  CHECK(asking.result() == 0);
  CHECK(loop.now() == 0s);
  const auto second = co_await numbers.next();
  CHECK(second == 1);
}

AIO_TEST("async_generator: a cancel between items is for who asks",
         "[coro][async_generator][cancel]") {
  auto numbers = count(3);
  co_await numbers.next();
  auto asking = aio::create_task([&]() -> aio::coro<int> {
    co_await aio::sleep(10s);
    const auto item = co_await numbers.next();
    co_return item.value_or(-1);
  });
  co_await aio::sleep(1s);
  asking.cancel();
  const std::string how = co_await ending(asking);
  CHECK(how == "cancelled");
  const auto item = co_await numbers.next();
  CHECK(item == 1);
}

AIO_TEST("async_generator: its item and a cancel in one turn, both orders",
         "[coro][async_generator][cancel]") {
  for (const bool cancel_first : {true, false}) {
    auto gate = test::make_future<int>(loop);
    auto make = [&]() -> aio::async_generator<int> {
      const int item = co_await gate;
      co_yield item;
    };
    auto numbers = make();
    auto asking = aio::create_task(numbers.next());
    co_await aio::sleep(0s);
    if (cancel_first) asking.cancel();
    if (!gate.done()) gate.set_result(1);
    if (!cancel_first) asking.cancel();
    const std::string how = co_await ending(asking);
    CHECK(how == "cancelled");
  }
}

AIO_TEST("async_generator: a time limit on an item",
         "[coro][async_generator][cancel]") {
  auto numbers = slow_count(3);
  const std::string how = co_await ending(aio::wait_for(numbers.next(), 0.5s));
  CHECK(how == "timeout");
  CHECK(loop.now() == 500ms);
}

AIO_TEST("async_generator: aclose() can be cancelled in the clean-up",
         "[coro][async_generator][cancel]") {
  std::string log;
  auto numbers = closing(log, 10s);
  co_await numbers.next();
  auto task = aio::create_task(numbers.aclose());
  co_await aio::sleep(1s);
  task.cancel();
  const std::string how = co_await ending(task);
  CHECK(how == "cancelled");
  CHECK(log == "cleanup end ");
}

TEST_CASE("async_generator: cancelled at every await, nothing of it stays",
          "[coro][async_generator][cancel]") {
  int alive = 0;
  auto make_numbers = [&](test::counted) -> aio::async_generator<int> {
    for (int i = 0; i < 3; ++i) {
      co_await aio::sleep(1s);
      co_yield i;
      co_await aio::sleep(0s);
    }
  };
  auto make = [&]() -> aio::coro<> {
    auto numbers = make_numbers(test::counted(alive));
    int got = 0;
    while (auto item = co_await numbers.next()) {
      ++got;
      co_await aio::sleep(0s);
    }
    CHECK(got == 3);
  };
  const int cancels = test::cancel_at_every_await(make, [&](const aio::task<>& t) {
    CHECK(t.cancelled());
    CHECK(alive == 0);
  });
  CHECK(cancels >= 9);
  CHECK(alive == 0);
}

// ----- closing what is left -----

AIO_TEST("async_generator: a registry hears of those that begin on its loop",
         "[coro][async_generator]") {
  aio::detail::generator_registry registry(loop.core());
  std::string log;
  auto before = closing(log);
  co_await before.next();
  auto unstarted = closing(log);
  {
    const aio::detail::generator_registry::installed here(registry);
    auto gone = closing(log);
    co_await gone.next();
    CHECK_FALSE(registry.empty());
  }
  CHECK(log == "end ");
  CHECK(registry.empty());

  auto left = count(2);
  auto moved = count(2);
  auto over = count(0);
  auto running = slow_count(1);
  aio::task<std::optional<int>> asking;
  {
    const aio::detail::generator_registry::installed here(registry);
    co_await left.next();
    co_await moved.next();
    co_await over.next();
    asking = aio::create_task(running.next());
    co_await aio::sleep(0s);
  }
  auto other = std::move(moved);
  int taken = 0;
  while (auto one = registry.take()) {
    ++taken;
    co_await aio::detail::generator_step<aio::detail::generator_close>(one);
  }
  CHECK(taken == 2);
  const std::string how = co_await ending(other.next());
  CHECK(how == "usage");  // it is no longer there
  const auto still = co_await over.next();
  CHECK_FALSE(still);
  co_await asking;
  CHECK(asking.result() == 0);
  const auto item = co_await before.next();
  CHECK(item == 1);
}

AIO_TEST("async_generator: a registry hears of no other loop's",
         "[coro][async_generator]") {
  aio::testing::virtual_loop elsewhere;
  aio::detail::generator_registry registry(elsewhere.core());
  const aio::detail::generator_registry::installed here(registry);
  auto numbers = count(2);
  co_await numbers.next();
  CHECK(registry.empty());
}
