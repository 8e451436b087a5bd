// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/gather.hpp>  // first: proves the header stands alone

#include <aio/task/end_of.hpp>
#include <aio/task/shield.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/timeout.hpp>
#include <aio/task/wait.hpp>
#include <aio/task/with.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <list>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::ending_of;
using test::make_future;
using test::name_of;

namespace {

aio::coro<std::string> work(std::string tag, int turns) {
  co_await test::turns(turns);
  co_return tag;
}

aio::coro<std::string> fail(std::string tag, int turns) {
  co_await test::turns(turns);
  throw boom(tag);
}

aio::coro<int> number_later(int n, aio::duration delay) {
  co_await aio::sleep(delay);
  co_return n;
}

}  // namespace

// ----- results -----

AIO_TEST("gather: yields the values in the order of the arguments", "[task][gather]") {
  const auto [a, b, c] = co_await aio::gather(number_later(1, 3s), number_later(2, 1s),
                                              number_later(3, 2s));
  CHECK(a == 1);
  CHECK(b == 2);
  CHECK(c == 3);
  CHECK(loop.now() == 3s);
}

AIO_TEST("gather: starts the coroutines at the call, in the order of the arguments",
         "[task][gather]") {
  std::string log;
  auto child = [&](char tag) -> aio::coro<> {
    log += tag;
    co_return;
  };
  auto g = aio::gather(child('a'), child('b'), child('c'));
  CHECK(log.empty());
  CHECK_FALSE(g.done());
  co_await aio::sleep(0s);
  CHECK(log == "abc");
  co_await aio::sleep(0s);
  CHECK(g.done());  // without being awaited
  co_await g;
}

TEST_CASE("gather: is done on the turn after its last child", "[task][gather]") {
  aio::testing::virtual_loop loop;
  bool went_on = false;
  auto body = [&]() -> aio::coro<> {
    co_await aio::gather(test::turns(0), test::turns(1));
    went_on = true;
  };
  auto t = test::start(loop, body());
  loop.turn();  // the gather is made
  loop.turn();  // both start
  loop.turn();  // the second ends
  loop.turn();  // the gather is told
  CHECK_FALSE(went_on);
  loop.turn();
  CHECK(went_on);
  CHECK(t.done());
}

AIO_TEST("gather: mixes futures, tasks, coroutines and other awaitables",
         "[task][gather]") {
  auto f = make_future<std::string>(loop);
  test::call_at(loop, 1s, [f]() mutable { f.set_result("future"); });
  auto t = aio::create_task(work("task", 0));
  const auto [a, b, c, d, e] = co_await aio::gather(
      f, t, work("coroutine", 2), aio::sleep(2s, 'z'), test::turns(1));
  CHECK(a == "future");
  CHECK(b == "task");
  CHECK(c == "coroutine");
  CHECK(d == 'z');
  CHECK(e == std::monostate());
  CHECK(f.result() == "future");
  CHECK(t.result() == "task");
}

AIO_TEST("gather: yields references and what can only be moved", "[task][gather]") {
  int n = 1;
  auto refer = [](int& to) -> aio::coro<int&> { co_return to; };
  auto make = []() -> aio::coro<std::unique_ptr<int>> {
    co_return std::make_unique<int>(2);
  };
  auto [r, p] = co_await aio::gather(refer(n), make());
  static_assert(std::is_same_v<decltype(r), int&>);
  CHECK(&r == &n);
  CHECK(*p == 2);
  auto [rr, pp] = co_await aio::gather(aio::return_exceptions, refer(n), make());
  CHECK(&rr.value() == &n);
  CHECK(*pp.value() == 2);
}

AIO_TEST("gather: copies no value that only it owns", "[task][gather]") {
  struct tracked {
    tracked() = default;
    tracked(const tracked& other) : copies(other.copies + 1) {}
    tracked(tracked&& other) noexcept : copies(other.copies) {}
    int copies = 0;
  };
  auto make = [](int turns) -> aio::coro<tracked> {
    co_await test::turns(turns);
    co_return tracked();
  };
  auto kept = aio::create_task(make(0));
  auto g = aio::gather(make(1), make(2), kept);
  const auto [first, last, shared] = co_await std::move(g);
  CHECK(first.copies == 0);
  CHECK(last.copies == 0);
  CHECK(shared.copies == 1);
  CHECK(kept.result().copies == 0);
}

AIO_TEST("gather: of nothing is done at once", "[task][gather]") {
  auto none = aio::gather();
  CHECK(none.done());
  const test::turn_mark turn(loop);
  co_await none;
  auto settled = aio::gather(aio::return_exceptions);
  co_await settled;
  const std::vector<aio::task<int>> no_tasks;
  const std::vector<int>& empty = co_await aio::gather(no_tasks);
  CHECK(empty.empty());
  CHECK_FALSE(turn.is_over());
}

TEST_CASE("gather: needs a running loop for coroutines and for nothing",
          "[task][gather]") {
  CHECK_THROWS_AS(aio::gather(), aio::usage_error);
  CHECK_THROWS_AS(aio::gather(std::vector<aio::task<>>()), aio::usage_error);
}

AIO_TEST("gather: of what is done does not give way", "[task][gather]") {
  auto f = make_future<int>(loop);
  f.set_result(1);
  const test::turn_mark turn(loop);
  const auto [a, b] = co_await aio::gather(f, f);
  CHECK(a + b == 2);
  CHECK_FALSE(turn.is_over());
}

AIO_TEST("gather: the same future or task may come twice", "[task][gather]") {
  auto t = aio::create_task(work("same", 2));
  const auto [a, b] = co_await aio::gather(t, t);
  CHECK(a == "same");
  CHECK(b == "same");
  const std::vector tasks{t, t, t};
  const std::vector<std::string> all = co_await aio::gather(tasks);
  CHECK(all == std::vector<std::string>(3, "same"));
}

AIO_TEST("gather: gathers gathers", "[task][gather]") {
  auto inner = aio::gather(work("x", 1), work("y", 0));
  const auto [pair, z] = co_await aio::gather(inner, work("z", 0));
  CHECK(std::get<0>(pair) == "x");
  CHECK(std::get<1>(pair) == "y");
  CHECK(z == "z");
}

// ----- ranges -----

AIO_TEST("gather: takes a range of coroutines, tasks or futures", "[task][gather]") {
  std::vector<aio::coro<int>> coroutines;
  for (int i = 0; i < 5; ++i) coroutines.push_back(number_later(i, (5 - i) * 1s));
  const std::vector<int> numbers = co_await aio::gather(std::move(coroutines));
  CHECK(numbers == std::vector{0, 1, 2, 3, 4});
  CHECK(loop.now() == 5s);

  std::list<aio::task<std::string>> tasks;
  tasks.push_back(aio::create_task(work("a", 1)));
  tasks.push_back(aio::create_task(work("b", 0)));
  const std::vector<std::string> texts = co_await aio::gather(tasks);
  CHECK(texts == std::vector<std::string>{"a", "b"});
  CHECK(tasks.front().result() == "a");  // the list keeps its tasks

  std::vector<aio::coro<>> voids;
  voids.push_back(test::turns(1));
  voids.push_back(test::turns(2));
  const std::vector<std::monostate> nothing = co_await aio::gather(std::move(voids));
  CHECK(nothing.size() == 2);
}

AIO_TEST("gather: a view leaves the tasks that it shows with their owner",
         "[task][gather]") {
  std::vector tasks{aio::create_task(work("a", 1)), aio::create_task(work("b", 0)),
                    aio::create_task(work("c", 0))};
  const std::vector<std::string> spanned = co_await aio::gather(std::span(tasks));
  CHECK(spanned.size() == 3);
  const std::vector<std::string> viewed =
      co_await aio::gather(tasks | std::views::drop(1));
  CHECK(viewed == std::vector<std::string>{"b", "c"});
  for (const auto& one : tasks) CHECK(static_cast<bool>(one));
}

AIO_TEST("gather: of different loops is refused", "[task][gather]") {
  aio::testing::virtual_loop elsewhere;
  auto here = make_future<int>(loop);
  auto there = make_future<int>(elsewhere);
  CHECK_THROWS_AS(aio::gather(here, there), std::invalid_argument);
  CHECK_THROWS_AS(aio::gather(std::vector{here, there}), std::invalid_argument);
  here.set_result(1);
  there.set_result(1);
  CHECK_THROWS_AS(aio::gather(here, there), std::invalid_argument);
  co_return;
}

// ----- errors -----

AIO_TEST("gather: the first exception comes at once, and the others go on",
         "[task][gather]") {
  auto slow = aio::create_task(work("slow", 8));
  auto second = aio::create_task(fail("second", 5));
  auto first = aio::create_task(fail("first", 2));
  auto fast = aio::create_task(work("fast", 0));
  const std::string how = co_await ending(aio::gather(slow, second, first, fast));
  CHECK(how == "first");
  CHECK_FALSE(slow.done());
  CHECK_FALSE(second.done());
  CHECK(fast.done());
  const std::vector all{slow, second, first, fast};
  co_await aio::wait(all);
  CHECK(slow.result() == "slow");
  CHECK(slow.cancelling() == 0);
  CHECK(name_of(second.exception()) == "second");
}

AIO_TEST("gather: an exception that is there already comes without waiting",
         "[task][gather]") {
  auto failed = make_future<>(loop);
  failed.set_exception(boom("early"));
  auto late = aio::create_task(work("late", 3));
  const test::turn_mark turn(loop);
  const std::string how = co_await ending(aio::gather(late, failed));
  CHECK(how == "early");
  CHECK_FALSE(turn.is_over());
  CHECK_FALSE(late.done());
  co_await late;
}

AIO_TEST("gather: later exceptions are not reported, its own is if nobody asks",
         "[task][gather]") {
  test::reports reports(loop);
  const std::string how =
      co_await ending(aio::gather(fail("first", 0), fail("second", 3)));
  CHECK(how == "first");
  co_await test::turns(8);
  CHECK(reports.take().empty());

  static_cast<void>(aio::gather(fail("alone", 0), work("other", 2)));
  co_await test::turns(8);
  CHECK(reports.take() == "alone");
}

AIO_TEST("gather: with return_exceptions all ends come as results", "[task][gather]") {
  auto victim = aio::create_task(number_later(0, 1h));
  test::call_at(loop, 3s, [&] { victim.cancel("victim"); });
  auto limited = []() -> aio::coro<> {
    co_await aio::timeout(1s, [] { return aio::sleep(1h); });
  };
  const auto [a, b, c, d, e, f] =
      co_await aio::gather(aio::return_exceptions, work("a", 3), fail("b", 0),
                           limited(), victim, work("e", 1), test::turns(1));
  CHECK(a.has_value());
  CHECK(a.value() == "a");
  CHECK(a.error() == nullptr);
  CHECK_FALSE(b.has_value());
  CHECK(name_of(b.error()) == "b");
  CHECK(ending_of([&] { return b.value(); }) == "b");
  CHECK_FALSE(b.cancelled());
  CHECK(name_of(c.error()) == "timeout");
  CHECK(d.cancelled());
  CHECK(name_of(d.error()) == "cancelled: victim");
  CHECK(e.value() == "e");
  CHECK(f.value() == std::monostate());
  CHECK(loop.now() == 3s);

  std::vector<aio::coro<std::string>> range;
  range.push_back(fail("x", 1));
  range.push_back(work("y", 0));
  const auto all = co_await aio::gather(aio::return_exceptions, std::move(range));
  REQUIRE(all.size() == 2);
  CHECK(name_of(all[0].error()) == "x");
  CHECK(all[1].value() == "y");
}

AIO_TEST("gather: a child that others cancel counts as failed", "[task][gather]") {
  auto victim = aio::create_task(number_later(0, 1h));
  auto other = aio::create_task(work("other", 4));
  auto g = aio::gather(victim, other);
  co_await aio::sleep(0s);
  victim.cancel();
  const std::string how = co_await ending(g);
  CHECK(how == "cancelled");
  CHECK(aio::current_task().cancelling() == 0);
  CHECK_FALSE(g.cancelled());
  CHECK(name_of(g.exception()) == "cancelled");
  CHECK_FALSE(other.done());
  CHECK(other.cancelling() == 0);
  const std::string& text = co_await other;
  CHECK(text == "other");
}

// ----- cancel -----

AIO_TEST("gather: cancelled, it cancels every child with the message",
         "[task][gather][cancel]") {
  std::string log;
  auto child = [&](char tag) -> aio::coro<> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error& e) {
      log += tag + e.message() + ' ';
      throw;
    }
  };
  auto g = aio::gather(child('a'), child('b'));
  co_await aio::sleep(0s);
  CHECK(g.cancel("stop"));
  CHECK_FALSE(g.done());
  const std::string how = co_await ending(g);
  CHECK(how == "cancelled: stop");
  CHECK(log == "astop bstop ");
  CHECK_FALSE(g.cancel());
}

AIO_TEST("gather: a cancelled waiter cancels the children", "[task][gather][cancel]") {
  auto a = aio::create_task(number_later(1, 1h));
  auto done = aio::create_task(work("done", 0));
  auto waiter =
      aio::create_task([&]() -> aio::coro<> { co_await aio::gather(a, done); });
  co_await test::turns(3);
  CHECK(waiter.cancel("why"));
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled: why");
  CHECK(a.cancelled());
  CHECK(done.result() == "done");
}

AIO_TEST("gather: whose children are all done refuses a cancel",
         "[task][gather][cancel]") {
  auto f = make_future<int>(loop);
  auto g = aio::gather(f);
  f.set_result(1);
  CHECK_FALSE(g.done());
  CHECK_FALSE(g.cancel());
  const auto [n] = co_await g;
  CHECK(n == 1);

  // ... and who waits for it is cancelled all the same.
  auto h = make_future<int>(loop);
  auto waiter = aio::create_task([&]() -> aio::coro<> { co_await aio::gather(h); });
  co_await aio::sleep(0s);
  h.set_result(1);
  CHECK(waiter.cancel());
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled");
}

AIO_TEST("gather: cancelled with return_exceptions, it waits for all and then throws",
         "[task][gather][cancel]") {
  bool cleaned = false;
  auto slow_to_stop = [&]() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) co_await aio::sleep(5s);
    cleaned = true;
  };
  auto g = aio::gather(aio::return_exceptions, slow_to_stop(), number_later(1, 1h));
  co_await aio::sleep(0s);
  CHECK(g.cancel());
  const std::string how = co_await ending(g);
  CHECK(how == "cancelled");
  CHECK(cleaned);
  CHECK(loop.now() == 5s);
}

AIO_TEST("gather: cancelled, it ends when its first child ends cancelled",
         "[task][gather][cancel]") {
  auto slow_to_stop = aio::create_task([]() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) co_await aio::sleep(5s);
  });
  auto g = aio::gather(slow_to_stop, number_later(1, 1h));
  co_await aio::sleep(0s);
  g.cancel();
  const std::string how = co_await ending(g);
  CHECK(how == "cancelled");
  CHECK(loop.now() == 0s);
  CHECK_FALSE(slow_to_stop.done());
  co_await slow_to_stop;
}

AIO_TEST("gather: children that all catch the cancel do not undo it",
         "[task][gather][cancel]") {
  auto stubborn = []() -> aio::coro<int> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
    co_return 1;
  };
  auto g = aio::gather(stubborn(), stubborn());
  co_await aio::sleep(0s);
  CHECK(g.cancel("stop"));
  const std::string how = co_await ending(g);
  CHECK(how == "cancelled");  // the message would be that of a child
}

AIO_TEST("gather: cancelled before its children start, none of them runs",
         "[task][gather][cancel]") {
  bool ran = false;
  auto child = [&]() -> aio::coro<> {
    ran = true;
    co_return;
  };
  auto g = aio::gather(child(), child());
  CHECK(g.cancel());
  const std::string how = co_await ending(g);
  CHECK(how == "cancelled");
  CHECK_FALSE(ran);
}

AIO_TEST("gather: a shielded gather goes on, shielded children too",
         "[task][gather][cancel]") {
  auto a = aio::create_task(number_later(1, 10s));
  auto outer =
      aio::create_task([&]() -> aio::coro<> { co_await aio::shield(aio::gather(a)); });
  co_await aio::sleep(1s);
  outer.cancel();
  const std::string first = co_await ending(outer);
  CHECK(first == "cancelled");
  CHECK_FALSE(a.done());
  CHECK(a.cancelling() == 0);

  auto g = aio::gather(aio::shield(a));
  CHECK(g.cancel());
  const std::string second = co_await ending(g);
  CHECK(second == "cancelled");
  const int n = co_await a;
  CHECK(n == 1);
}

TEST_CASE("gather: cancelled at each await, its children end with it",
          "[task][gather][cancel]") {
  int alive = 0;
  auto child = [](test::counted, aio::duration delay) -> aio::coro<int> {
    co_await aio::sleep(delay);
    co_await aio::sleep(0s);
    co_return 1;
  };
  auto make = [&alive, child]() -> aio::coro<int> {
    auto inner =
        aio::gather(child(test::counted(alive), 1s), child(test::counted(alive), 2s));
    const auto [a, b] = co_await aio::gather(inner, child(test::counted(alive), 3s));
    co_return std::get<0>(a) + std::get<1>(a) + b;
  };
  const int cancels = test::cancel_at_every_await(
      make, [&](const aio::task<int>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 7);
  CHECK(alive == 0);
}

TEST_CASE("gather: nested in all else and cancelled at each await, nothing stays",
          "[task][gather][cancel]") {
  struct lease {
    aio::coro<> enter() {
      co_await aio::sleep(1s);
      ++*held;
    }
    aio::coro<> exit(std::exception_ptr) {
      --*held;
      co_await aio::sleep(0s);
    }
    int* held;
  };
  int alive = 0, held = 0, saved = 0, saving = 0;
  auto make = [&]() -> aio::coro<> {
    auto save = [&](test::counted) -> aio::coro<> {
      ++saving;
      co_await aio::sleep(2s);
      ++saved;
    };
    auto leased = [&](test::counted) -> aio::coro<> {
      auto block = [] { return aio::sleep(3s); };
      lease l{&held};
      co_await aio::with(l, block);
    };
    auto waits = [&](test::counted) -> aio::coro<> {
      std::vector<aio::task<>> some;
      some.push_back(aio::create_task(leased, test::counted(alive)));
      const auto ended = co_await aio::wait(some, {.timeout = 2s});
      for (const auto& one : ended.pending) one.any().cancel();
      for (const auto& one : ended.pending)
        co_await aio::detail::end_of(one.any().of());
    };
    auto block = [&]() -> aio::coro<> {
      auto saver = aio::create_task(save, test::counted(alive));
      co_await aio::gather(
          aio::shield(saver), waits(test::counted(alive)),
          aio::wait_for(aio::create_task(leased, test::counted(alive)), 10s));
    };
    co_await aio::timeout(20s, block);
  };
  const int cancels = test::cancel_at_every_await(make, [&](const aio::task<>& t) {
    CHECK(t.cancelled());
    CHECK(t.cancelling() == 1);
  });
  CHECK(cancels > 10);
  CHECK(held == 0);
  CHECK(alive == 0);
  CHECK(saved > 0);
  CHECK(saving > saved);  // some were ended with the loop of their run
}

// ----- ownership -----

AIO_TEST("gather: lives on without a handle, and calls back", "[task][gather]") {
  int sum = 0;
  aio::gather(number_later(1, 1s), number_later(2, 2s))
      .add_done_callback([&](const auto& g) {
        sum = std::get<0>(g.result()) + std::get<1>(g.result());
      });
  co_await aio::sleep(3s);
  CHECK(sum == 3);
}

TEST_CASE("gather: goes with futures that nobody will ever finish", "[task][gather]") {
  int alive = 0;
  aio::testing::virtual_loop loop;
  {
    auto f = make_future<int>(loop);
    auto g = aio::gather(f, make_future<int>(loop));
    auto nested = aio::gather(g, f);
    nested.add_done_callback([c = test::counted(alive)](const auto&) {});
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

AIO_TEST("gather: a child that nobody can finish is not there to be cancelled",
         "[task][gather][cancel]") {
  auto kept = make_future<int>(loop);
  auto g = aio::gather(make_future<int>(loop), kept);
  CHECK(g.cancel());
  CHECK(kept.cancelled());
  const std::string how = co_await ending(g);
  CHECK(how == "cancelled");
}

TEST_CASE("gather: pending when its loop closes, nothing of it is left",
          "[task][gather]") {
  int alive = 0;
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  auto child = [](test::counted) -> aio::coro<> { co_await aio::sleep(1h); };
  auto body = [&](aio::future<> f) -> aio::coro<> {
    auto both = aio::gather(child(test::counted(alive)), f);
    co_await both;
  };
  auto t = test::start(loop, body(make_future<>(loop)));
  loop.turn();
  loop.turn();
  CHECK(alive == 1);
  loop.core().close();
  CHECK(alive == 0);
  CHECK(t.cancelled());
}
