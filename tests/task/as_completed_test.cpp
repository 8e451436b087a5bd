// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/as_completed.hpp>  // first: proves the header stands alone

#include <aio/task/gather.hpp>
#include <aio/task/run_until_complete.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/timeout.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <array>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::ending_of;
using test::make_future;

namespace {

aio::coro<int> after(aio::duration delay, int value) {
  co_await aio::sleep(delay);
  co_return value;
}

aio::coro<int> fail_after(aio::duration delay) {
  co_await aio::sleep(delay);
  throw boom();
}

/// Values 3, 2, 1 after as many seconds.
std::vector<aio::coro<int>> three() {
  std::vector<aio::coro<int>> coros;
  for (int i : {3, 1, 2}) coros.push_back(after(std::chrono::seconds(i), i));
  return coros;
}

/// The futures and the ends they were given come together.
std::vector<aio::future<int>> futures(aio::testing::virtual_loop& loop, std::size_t n) {
  std::vector<aio::future<int>> made;
  for (std::size_t i = 0; i < n; ++i) made.push_back(make_future<int>(loop));
  return made;
}

}  // namespace

// ----- the tasks themselves -----

AIO_TEST("as_completed: next() yields the tasks in the order of their ends",
         "[task][as_completed]") {
  std::vector<aio::task<int>> tasks;
  for (auto& one : three()) tasks.push_back(aio::create_task(std::move(one)));
  auto each = aio::as_completed(tasks);
  std::vector<std::size_t> order;
  while (auto next = co_await each.next()) {
    CHECK(next->done());
    const auto found = std::ranges::find(tasks, *next);
    REQUIRE(found != tasks.end());
    order.push_back(static_cast<std::size_t>(found - tasks.begin()));
    CHECK(loop.now() == std::chrono::seconds(next->result()));
  }
  CHECK(order == std::vector<std::size_t>{1, 2, 0});
  const auto again = co_await each.next();
  CHECK_FALSE(again);
}

AIO_TEST("as_completed: makes tasks of coroutines at the call",
         "[task][as_completed]") {
  const std::size_t before = aio::all_tasks().size();
  auto each = aio::as_completed(three());
  CHECK(aio::all_tasks().size() == before + 3);
  std::string values;
  while (auto next = co_await each.next()) values += std::to_string(next->result());
  CHECK(values == "123");
}

AIO_TEST("as_completed: of nothing", "[task][as_completed]") {
  const test::turn_mark turn(loop);
  auto none = aio::as_completed(std::vector<aio::task<>>());
  const auto next = co_await none.next();
  CHECK_FALSE(next);
  CHECK(none.begin() == none.end());
  CHECK_FALSE(turn.is_over());
  auto limited = aio::as_completed(std::vector<aio::task<>>(), {.timeout = 1h});
  const auto still = co_await limited.next();
  CHECK_FALSE(still);
}

AIO_TEST("as_completed: duplicates count once", "[task][as_completed]") {
  auto a = aio::create_task(after(1s, 1));
  auto b = aio::create_task(after(2s, 2));
  auto each = aio::as_completed(std::vector{a, b, a, a, b});
  int count = 0;
  while (auto next = co_await each.next()) ++count;
  CHECK(count == 2);
}

AIO_TEST("as_completed: what is done already comes first, after a turn",
         "[task][as_completed]") {
  auto all = futures(loop, 3);
  all[2].set_result(2);
  all[0].set_result(0);
  auto each = aio::as_completed(all);
  const test::turn_mark turn(loop);
  const auto first = co_await each.next();
  REQUIRE(first);
  CHECK(turn.is_over());
  const test::turn_mark second_turn(loop);
  const auto second = co_await each.next();
  REQUIRE(second);
  CHECK_FALSE(second_turn.is_over());
  CHECK(first->result() + second->result() == 2);
  all[1].set_result(1);
  const auto third = co_await each.next();
  CHECK(third == all[1]);
}

AIO_TEST("as_completed: those that end in one turn come in the order of their ends",
         "[task][as_completed]") {
  auto all = futures(loop, 4);
  auto each = aio::as_completed(all);
  for (const std::size_t i : {2U, 0U, 3U, 1U}) all[i].set_result(static_cast<int>(i));
  std::string order;
  while (auto next = co_await each.next()) order += std::to_string(next->result());
  CHECK(order == "2031");
}

AIO_TEST("as_completed: takes arrays, views, futures and tasks of any kind",
         "[task][as_completed]") {
  const std::array<aio::task<int>, 2> tasks{aio::create_task(after(2s, 2)),
                                            aio::create_task(after(1s, 1))};
  auto from_array = aio::as_completed(tasks);
  const auto first = co_await from_array.next();
  CHECK(first == tasks[1]);
  auto from_view = aio::as_completed(tasks | std::views::take(1));
  const auto only = co_await from_view.next();
  CHECK(only == tasks[0]);
  const std::vector<aio::any_task> mixed{tasks[0], aio::create_task(test::turns(1))};
  auto from_any = aio::as_completed(mixed);
  const auto done = co_await from_any.next();
  CHECK(done == mixed[0]);
  auto results = aio::as_completed(mixed);
  for (auto next : results) co_await std::move(next);
  CHECK(mixed[1].done());
}

AIO_TEST("as_completed: errors and cancels are the tasks' own",
         "[task][as_completed]") {
  auto bad = aio::create_task(fail_after(1s));
  auto stopped = aio::create_task(after(1h, 1));
  auto good = aio::create_task(after(3s, 3));
  auto each = aio::as_completed(std::vector{good, stopped, bad});
  const auto first = co_await each.next();
  REQUIRE(first);
  CHECK(*first == bad);
  CHECK(ending_of([&] { return first->result(); }) == "boom");
  stopped.cancel();
  const auto second = co_await each.next();
  REQUIRE(second);
  CHECK(second->cancelled());
  const auto third = co_await each.next();
  REQUIRE(third);
  CHECK(third->result() == 3);
}

AIO_TEST("as_completed: it may be dropped in the middle, the tasks go on",
         "[task][as_completed]") {
  auto slow = aio::create_task(after(3s, 3));
  {
    auto each = aio::as_completed(std::vector{slow, aio::create_task(after(1s, 1))});
    const auto first = co_await each.next();
    REQUIRE(first);
    CHECK(first->result() == 1);
  }
  const int value = co_await slow;
  CHECK(value == 3);
}

// ----- the results -----

AIO_TEST("as_completed: as a range it yields the results in the order of the ends",
         "[task][as_completed]") {
  std::string values;
  for (auto next : aio::as_completed(three())) {
    const int value = co_await std::move(next);
    values += std::to_string(value);
    CHECK(loop.now() == std::chrono::seconds(value));
  }
  CHECK(values == "123");
}

AIO_TEST("as_completed: as a range, whichever is awaited first gets the first",
         "[task][as_completed]") {
  std::vector<aio::coro<int>> all;
  for (auto next : aio::as_completed(three())) all.push_back(std::move(next));
  REQUIRE(all.size() == 3);
  std::string values;
  for (const std::size_t i : {2U, 0U, 1U}) {
    const int value = co_await std::move(all[i]);
    values += std::to_string(value);
  }
  CHECK(values == "123");
}

AIO_TEST("as_completed: as a range, all at once", "[task][as_completed]") {
  std::vector<aio::coro<int>> all;
  for (auto next : aio::as_completed(three())) all.push_back(std::move(next));
  const std::vector<int> values = co_await aio::gather(std::move(all));
  CHECK(values == std::vector<int>{1, 2, 3});
}

AIO_TEST("as_completed: as a range it throws what the tasks threw",
         "[task][as_completed]") {
  std::vector<aio::coro<int>> coros;
  coros.push_back(fail_after(1s));
  coros.push_back(after(2s, 2));
  std::string how;
  for (auto next : aio::as_completed(std::move(coros))) {
    how += co_await ending(std::move(next));
    how += ' ';
  }
  CHECK(how == "boom returned ");
}

AIO_TEST("as_completed: as a range it may be left and gone on with",
         "[task][as_completed]") {
  auto each = aio::as_completed(three());
  std::string values;
  for (auto next : each) {
    const int value = co_await std::move(next);
    values += std::to_string(value);
    break;
  }
  for (auto next : each) {
    const int value = co_await std::move(next);
    values += std::to_string(value);
    if (value == 2) break;
  }
  while (auto last = co_await each.next()) values += std::to_string(last->result());
  CHECK(values == "123");
  CHECK(each.begin() == each.end());
}

AIO_TEST("as_completed: yields values that can only be moved, and none",
         "[task][as_completed]") {
  auto make = [](int n) -> aio::coro<std::unique_ptr<int>> {
    co_await aio::sleep(std::chrono::seconds(n));
    co_return std::make_unique<int>(n);
  };
  std::vector<aio::coro<std::unique_ptr<int>>> coros;
  coros.push_back(make(2));
  coros.push_back(make(1));
  int sum = 0;
  for (auto next : aio::as_completed(std::move(coros))) {
    const std::unique_ptr<int> value = co_await std::move(next);
    sum = 10 * sum + *value;
  }
  CHECK(sum == 12);
  std::vector<aio::coro<>> voids;
  voids.push_back(test::turns(1));
  for (auto next : aio::as_completed(std::move(voids))) co_await std::move(next);
}

// ----- the limit -----

AIO_TEST("as_completed: after the limit next() throws, and the tasks go on",
         "[task][as_completed]") {
  auto slow = aio::create_task(after(5s, 5));
  auto quick = aio::create_task(after(1s, 1));
  auto slower = aio::create_task(after(6s, 6));
  auto each = aio::as_completed(std::vector{slow, quick, slower}, {.timeout = 2s});
  const auto first = co_await each.next();
  CHECK(first == quick);
  for (int i = 0; i < 2; ++i) {
    const std::string how = co_await ending(each.next());
    CHECK(how == "timeout");
    CHECK(loop.now() == 2s);
  }
  const auto none = co_await each.next();
  CHECK_FALSE(none);
  const int value = co_await slow;
  CHECK(value == 5);
  CHECK_FALSE(slower.done());
}

AIO_TEST("as_completed: after the limit what had ended before still comes",
         "[task][as_completed]") {
  auto quick = aio::create_task(after(1s, 1));
  auto slow = aio::create_task(after(5s, 5));
  auto each = aio::as_completed(std::vector{quick, slow}, {.timeout = 2s});
  co_await aio::sleep(10s);
  const auto first = co_await each.next();
  CHECK(first == quick);
  const std::string how = co_await ending(each.next());  // it ended too late
  CHECK(how == "timeout");
  CHECK(slow.done());
}

AIO_TEST("as_completed: after the limit each of the range throws",
         "[task][as_completed]") {
  std::string how;
  for (auto next : aio::as_completed(three(), {.timeout = 1500ms})) {
    how += co_await ending(std::move(next));
    how += ' ';
  }
  CHECK(how == "returned timeout timeout ");
  CHECK(loop.now() == 1500ms);
}

AIO_TEST("as_completed: a limit of zero or less", "[task][as_completed]") {
  for (const aio::duration limit : {0s, -1s}) {
    auto done = make_future<int>(loop);
    done.set_result(1);
    auto each = aio::as_completed(std::vector{done, make_future<int>(loop)},
                                  {.timeout = limit});
    const auto first = co_await each.next();
    CHECK(first == done);
    const std::string how = co_await ending(each.next());
    CHECK(how == "timeout");
  }
}

AIO_TEST("as_completed: leaves no timer behind", "[task][as_completed]") {
  auto each = aio::as_completed(three(), {.timeout = 1h});
  while (auto next = co_await each.next()) CHECK(next->done());
  CHECK(loop.core().armed_timers() == 0);
  {
    auto dropped = aio::as_completed(futures(loop, 1), {.timeout = 1h});
    CHECK(loop.core().armed_timers() == 1);
  }
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST("as_completed: without a limit it waits as long as it takes",
         "[task][as_completed]") {
  std::vector<aio::coro<int>> coros;
  coros.push_back(after(1000h, 1));
  auto each = aio::as_completed(std::move(coros), {.timeout = aio::no_limit});
  const auto next = co_await each.next();
  REQUIRE(next);
  CHECK(loop.now() == 1000h);
}

// ----- several who ask -----

AIO_TEST("as_completed: several may ask, each end is for one of them",
         "[task][as_completed]") {
  auto each = aio::as_completed(three());
  auto ask = [&]() -> aio::coro<int> {
    const auto next = co_await each.next();
    co_return next ? next->result() : -1;
  };
  auto a = aio::create_task(ask);
  auto b = aio::create_task(ask);
  auto c = aio::create_task(ask);
  auto none = aio::create_task(ask);
  co_await none;
  CHECK(none.result() == -1);
  CHECK(loop.now() == 0s);
  co_await a;
  co_await b;
  co_await c;
  CHECK(a.result() == 1);
  CHECK(b.result() == 2);
  CHECK(c.result() == 3);
}

AIO_TEST("as_completed: one that asks in the turn of an end may be first, none is lost",
         "[task][as_completed]") {
  auto all = futures(loop, 2);
  auto each = aio::as_completed(all);
  auto ask = [&]() -> aio::coro<int> {
    const auto next = co_await each.next();
    co_return next ? next->result() : -1;
  };
  auto waiting = aio::create_task(ask);
  co_await test::turns(1);
  all[0].set_result(0);
  // The next turn: the end is noted, `waiting` woken, and then somebody else comes.
  auto overtaking = aio::create_task(ask);
  co_await test::turns(2);
  CHECK(overtaking.done());
  CHECK_FALSE(waiting.done());
  all[1].set_result(1);
  co_await waiting;
  CHECK(overtaking.result() == 0);
  CHECK(waiting.result() == 1);
}

// ----- cancelling -----

AIO_TEST("as_completed: next() cancelled stops waiting, and nothing is lost",
         "[task][as_completed][cancel]") {
  auto each = aio::as_completed(three());
  const std::string early = co_await ending(aio::wait_for(each.next(), 500ms));
  CHECK(early == "timeout");
  auto dropped = aio::create_task(each.next());
  dropped.cancel();  // before its first step
  co_await aio::sleep(0s);
  std::string values;
  while (auto next = co_await each.next()) values += std::to_string(next->result());
  CHECK(values == "123");
}

AIO_TEST("as_completed: cancelled when it was woken it passes the end on",
         "[task][as_completed][cancel]") {
  auto all = futures(loop, 2);
  auto each = aio::as_completed(all);
  auto ask = [&]() -> aio::coro<int> {
    const auto next = co_await each.next();
    co_return next ? next->result() : -1;
  };
  auto first = aio::create_task(ask);
  auto second = aio::create_task(ask);
  co_await test::turns(1);
  all[0].set_result(7);
  co_await test::turns(1);  // the end is noted: `first` is woken
  CHECK(first.cancel());
  const std::string how = co_await ending(first);
  CHECK(how == "cancelled");
  co_await test::turns(1);
  REQUIRE(second.done());
  CHECK(second.result() == 7);
  all[1].set_result(8);
  const auto last = co_await each.next();
  CHECK(last == all[1]);
}

AIO_TEST("as_completed: an end and a cancel in one turn, both orders",
         "[task][as_completed][cancel]") {
  for (const bool cancel_first : {true, false}) {
    auto all = futures(loop, 1);
    auto each = aio::as_completed(all);
    auto asking = aio::create_task(each.next());
    co_await test::turns(1);
    if (cancel_first) asking.cancel();
    all[0].set_result(1);
    if (!cancel_first) asking.cancel();
    const std::string how = co_await ending(asking);
    CHECK(how == "cancelled");
    const auto next = co_await each.next();
    CHECK(next == all[0]);
  }
}

AIO_TEST("as_completed: cancelling who asks does not cancel the tasks",
         "[task][as_completed][cancel]") {
  auto slow = aio::create_task(after(5s, 5));
  auto asking = aio::create_task([&]() -> aio::coro<int> {
    int sum = 0;
    for (auto next : aio::as_completed(std::vector{slow})) {
      sum += co_await std::move(next);
    }
    co_return sum;
  });
  co_await aio::sleep(1s);
  asking.cancel();
  const std::string how = co_await ending(asking);
  CHECK(how == "cancelled");
  CHECK(slow.cancelling() == 0);
  const int value = co_await slow;
  CHECK(value == 5);
}

TEST_CASE("as_completed: cancelled at every await, nothing of it stays",
          "[task][as_completed][cancel]") {
  int alive = 0;
  auto work = [&](aio::duration length, test::counted) -> aio::coro<> {
    co_await aio::sleep(length);
  };
  auto make = [&]() -> aio::coro<> {
    std::vector<aio::task<>> tasks;
    tasks.push_back(aio::create_task(work, 1s, test::counted(alive)));
    tasks.push_back(aio::create_task(work, 2s, test::counted(alive)));
    auto each = aio::as_completed(tasks, {.timeout = 10s});
    co_await each.next();
    for (auto next : each) co_await std::move(next);
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 3);
  CHECK(alive == 0);
}

// ----- lifetime, misuse -----

TEST_CASE("as_completed: goes with futures that nobody will ever finish",
          "[task][as_completed]") {
  int alive = 0;
  aio::testing::virtual_loop loop;
  auto main = [&]() -> aio::coro<> {
    auto f = make_future<int>(loop);
    f.add_done_callback([c = test::counted(alive)](const auto&) {});
    auto each = aio::as_completed(std::vector{f}, {.timeout = 1h});
    auto other = make_future<int>(loop);
    other.add_done_callback([c = test::counted(alive)](const auto&) {});
    const std::vector kept{other};
    {
      auto dropped = aio::as_completed(kept);
      CHECK(alive == 2);
    }
    co_return;
  };
  loop.run(main());
  CHECK(alive == 0);
}

AIO_TEST("as_completed: an error that nobody asked for is reported",
         "[task][as_completed][report]") {
  test::reports reports(loop);
  {
    std::vector<aio::coro<int>> coros;
    coros.push_back(fail_after(1s));
    coros.push_back(fail_after(2s));
    auto each = aio::as_completed(std::move(coros));
    const auto first = co_await each.next();
    REQUIRE(first);
    CHECK(ending_of([&] { return first->result(); }) == "boom");
  }
  co_await aio::sleep(5s);
  CHECK(reports.take() == "boom");
}

AIO_TEST("as_completed: refuses futures of another loop", "[task][as_completed]") {
  aio::testing::virtual_loop elsewhere;
  const std::vector<aio::future<int>> foreign{make_future<int>(elsewhere)};
  CHECK_THROWS_AS(aio::as_completed(foreign), std::invalid_argument);
  co_return;
}

TEST_CASE("as_completed: needs a running loop", "[task][as_completed]") {
  CHECK_THROWS_AS(aio::as_completed(std::vector<aio::task<>>()), aio::usage_error);
}

AIO_TEST("as_completed: refuses an empty future", "[task][as_completed]") {
  CHECK_THROWS_AS(aio::as_completed(std::vector<aio::task<int>>(1)), aio::usage_error);
  co_return;
}

AIO_TEST("as_completed: a thousand of them", "[task][as_completed]") {
  std::vector<aio::coro<int>> coros;
  for (int i = 0; i < 1000; ++i) {
    coros.push_back(after(std::chrono::milliseconds((i * 7) % 1000), i));
  }
  aio::duration last = 0s;
  int count = 0;
  for (auto next : aio::as_completed(std::move(coros))) {
    co_await std::move(next);
    CHECK(loop.now() >= last);
    last = loop.now();
    ++count;
  }
  CHECK(count == 1000);
}
