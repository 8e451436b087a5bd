// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/timeout.hpp>  // first: proves the header stands alone

#include <aio/task/shield.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/with.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <optional>
#include <string>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::make_future;

namespace {

aio::coro<> sleep_long() { co_await aio::sleep(1h); }

aio::time_point at(aio::duration since_start) { return aio::time_point(since_start); }

}  // namespace

// ----- timeout() -----

AIO_TEST("timeout: stops its block and throws timeout_error", "[task][timeout]") {
  std::string log;
  auto block = [&](aio::timeout_scope& scope) -> aio::coro<> {
    const aio::detail::scope_exit end([&] { log += "end "; });
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      log += scope.expired() ? "expired " : "not expired ";
      throw;
    }
  };
  const std::string how = co_await ending(aio::timeout(1s, block));
  CHECK(how == "timeout");
  CHECK(log == "expired end ");
  CHECK(loop.now() == 1s);
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(1s);  // nothing is left behind
  CHECK(loop.now() == 2s);
}

AIO_TEST("timeout: a block that ends in time yields its value", "[task][timeout]") {
  auto number = []() -> aio::coro<int> {
    co_await aio::sleep(1s);
    co_return 5;
  };
  const int n = co_await aio::timeout(2s, number);
  CHECK(n == 5);
  int m = 0;
  auto refer = [&]() -> aio::coro<int&> { co_return m; };
  int& same = co_await aio::timeout(2s, refer);
  CHECK(&same == &m);
  auto make = []() -> aio::coro<std::unique_ptr<int>> {
    co_return std::make_unique<int>(2);
  };
  const std::unique_ptr<int> owner = co_await aio::timeout(2s, make);
  CHECK(*owner == 2);
  co_await aio::timeout(0.5s, [] { return aio::sleep(0.25s); });
  CHECK(loop.now() == 1250ms);
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST("timeout: without a limit it never ends the block", "[task][timeout]") {
  bool none = false, expired = true;
  auto block = [&](aio::timeout_scope& scope) -> aio::coro<> {
    none = !scope.when().has_value();
    co_await aio::sleep(1h);
    expired = scope.expired();
  };
  co_await aio::timeout(aio::no_limit, block);
  CHECK(none);
  CHECK_FALSE(expired);
}

AIO_TEST("timeout: the exception of the block passes unchanged", "[task][timeout]") {
  auto block = []() -> aio::coro<> {
    co_await aio::sleep(1s);
    throw boom();
  };
  const std::string how = co_await ending(aio::timeout(2s, block));
  CHECK(how == "boom");
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST(
    "timeout: an exception of the block after the limit passes, and no cancel stays",
    "[task][timeout]") {
  auto block = []() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) throw boom();
  };
  const std::string how = co_await ending(aio::timeout(1s, block));
  CHECK(how == "boom");
  CHECK(aio::current_task().cancelling() == 0);
}

AIO_TEST("timeout: a block that catches the cancel and returns is no timeout",
         "[task][timeout]") {
  bool expired = false;
  auto block = [&](aio::timeout_scope& scope) -> aio::coro<int> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      expired = scope.expired();
    }
    co_return 3;
  };
  const int n = co_await aio::timeout(1s, block);
  CHECK(n == 3);
  CHECK(expired);
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(1s);
}

AIO_TEST("timeout: zero or less lets a block run that never suspends",
         "[task][timeout]") {
  for (const aio::duration limit : {aio::duration(0s), aio::duration(-11s)}) {
    auto nothing = []() -> aio::coro<int> { co_return 1; };
    const int n = co_await aio::timeout(limit, nothing);
    CHECK(n == 1);
    bool started = false;
    auto turn = [&]() -> aio::coro<> {
      started = true;
      co_await aio::sleep(0s);
    };
    const std::string how = co_await ending(aio::timeout(limit, turn));
    CHECK(how == "timeout");
    CHECK(started);
    const std::string late = co_await ending(aio::timeout(limit, sleep_long));
    CHECK(late == "timeout");
  }
  CHECK(loop.now() == 0s);
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);
}

AIO_TEST("timeout_at: until a point of the loop's time", "[task][timeout]") {
  co_await aio::sleep(1s);
  std::optional<aio::time_point> when;
  auto block = [&](aio::timeout_scope& scope) -> aio::coro<> {
    when = scope.when();
    co_await aio::sleep(1h);
  };
  const std::string how = co_await ending(aio::timeout_at(at(3s), block));
  CHECK(how == "timeout");
  CHECK(when == at(3s));
  CHECK(loop.now() == 3s);
  const std::string past = co_await ending(aio::timeout_at(at(2s), block));
  CHECK(past == "timeout");
  CHECK(loop.now() == 3s);
  co_await aio::timeout_at(std::nullopt, [] { return aio::sleep(1s); });
}

AIO_TEST("timeout: its block is the callable, which lives until the end",
         "[task][timeout]") {
  int alive = 0;
  auto block = [c = test::counted(alive), &alive]() -> aio::coro<int> {
    co_await aio::sleep(1s);
    co_return alive;
  };
  auto limited = aio::timeout(2s, std::move(block));
  const int n = co_await std::move(limited);
  CHECK(n == 2);
}

// ----- cancel from outside -----

AIO_TEST("timeout: a cancel from outside passes as cancelled_error",
         "[task][timeout][cancel]") {
  bool expired = true;
  auto block = [&](aio::timeout_scope& scope) -> aio::coro<> {
    const aio::detail::scope_exit end([&] { expired = scope.expired(); });
    co_await aio::sleep(1h);
  };
  auto t = aio::create_task(aio::timeout(60s, block));
  co_await aio::sleep(1s);
  t.cancel("outside");
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: outside");
  CHECK_FALSE(expired);
  CHECK(t.cancelling() == 1);
  CHECK(loop.now() == 1s);
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST("timeout: a cancel from outside in the turn of the limit wins",
         "[task][timeout][cancel]") {
  // Both orders: the canceller's timer is armed before and after that of the limit.
  for (const bool before : {true, false}) {
    aio::task<> t;
    const aio::time_point limit = aio::time_point(loop.now()) + 1s;
    auto arm = [&] {
      test::call_at(loop, limit.time_since_epoch(), [&] { t.cancel("outside"); });
    };
    if (before) arm();
    t = aio::create_task(aio::timeout_at(limit, sleep_long));
    co_await aio::sleep(0s);
    if (!before) arm();
    const std::string how = co_await ending(t);
    // The message is that of the first request, and a limit gives none.
    CHECK(how == (before ? "cancelled: outside" : "cancelled"));
    CHECK(t.cancelling() == 1);
    CHECK(t.cancelled());
  }
}

AIO_TEST("timeout: converts though the task was cancelled before and went on",
         "[task][timeout][cancel]") {
  auto body = []() -> aio::coro<std::string> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
    const std::string how = co_await ending(aio::timeout(1s, sleep_long));
    co_return how + std::to_string(aio::current_task().cancelling());
  };
  auto t = aio::create_task(body);
  co_await aio::sleep(0s);
  t.cancel();
  const std::string& how = co_await t;
  CHECK(how == "timeout1");
}

AIO_TEST("timeout: that ends in the turn of its limit leaves no cancel behind",
         "[task][timeout]") {
  auto f = make_future<>(loop);
  test::call_at(loop, 1s, [f]() mutable { f.set_result(); });  // before the limit
  auto body = [&]() -> aio::coro<std::string> {
    const std::string how = co_await ending(aio::timeout(1s, [&] { return f; }));
    co_await aio::sleep(1s);
    co_return how + std::to_string(aio::current_task().cancelling());
  };
  const std::string how = co_await aio::create_task(body);
  // The limit came before the task ran: its await raises, and it is a timeout.
  CHECK(how == "timeout0");
  CHECK(f.done());
  CHECK_FALSE(f.cancelled());
}

// ----- nesting -----

AIO_TEST("timeout: nested, the one that expires converts", "[task][timeout]") {
  std::string log;
  auto nested = [&](aio::time_limit outer_limit,
                    aio::time_limit inner_limit) -> aio::coro<> {
    auto outer = [&]() -> aio::coro<> {
      bool inner_timed_out = false;
      try {
        co_await aio::timeout(inner_limit, sleep_long);
      } catch (const aio::timeout_error&) {
        inner_timed_out = true;
      } catch (const aio::cancelled_error&) {
        log += "inner:cancelled ";
        throw;
      }
      if (inner_timed_out) log += "inner:timeout ";
      co_await aio::sleep(0s);
      log += "between ";
    };
    const std::string how = co_await ending(aio::timeout(outer_limit, outer));
    log += "outer:" + how;
  };
  co_await nested(60s, 1s);
  CHECK(log == "inner:timeout between outer:returned");
  log.clear();
  co_await nested(1s, 60s);
  CHECK(log == "inner:cancelled outer:timeout");
  log.clear();
  co_await nested(1s, aio::no_limit);
  CHECK(log == "inner:cancelled outer:timeout");
  log.clear();
  co_await nested(1s, 1s);  // both in one turn: the cancel is for the outer one
  CHECK(log == "inner:cancelled outer:timeout");
  CHECK(loop.now() == 4s);
  CHECK(aio::current_task().cancelling() == 0);
}

AIO_TEST("timeout: one in the cleanup of another", "[task][timeout]") {
  std::string log;
  auto block = [&]() -> aio::coro<> {
    std::exception_ptr error;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      error = std::current_exception();
    }
    log = co_await ending(aio::timeout(1s, sleep_long));
    std::rethrow_exception(error);
  };
  const std::string how = co_await ending(aio::timeout(1s, block));
  CHECK(log == "timeout");
  CHECK(how == "timeout");
  CHECK(loop.now() == 2s);
}

AIO_TEST("timeout: one after the other", "[task][timeout]") {
  std::string log;
  for (int i = 0; i < 3; ++i) {
    auto block = [i]() { return aio::sleep(i % 2 == 0 ? 60s : 0s); };
    log += co_await ending(aio::timeout(1s, block));
    log += ' ';
  }
  CHECK(log == "timeout returned timeout ");
  CHECK(aio::current_task().cancelling() == 0);
}

// ----- the scope -----

AIO_TEST("timeout_scope: moves its limit, or takes it away", "[task][timeout]") {
  auto block = [&](aio::timeout_scope& scope) -> aio::coro<> {
    scope.reschedule(at(60s));
    CHECK(scope.when() == at(60s));
    co_await aio::sleep(2s);  // beyond the first limit
    scope.reschedule(std::nullopt);
    CHECK_FALSE(scope.when().has_value());
    co_await aio::sleep(1h);
    CHECK_FALSE(scope.expired());
    scope.reschedule(aio::time_point(loop.now()) + 1s);
    co_await aio::sleep(1h);
  };
  const std::string how = co_await ending(aio::timeout(1s, block));
  CHECK(how == "timeout");
  CHECK(loop.now() == 1h + 3s);
}

AIO_TEST("timeout_scope: a limit moved into the past fires on the next turn",
         "[task][timeout]") {
  auto block = [](aio::timeout_scope& scope) -> aio::coro<> {
    co_await aio::sleep(1s);
    scope.reschedule(at(0s));
    co_await aio::sleep(0s);
  };
  const std::string how = co_await ending(aio::timeout(1h, block));
  CHECK(how == "timeout");
  CHECK(loop.now() == 1s);

  // ... unless it is moved once more before.
  auto change_of_mind = [](aio::timeout_scope& scope) -> aio::coro<> {
    scope.reschedule(at(0s));
    scope.reschedule(at(1h));
    co_await aio::sleep(1s);
  };
  co_await aio::timeout(1h, change_of_mind);
}

AIO_TEST("timeout_scope: may be moved by another task", "[task][timeout]") {
  auto box = make_future<aio::timeout_scope*>(loop);
  auto block = [&](aio::timeout_scope& scope) -> aio::coro<> {
    box.set_result(&scope);
    co_await aio::sleep(1h);
  };
  auto guarded = aio::create_task(aio::timeout(60s, block));
  aio::timeout_scope* const scope = co_await box;
  scope->reschedule(at(2s));
  const std::string how = co_await ending(guarded);
  CHECK(how == "timeout");
  CHECK(loop.now() == 2s);
}

AIO_TEST("timeout_scope: cannot be moved once it has expired or ended",
         "[task][timeout]") {
  auto expired = [](aio::timeout_scope& scope) -> aio::coro<> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      CHECK_THROWS_AS(scope.reschedule(at(1h)), aio::usage_error);
    }
  };
  co_await aio::timeout(1s, expired);

  aio::timeout_scope scope(at(1h));
  CHECK_THROWS_AS(scope.reschedule(at(1h)), aio::usage_error);  // not entered
  scope.begin();
  CHECK_THROWS_AS(scope.begin(), aio::usage_error);
  CHECK_FALSE(scope.leave());
  CHECK_FALSE(scope.expired());
  CHECK_THROWS_AS(scope.reschedule(at(1h)), aio::usage_error);
  CHECK_FALSE(scope.leave());
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST("timeout: made before its block, and asked after it", "[task][timeout]") {
  aio::timeout_scope limit = aio::timeout(1s);
  CHECK(limit.when() == at(1s));
  CHECK_FALSE(limit.expired());
  auto too_long = []() -> aio::coro<> { co_await aio::sleep(1h); };
  const std::string how = co_await ending(aio::with(limit, too_long));
  CHECK(how == "timeout");
  CHECK(limit.expired());
  CHECK(loop.now() == 1s);
  const std::string again = co_await ending(aio::with(limit, too_long));
  CHECK(again == "usage");

  aio::timeout_scope never = aio::timeout_at(std::nullopt);
  auto in_time = [](aio::timeout_scope& scope) -> aio::coro<int> {
    CHECK_FALSE(scope.when());
    co_return 5;
  };
  const int five = co_await aio::with(never, in_time);
  CHECK(five == 5);
  CHECK_FALSE(never.expired());
}

AIO_TEST("timeout_scope: needs a task", "[task][timeout]") {
  bool refused = false;
  test::call_soon(loop, [&] {
    try {
      aio::timeout_scope scope(std::nullopt);
      scope.begin();
    } catch (const aio::usage_error&) {
      refused = true;
    }
  });
  co_await aio::sleep(0s);
  CHECK(refused);
}

// ----- wait_for() -----

AIO_TEST("wait_for: yields the value in time, and throws what is awaited throws",
         "[task][wait_for]") {
  auto number = []() -> aio::coro<int> {
    co_await aio::sleep(1s);
    co_return 5;
  };
  auto fails = []() -> aio::coro<> {
    throw boom();
    co_return;
  };
  const int n = co_await aio::wait_for(number(), 60s);
  CHECK(n == 5);
  const int m = co_await aio::wait_for(number(), aio::no_limit);
  CHECK(m == 5);
  const std::string how = co_await ending(aio::wait_for(fails(), 60s));
  CHECK(how == "boom");
  const char c = co_await aio::wait_for(aio::sleep(1s, 'c'), 60s);
  CHECK(c == 'c');
  CHECK(loop.now() == 3s);
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST("wait_for: stops what is late and waits for its cleanup", "[task][wait_for]") {
  std::string log;
  auto job = [&](aio::duration cleanup) -> aio::coro<> {
    std::exception_ptr error;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      error = std::current_exception();
    }
    co_await aio::sleep(cleanup);
    log += "cleaned ";
    std::rethrow_exception(error);
  };
  const std::string quick = co_await ending(aio::wait_for(job(0s), 1s));
  CHECK(quick == "timeout");
  CHECK(loop.now() == 1s);
  const std::string slow = co_await ending(aio::wait_for(job(5s), 1s));
  CHECK(slow == "timeout");
  CHECK(loop.now() == 7s);
  CHECK(log == "cleaned cleaned ");

  auto t = aio::create_task(job(0s));
  const std::string task = co_await ending(aio::wait_for(t, 1s));
  CHECK(task == "timeout");
  CHECK(t.cancelled());

  auto f = make_future<>(loop);
  const std::string future = co_await ending(aio::wait_for(f, 1s));
  CHECK(future == "timeout");
  CHECK(f.cancelled());
}

AIO_TEST("wait_for: takes a value or error that comes in spite of the cancel",
         "[task][wait_for]") {
  auto late = [](bool fails) -> aio::coro<int> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
    if (fails) throw boom();
    co_return 1;
  };
  const int inline_value = co_await aio::wait_for(late(false), 1s);
  CHECK(inline_value == 1);
  const int task_value = co_await aio::wait_for(aio::create_task(late(false)), 1s);
  CHECK(task_value == 1);
  const std::string how = co_await ending(aio::wait_for(late(true), 1s));
  CHECK(how == "boom");
  CHECK(aio::current_task().cancelling() == 0);
}

AIO_TEST("wait_for: with a limit of zero or less starts nothing", "[task][wait_for]") {
  for (const aio::duration limit : {aio::duration(0s), aio::duration(-5s)}) {
    bool started = false;
    auto job = [&]() -> aio::coro<int> {
      started = true;
      co_return 1;
    };
    const std::string how = co_await ending(aio::wait_for(job(), limit));
    CHECK(how == "timeout");
    CHECK_FALSE(started);

    auto running = aio::create_task(sleep_long);
    co_await aio::sleep(0s);
    const std::string stopped = co_await ending(aio::wait_for(running, limit));
    CHECK(stopped == "timeout");
    CHECK(running.cancelled());

    auto finished = aio::create_task(job);
    co_await finished;
    const test::turn_mark turn(loop);
    const int n = co_await aio::wait_for(finished, limit);
    CHECK(n == 1);
    CHECK_FALSE(turn.is_over());
  }
  CHECK(loop.now() == 0s);
}

AIO_TEST("wait_for: with a limit of zero, what catches the cancel decides",
         "[task][wait_for]") {
  auto stubborn = aio::create_task([]() -> aio::coro<int> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
    co_await aio::sleep(1s);
    co_return 9;
  });
  co_await aio::sleep(0s);
  const int n = co_await aio::wait_for(stubborn, 0s);
  CHECK(n == 9);
}

AIO_TEST("wait_for: around a shield leaves the task running", "[task][wait_for]") {
  auto t = aio::create_task([]() -> aio::coro<int> {
    co_await aio::sleep(5s);
    co_return 1;
  });
  const std::string how = co_await ending(aio::wait_for(aio::shield(t), 1s));
  CHECK(how == "timeout");
  CHECK(t.cancelling() == 0);
  const int n = co_await t;
  CHECK(n == 1);
}

AIO_TEST("wait_for: cancelled, it cancels what is awaited and waits for it",
         "[task][wait_for][cancel]") {
  bool cleaned = false;
  auto job = [&]() -> aio::coro<> {
    std::exception_ptr error;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      error = std::current_exception();
    }
    co_await aio::sleep(5s);
    cleaned = true;
    std::rethrow_exception(error);
  };
  auto inner = aio::create_task(job);
  auto waiter = aio::create_task(aio::wait_for(inner, 60s));
  co_await aio::sleep(1s);
  CHECK(waiter.cancel());
  CHECK(inner.cancelling() == 1);
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled");
  CHECK(cleaned);
  CHECK(loop.now() == 6s);
}

AIO_TEST("wait_for: cancelled in the turn in which its task ends, it throws",
         "[task][wait_for][cancel]") {
  auto inner = aio::create_task(test::turns(1));
  auto waiter = aio::create_task(aio::wait_for(inner, 60s));
  while (!inner.done()) co_await aio::sleep(0s);
  CHECK_FALSE(waiter.done());
  CHECK(waiter.cancel());
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled");
  CHECK_FALSE(inner.cancelled());
}

AIO_TEST("wait_for: a task that is cancelled by others is not a timeout",
         "[task][wait_for]") {
  auto inner = aio::create_task(sleep_long);
  auto waiter = aio::create_task(aio::wait_for(inner, 60s));
  co_await aio::sleep(1s);
  inner.cancel("by others");
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled: by others");
  CHECK(waiter.cancelling() == 0);
}

TEST_CASE("timeout: cancelled at each await, neither timer nor request stays",
          "[task][timeout][cancel]") {
  int alive = 0;
  auto make = [&]() -> aio::coro<> {
    const test::counted local(alive);
    auto inner = [&]() -> aio::coro<> {
      const test::counted nested(alive);
      co_await aio::sleep(1s);
      const std::string late = co_await ending(aio::wait_for(sleep_long(), 1s));
      if (late != "timeout") throw aio::cancelled_error();
      const std::string none = co_await ending(aio::wait_for(sleep_long(), 0s));
      if (none != "timeout") throw aio::cancelled_error();
    };
    co_await aio::timeout(10s, inner);
    co_await aio::wait_for(aio::sleep(1s), 5s);
  };
  const int cancels = test::cancel_at_every_await(make, [](const aio::task<>& t) {
    CHECK(t.cancelled());
    CHECK(t.cancelling() == 1);
    CHECK(t.required()->loop().armed_timers() == 0);
  });
  CHECK(cancels >= 6);
  CHECK(alive == 0);
}
