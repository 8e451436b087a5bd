// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/task.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/wait.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::ending_of;
using test::name_of;

namespace {

aio::coro<int> answer() { co_return 42; }

aio::coro<int> answer_later() {
  co_await aio::sleep(1s);
  co_return 42;
}

}  // namespace

// ----- start and order -----

AIO_TEST("task: starts on the next turn, in the order of creation", "[task][task]") {
  std::string log;
  auto child = [&](char tag, int turns) -> aio::coro<char> {
    log += tag;
    for (int i = 0; i < turns; ++i) {
      co_await aio::sleep(0s);
      log += static_cast<char>('0' + i);
      log += tag;
    }
    log += '.';
    co_return tag;
  };
  auto plain = [&]() -> aio::coro<> {
    log += "inline ";
    co_return;
  };
  auto a = aio::create_task(child, 'a', 2);
  test::call_soon(loop, [&] { log += '|'; });
  auto b = aio::create_task(child, 'b', 0);
  auto c = aio::create_task(child, 'c', 1);
  CHECK(log.empty());
  co_await plain();
  CHECK(log == "inline ");
  log.clear();

  co_await aio::sleep(0s);
  CHECK(log == "a|b.c");
  CHECK(b.done());
  CHECK_FALSE(c.done());
  log.clear();
  const char from_c = co_await c;
  CHECK(from_c == 'c');
  CHECK(log == "0a0c.1a.");
  CHECK(a.done());
  CHECK(a.result() == 'a');
}

TEST_CASE("task: who awaits it runs one turn after its end", "[task][task]") {
  aio::testing::virtual_loop loop;
  auto child = test::start(loop, answer());
  int got = 0;
  auto parent_body = [&]() -> aio::coro<> {
    const int n = co_await child;
    got = n;
  };
  auto parent = test::start(loop, parent_body());
  loop.turn();
  CHECK(child.done());
  CHECK(got == 42);  // it was done before the parent came to await it
  CHECK(parent.done());

  auto early_child = test::start(loop, test::turns(1));
  auto waiting = [&]() -> aio::coro<> {
    co_await early_child;
    got = 1;
  };
  auto early_parent = test::start(loop, waiting());
  loop.turn();
  CHECK_FALSE(early_child.done());
  loop.turn();
  CHECK(early_child.done());
  CHECK(got == 42);
  loop.turn();
  CHECK(got == 1);
}

TEST_CASE("task: callbacks and awaiting tasks run in the order they came",
          "[task][task]") {
  for (const std::string kind : {"returns", "fails", "is cancelled"}) {
    aio::testing::virtual_loop loop;
    std::string log;
    auto work = [&]() -> aio::coro<> {
      co_await aio::sleep(0s);
      log += "end ";
      if (kind == "fails") throw boom();
    };
    auto outcome = [](const aio::task<>& t) {
      return t.cancelled() ? "cancelled" : name_of(t.exception());
    };
    auto t = test::start(loop, work());
    t.add_done_callback(
        [&](const aio::task<>& of) { log += "1:" + outcome(of) + ' '; });
    auto parent_body = [&]() -> aio::coro<> {
      const std::string how = co_await ending(t);
      log += "parent:" + how + ' ';
    };
    auto parent = test::start(loop, parent_body());
    loop.turn();
    t.add_done_callback(
        [&](const aio::task<>& of) { log += "2:" + outcome(of) + ' '; });
    if (kind == "is cancelled") t.cancel();
    loop.turn();
    REQUIRE(t.done());
    test::call_soon(loop, [&] { log += "soon"; });
    loop.turn();
    CHECK(parent.done());
    if (kind == "returns") CHECK(log == "end 1:none parent:returned 2:none soon");
    if (kind == "fails") CHECK(log == "end 1:boom parent:boom 2:boom soon");
    if (kind == "is cancelled") {
      CHECK(log == "1:cancelled parent:cancelled 2:cancelled soon");
    }
  }
}

AIO_TEST("task: awaiting one that is done does not give way", "[task][task]") {
  auto t = aio::create_task(answer);
  const int first = co_await t;
  const test::turn_mark turn(loop);
  const int second = co_await t;
  CHECK(first + second == 84);
  CHECK_FALSE(turn.is_over());
}

AIO_TEST("task: several may await one, and all get its end", "[task][task]") {
  auto fails = []() -> aio::coro<int> {
    co_await aio::sleep(1s);
    throw boom();
  };
  auto good = aio::create_task(answer_later);
  auto bad = aio::create_task(fails);
  std::vector<aio::task<std::string>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(aio::create_task(ending(good)));
    waiting.push_back(aio::create_task(ending(bad)));
  }
  std::string log;
  for (auto& one : waiting) {
    const std::string& how = co_await one;
    log += how + ' ';
  }
  CHECK(log == "returned boom returned boom returned boom ");
}

// ----- making -----

AIO_TEST("create_task: takes a coroutine, or a callable with its arguments",
         "[task][create_task]") {
  auto add = [](int a, std::unique_ptr<int> b) -> aio::coro<int> {
    co_await aio::sleep(0s);
    co_return a + *b;
  };
  auto from_coroutine = aio::create_task(answer());
  auto from_function = aio::create_task(answer);
  auto from_callable = aio::create_task(add, 1, std::make_unique<int>(2));
  co_await from_coroutine;
  co_await from_function;
  co_await from_callable;
  CHECK(from_coroutine.result() == 42);
  CHECK(from_function.result() == 42);
  CHECK(from_callable.result() == 3);
}

AIO_TEST("create_task: the callable and its arguments live as long as the task",
         "[task][create_task]") {
  int alive = 0;
  aio::task<int> t;
  {
    const test::counted argument(alive), captured(alive);
    auto body = [&alive, captured](const test::counted&) -> aio::coro<int> {
      co_await aio::sleep(1s);
      co_return alive;
    };
    t = aio::create_task(body, argument);
  }
  CHECK(alive > 0);
  const int seen = co_await t;
  CHECK(seen > 0);
  co_await aio::sleep(0s);
  CHECK(alive == 0);
}

AIO_TEST("create_task: std::ref passes an argument by reference",
         "[task][create_task]") {
  int n = 0;
  auto increment = [](int& of) -> aio::coro<> {
    ++of;
    co_return;
  };
  auto t = aio::create_task(increment, std::ref(n));
  co_await t;
  CHECK(n == 1);
}

AIO_TEST("create_task: refuses a coroutine that was awaited", "[task][create_task]") {
  auto body = answer();
  const int n = co_await std::move(body);
  CHECK(n == 42);
  CHECK_THROWS_AS(aio::create_task(std::move(body)), aio::usage_error);
  CHECK(aio::all_tasks().size() == 1);
}

TEST_CASE("create_task: needs a running loop and leaves the coroutine otherwise",
          "[task][create_task]") {
  auto body = answer();
  CHECK_THROWS_AS(aio::create_task(std::move(body)), aio::usage_error);
  CHECK_THROWS_WITH(aio::create_task(answer),
                    Catch::Matchers::ContainsSubstring("no running event loop"));
  CHECK_THROWS_AS(aio::current_task(), aio::usage_error);
  CHECK_THROWS_AS(aio::all_tasks(), aio::usage_error);
  CHECK(static_cast<bool>(body));
  body.close();
}

AIO_TEST("ensure_future: passes futures and tasks on and makes tasks of the rest",
         "[task][ensure_future]") {
  auto f = test::make_future<int>(loop);
  auto t = aio::create_task(answer);
  CHECK(aio::ensure_future(f) == f);
  CHECK(aio::ensure_future(t) == t);
  auto from_coroutine = aio::ensure_future(answer());
  auto from_awaiter = aio::ensure_future(aio::sleep(1s, 7));
  const int a = co_await from_coroutine;
  const int b = co_await from_awaiter;
  CHECK(a == 42);
  CHECK(b == 7);
  CHECK(loop.now() == 1s);
  f.set_result(0);
}

// ----- results -----

AIO_TEST("task: yields void, values, references and what can only be moved",
         "[task][task]") {
  int n = 1;
  auto nothing = []() -> aio::coro<> { co_return; };
  auto refer = [](int& to) -> aio::coro<int&> { co_return to; };
  auto make = []() -> aio::coro<std::unique_ptr<int>> {
    co_return std::make_unique<int>(2);
  };
  co_await aio::create_task(nothing);
  auto reference = aio::create_task(refer(n));
  int& same = co_await reference;
  CHECK(&same == &n);
  CHECK(&reference.result() == &n);
  const std::unique_ptr<int> owner = co_await aio::create_task(make);
  CHECK(*owner == 2);
}

AIO_TEST("task: its value is moved out for an rvalue that nobody shares",
         "[task][task]") {
  struct tracked {
    tracked() = default;
    tracked(const tracked& other) : copies(other.copies + 1) {}
    tracked(tracked&& other) noexcept : copies(other.copies) {}
    int copies = 0;
  };
  auto make = []() -> aio::coro<tracked> { co_return tracked(); };
  auto alone = co_await aio::create_task(make);
  CHECK(alone.copies == 0);
  auto t = aio::create_task(make);
  auto shared = t;
  auto copied = co_await std::move(t);
  CHECK(copied.copies == 1);
  CHECK(shared.result().copies == 0);
}

AIO_TEST("task: an exception comes out of each await and of result()", "[task][task]") {
  auto fails = []() -> aio::coro<int> {
    co_await aio::sleep(0s);
    throw boom();
  };
  auto t = aio::create_task(fails);
  const std::string once = co_await ending(t);
  const std::string twice = co_await ending(t);
  CHECK(once == "boom");
  CHECK(twice == "boom");
  CHECK(ending_of([&] { return t.result(); }) == "boom");
  CHECK(name_of(t.exception()) == "boom");
  CHECK_FALSE(t.cancelled());
}

AIO_TEST("task: is asked before its end: invalid_state_error", "[task][task]") {
  auto t = aio::create_task(answer_later);
  CHECK_THROWS_AS(t.result(), aio::invalid_state_error);
  CHECK_THROWS_AS(t.exception(), aio::invalid_state_error);
  CHECK_THROWS_AS(t.any().exception(), aio::invalid_state_error);
  const int n = co_await t;
  CHECK(n == 42);
  CHECK(t.any().exception() == nullptr);
}

AIO_TEST("task: lives on when its handle is dropped", "[task][task]") {
  bool ended = false;
  auto body = [&]() -> aio::coro<> {
    co_await aio::sleep(1s);
    ended = true;
  };
  static_cast<void>(aio::create_task(body));
  co_await aio::sleep(2s);
  CHECK(ended);
}

AIO_TEST("task: releases its frame at its end, though handles remain", "[task][task]") {
  int alive = 0;
  auto body = [](test::counted) -> aio::coro<> { co_await aio::sleep(1s); };
  auto t = aio::create_task(body, test::counted(alive));
  co_await aio::sleep(0s);
  CHECK(alive > 0);
  co_await t;
  CHECK(alive == 0);
}

// ----- misuse -----

AIO_TEST("task: awaiting itself is refused", "[task][task]") {
  aio::task<> self;
  auto body = [&]() -> aio::coro<> { co_await self; };
  self = aio::create_task(body);
  const std::string how = co_await ending(self);
  CHECK(how == "usage");
  CHECK(ending_of([&] { self.result(); }) == "usage");
  try {
    self.result();
  } catch (const aio::usage_error& e) {
    CHECK_THAT(e.what(), Catch::Matchers::ContainsSubstring("itself"));
  }
}

AIO_TEST("task: of another loop, it refuses the await", "[task][task]") {
  aio::testing::virtual_loop elsewhere;
  auto foreign = test::start(elsewhere, answer());
  const std::string how = co_await ending(foreign);
  CHECK(how == "usage");
  CHECK_FALSE(foreign.done());
  const test::reports reports(elsewhere);
  elsewhere.core().close();
}

TEST_CASE("task: an empty handle says so", "[task][task]") {
  aio::task<int> t;
  CHECK_FALSE(static_cast<bool>(t));
  CHECK_THROWS_AS(t.done(), aio::usage_error);
  CHECK_THROWS_AS(t.cancel(), aio::usage_error);
  CHECK_THROWS_AS(t.name(), aio::usage_error);
  const aio::any_task any;
  CHECK_FALSE(static_cast<bool>(any));
  CHECK_THROWS_AS(any.done(), aio::usage_error);
  CHECK_THROWS_AS(any.name(), aio::usage_error);
}

// ----- introspection -----

AIO_TEST("current_task: is the task that runs, and none in a callback",
         "[task][current_task]") {
  const aio::any_task me = aio::current_task();
  REQUIRE(static_cast<bool>(me));
  aio::any_task seen;
  auto look = [&]() -> aio::coro<> {
    seen = aio::current_task();
    co_return;
  };
  co_await look();
  CHECK(seen == me);

  auto t = aio::create_task(look);
  bool none = false;
  test::call_soon(loop, [&] { none = !aio::current_task(); });
  co_await t;
  CHECK(seen == t.any());
  CHECK(seen != me);
  CHECK(none);
  CHECK(aio::current_task() == me);
}

AIO_TEST("all_tasks: those that are not done, in the order of creation",
         "[task][all_tasks]") {
  auto names = [] {
    std::string all;
    for (const aio::any_task& one : aio::all_tasks()) all += one.name() + ' ';
    return all;
  };
  aio::current_task().set_name("main");
  auto body = []() -> aio::coro<> { co_await aio::sleep(0s); };
  auto one = aio::create_task(body(), {.name = "one"});
  auto two = aio::create_task(aio::task_options{.name = "two"}, body);
  CHECK(names() == "main one two ");
  two.set_name("second");
  co_await aio::sleep(0s);
  CHECK(names() == "main one second ");
  one.cancel();
  CHECK(names() == "main one second ");  // asked to stop, not stopped
  const std::vector both{one, two};
  co_await aio::wait(both);
  CHECK(names() == "main ");
  CHECK(two.name() == "second");
}

AIO_TEST("task: has a name of its own if it is given none", "[task][task]") {
  auto a = aio::create_task(answer), b = aio::create_task(answer);
  CHECK_THAT(a.name(), Catch::Matchers::StartsWith("Task-"));
  CHECK(a.name() != b.name());
  CHECK(a.any().name() == a.name());
  co_await a;
  co_await b;
}

// ----- cancel: before and at the first step -----

AIO_TEST("task: cancelled before its first step it never runs", "[task][cancel]") {
  bool ran = false;
  int alive = 0;
  auto body = [&ran](test::counted) -> aio::coro<> {
    ran = true;
    co_return;
  };
  auto t = aio::create_task(body, test::counted(alive));
  bool told = false;
  t.add_done_callback([&](const aio::task<>& of) { told = of.cancelled(); });
  CHECK(t.cancel());
  CHECK(t.cancelling() == 1);
  CHECK_FALSE(t.done());
  CHECK_FALSE(t.cancelled());
  CHECK(t.cancel());
  CHECK(t.cancelling() == 2);
  co_await aio::sleep(0s);
  CHECK(t.done());
  CHECK(t.cancelled());
  CHECK(alive == 0);
  CHECK_FALSE(ran);
  co_await aio::sleep(0s);
  CHECK(told);
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
  CHECK(aio::current_task().cancelling() == 0);
  CHECK(ending_of([&] { t.result(); }) == "cancelled");
  CHECK(ending_of([&] { t.exception(); }) == "cancelled");
  CHECK_FALSE(t.cancel());
  CHECK(t.cancelling() == 2);
}

AIO_TEST("task: a cancel taken back before the first step lets it run",
         "[task][cancel]") {
  auto t = aio::create_task(answer);
  t.cancel();
  CHECK(t.uncancel() == 0);
  const int n = co_await t;
  CHECK(n == 42);
}

AIO_TEST("task: cancelled at its await it stops on a later turn", "[task][cancel]") {
  std::string log;
  auto body = [&]() -> aio::coro<> {
    const aio::detail::scope_exit end([&] { log += "end"; });
    co_await aio::sleep(1h);
    log += "not reached";
  };
  auto t = aio::create_task(body);
  co_await aio::sleep(0s);
  CHECK(t.cancel());
  CHECK(log.empty());
  CHECK_FALSE(t.done());
  co_await aio::sleep(0s);
  CHECK(log == "end");
  CHECK(t.cancelled());
  CHECK(loop.now() == 0s);
  CHECK(loop.core().armed_timers() == 0);
}

// ----- cancel: requests -----

AIO_TEST("task: two requests in one turn are one cancelled_error", "[task][cancel]") {
  int caught = 0;
  auto body = [&]() -> aio::coro<> {
    bool again = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      ++caught;
      again = true;
    }
    if (again) co_await aio::sleep(1s);
  };
  auto t = aio::create_task(body);
  co_await aio::sleep(0s);
  CHECK(t.cancel());
  CHECK(t.cancel());
  CHECK(t.cancelling() == 2);
  co_await t;
  CHECK(caught == 1);
  CHECK_FALSE(t.cancelled());
  CHECK(t.cancelling() == 2);
}

AIO_TEST("task: a second request interrupts the cleanup after the first",
         "[task][cancel]") {
  std::string log;
  auto body = [&](int steps) -> aio::coro<> {
    std::exception_ptr error;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      error = std::current_exception();
    }
    try {
      for (int i = 0; i < steps; ++i) {
        log += static_cast<char>('0' + i);
        co_await aio::sleep(0s);
      }
      log += 'c';
    } catch (const aio::cancelled_error&) {
      log += 'i';
    }
    std::rethrow_exception(error);
  };
  auto once = aio::create_task(body, 3);
  co_await aio::sleep(0s);
  once.cancel();
  const std::string first = co_await ending(once);
  CHECK(first == "cancelled");
  CHECK(log == "012c");
  CHECK(once.cancelling() == 1);
  log.clear();

  auto twice = aio::create_task(body, 3);
  co_await aio::sleep(0s);
  twice.cancel();
  co_await aio::sleep(0s);
  CHECK(twice.cancel());
  const std::string second = co_await ending(twice);
  CHECK(second == "cancelled");
  CHECK(log == "0i");
  CHECK(twice.cancelling() == 2);
}

AIO_TEST("task: one that catches a cancel goes on as it likes", "[task][cancel]") {
  auto stubborn = []() -> aio::coro<std::string> {
    const aio::any_task me = aio::current_task();
    std::string log;
    for (int attempt = 0; attempt < 3; ++attempt) {
      try {
        co_await aio::sleep(1h);
      } catch (const aio::cancelled_error&) {
        log += std::to_string(me.cancelling());
        if (attempt < 2) log += std::to_string(me.uncancel());
      }
    }
    co_return log;
  };
  auto t = aio::create_task(stubborn);
  for (int i = 0; i < 3; ++i) {
    co_await aio::sleep(0s);
    CHECK(t.cancel());
    CHECK(t.cancelling() == 1);
  }
  const std::string& log = co_await t;
  CHECK(log == "10101");
  CHECK_FALSE(t.cancelled());
  CHECK(t.cancelling() == 1);
  CHECK(t.uncancel() == 0);
  CHECK(t.uncancel() == 0);
  CHECK_FALSE(t.cancelled());
}

AIO_TEST("task: one that turns a cancel into an error has failed", "[task][cancel]") {
  auto convert = []() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) throw boom("converted");
  };
  auto t = aio::create_task(convert);
  co_await aio::sleep(0s);
  t.cancel();
  const std::string how = co_await ending(t);
  CHECK(how == "converted");
  CHECK_FALSE(t.cancelled());
}

AIO_TEST("task: throwing cancelled_error by hand ends it cancelled", "[task][cancel]") {
  auto body = []() -> aio::coro<int> {
    co_await aio::sleep(0s);
    throw aio::cancelled_error("by hand");
  };
  auto t = aio::create_task(body);
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: by hand");
  CHECK(t.cancelled());
  CHECK(t.cancelling() == 0);
}

AIO_TEST("uncancel: at zero it clears a request that nothing has taken",
         "[task][cancel]") {
  auto f = test::make_future<int>(loop);
  auto t = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await f;
    co_return n;
  });
  co_await aio::sleep(0s);
  f.set_result(3);
  t.cancel();
  t.cancel();
  CHECK(t.uncancel() == 1);
  CHECK(t.uncancel() == 0);
  const std::string how = co_await ending(t);
  CHECK(how == "returned");
  CHECK(t.result() == 3);
}

AIO_TEST("uncancel: above zero the request stays", "[task][cancel]") {
  auto f = test::make_future<>(loop);
  auto t = aio::create_task([&]() -> aio::coro<> { co_await f; });
  co_await aio::sleep(0s);
  f.set_result();
  t.cancel();
  t.cancel();
  CHECK(t.uncancel() == 1);
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
}

AIO_TEST("uncancel: does not take back what the await has taken", "[task][cancel]") {
  auto t = aio::create_task([]() -> aio::coro<> { co_await aio::sleep(1h); });
  co_await aio::sleep(0s);
  t.cancel();
  CHECK(t.uncancel() == 0);
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
  CHECK(t.cancelling() == 0);
}

// ----- cancel: of oneself -----

AIO_TEST("task: cancelling itself it stops at the next await that suspends",
         "[task][cancel]") {
  std::string log;
  auto done = test::make_future<>(loop);
  done.set_result();
  auto inner = test::make_future<>(loop);
  auto body = [&]() -> aio::coro<> {
    aio::current_task().cancel();
    log += "running ";
    co_await done;
    co_await answer();
    log += "still ";
    co_await inner;
    log += "not reached";
  };
  auto t = aio::create_task(body);
  co_await aio::sleep(0s);
  CHECK(log == "running still ");
  CHECK(inner.cancelled());  // at once, though the task has not run since
  CHECK_FALSE(t.done());
  co_await aio::sleep(0s);
  CHECK(t.cancelled());
}

AIO_TEST("task: cancelling itself, it stops at sleep, at sleep(0) and at its end",
         "[task][cancel]") {
  auto at_sleep = []() -> aio::coro<> {
    aio::current_task().cancel();
    co_await aio::sleep(1h);
  };
  auto at_turn = []() -> aio::coro<> {
    aio::current_task().cancel();
    co_await aio::sleep(0s);
  };
  auto at_end = []() -> aio::coro<std::string> {
    aio::current_task().cancel();
    co_return "a result that is lost";
  };
  auto at_throw = []() -> aio::coro<> {
    aio::current_task().cancel();
    throw boom();
    co_return;
  };
  const std::string sleeping = co_await ending(aio::create_task(at_sleep));
  const std::string turning = co_await ending(aio::create_task(at_turn));
  const std::string ended = co_await ending(aio::create_task(at_end));
  const std::string thrown = co_await ending(aio::create_task(at_throw));
  CHECK(sleeping == "cancelled");
  CHECK(turning == "cancelled");
  CHECK(ended == "cancelled");
  CHECK(thrown == "boom");
  CHECK(loop.now() == 0s);
}

AIO_TEST("task: a self-cancel that is taken back does nothing", "[task][cancel]") {
  auto body = []() -> aio::coro<int> {
    aio::current_task().cancel();
    aio::current_task().uncancel();
    co_await aio::sleep(1s);
    co_return 1;
  };
  const int n = co_await aio::create_task(body);
  CHECK(n == 1);
}

AIO_TEST("task: a self-cancel is used up by a child that answers it",
         "[task][cancel]") {
  auto stubborn = []() -> aio::coro<int> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
    co_return 7;
  };
  auto child = aio::create_task(stubborn);
  auto parent = aio::create_task([&]() -> aio::coro<int> {
    co_await aio::sleep(0s);  // the child waits now
    aio::current_task().cancel();
    const int n = co_await child;
    co_await aio::sleep(1s);
    co_return n;
  });
  const int n = co_await parent;
  CHECK(n == 7);
  CHECK(child.cancelling() == 1);
}

// ----- cancel: messages -----

AIO_TEST("task: the message of a cancel reaches the body and who awaits",
         "[task][cancel]") {
  std::string seen;
  auto body = [&]() -> aio::coro<> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error& e) {
      seen = e.message();
      throw;
    }
  };
  auto with = aio::create_task(body);
  co_await aio::sleep(0s);
  with.cancel("shutting down");
  const std::string how_with = co_await ending(with);
  CHECK(seen == "shutting down");
  CHECK(how_with == "cancelled: shutting down");

  auto without = aio::create_task(body);
  co_await aio::sleep(0s);
  without.cancel();
  const std::string how_without = co_await ending(without);
  CHECK(seen.empty());
  CHECK(how_without == "cancelled");

  auto unstarted = aio::create_task(body);
  unstarted.cancel("ran once");
  unstarted.cancel("never ran");
  const std::string how_unstarted = co_await ending(unstarted);
  CHECK(how_unstarted == "cancelled: never ran");
}

AIO_TEST("task: of two requests in one turn an await delivers the first message",
         "[task][cancel]") {
  auto f = test::make_future<>(loop);
  auto sleeps = aio::create_task([]() -> aio::coro<> { co_await aio::sleep(1h); });
  auto waits = aio::create_task([&]() -> aio::coro<> { co_await f; });
  auto parent = aio::create_task([&]() -> aio::coro<> { co_await sleeps; });
  co_await aio::sleep(0s);
  for (auto& one : {parent, waits}) {
    CHECK(aio::task<>(one).cancel("first"));
    CHECK(aio::task<>(one).cancel("second"));
  }
  const std::string from_sleep = co_await ending(sleeps);
  const std::string from_task = co_await ending(parent);
  const std::string from_future = co_await ending(waits);
  CHECK(from_sleep == "cancelled: first");
  CHECK(from_task == "cancelled: first");
  CHECK(from_future == "cancelled: first");
  CHECK(sleeps.cancelling() == 2);
}

AIO_TEST("task: a cancelled future keeps its message for a cancelled waiter",
         "[task][cancel]") {
  auto f = test::make_future<>(loop);
  auto waits = aio::create_task([&]() -> aio::coro<> { co_await f; });
  co_await aio::sleep(0s);
  f.cancel("of the future");
  waits.cancel("of the task");
  const std::string how = co_await ending(waits);
  CHECK(how == "cancelled: of the future");
}

// ----- cancel: of who awaits a task -----

AIO_TEST("task: cancelling who awaits it cancels it, and waits for its end",
         "[task][cancel]") {
  std::string log;
  auto child_body = [&]() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) co_await aio::sleep(5s);
    log += "child ";
    throw aio::cancelled_error();
  };
  auto child = aio::create_task(child_body);
  auto parent = aio::create_task([&]() -> aio::coro<> {
    const aio::detail::scope_exit end([&] { log += "parent "; });
    co_await child;
  });
  co_await aio::sleep(0s);
  CHECK(parent.cancel("why"));
  CHECK(child.cancelling() == 1);
  const std::string how = co_await ending(parent);
  CHECK(how == "cancelled");
  CHECK(log == "child parent ");
  CHECK(loop.now() == 5s);
  CHECK(child.cancelled());
}

AIO_TEST("task: a child that catches the cancel of its parent answers it",
         "[task][cancel]") {
  auto child_body = []() -> aio::coro<int> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
    }
    co_return 7;
  };
  auto child = aio::create_task(child_body);
  auto parent = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await child;
    co_return n;
  });
  co_await aio::sleep(0s);
  parent.cancel();
  const int n = co_await parent;
  CHECK(n == 7);
  CHECK(parent.cancelling() == 1);
  CHECK_FALSE(parent.cancelled());
}

AIO_TEST("task: ends and its parent is cancelled in one turn: the parent stops",
         "[task][cancel]") {
  auto child = aio::create_task([]() -> aio::coro<int> {
    co_await aio::sleep(0s);
    co_return 1;
  });
  auto parent = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await child;
    co_return n;
  });
  while (!child.done()) co_await aio::sleep(0s);
  CHECK(parent.cancel());
  const std::string how = co_await ending(parent);
  CHECK(how == "cancelled");
  CHECK(child.result() == 1);
}

AIO_TEST("task: its parent is cancelled and it ends in one turn: both are cancelled",
         "[task][cancel]") {
  auto gate = test::make_future<>(loop);
  auto child = aio::create_task([&]() -> aio::coro<int> {
    co_await gate;
    co_return 1;
  });
  auto parent = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await child;
    co_return n;
  });
  co_await aio::sleep(0s);
  co_await aio::sleep(0s);
  gate.set_result();
  CHECK(parent.cancel());  // the child is woken already: it raises when it runs
  const std::string how = co_await ending(parent);
  CHECK(how == "cancelled");
  CHECK(child.cancelled());
}

AIO_TEST("task: cancelling both it and what it awaits cancels it once",
         "[task][cancel]") {
  int caught = 0;
  auto f = test::make_future<>(loop);
  auto t = aio::create_task([&]() -> aio::coro<> {
    try {
      co_await f;
    } catch (const aio::cancelled_error&) {
      ++caught;
    }
    co_await aio::sleep(1s);
  });
  co_await aio::sleep(0s);
  f.cancel();
  t.cancel();
  const std::string how = co_await ending(t);
  // The future was done, so the request stays with the task and is delivered with it.
  CHECK(caught == 1);
  CHECK(how == "returned");
}

TEST_CASE("task: cancelled at each await, it and its frames end", "[task][cancel]") {
  int alive = 0;
  auto inner = [](test::counted) -> aio::coro<int> {
    co_await aio::sleep(1s);
    co_await aio::sleep(0s);
    co_return 1;
  };
  auto outer = [&alive, inner]() -> aio::coro<int> {
    const test::counted local(alive);
    auto child = aio::create_task(inner, local);
    const int a = co_await inner(local);
    const int b = co_await child;
    co_return a + b;
  };
  const int cancels = test::cancel_at_every_await(
      outer, [&](const aio::task<int>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 3);
  CHECK(alive == 0);
}

// ----- reports -----

AIO_TEST("task: an exception that nobody took is reported under its name",
         "[task][report]") {
  test::reports reports(loop);
  auto fails = []() -> aio::coro<> {
    throw boom();
    co_return;
  };
  auto t = aio::create_task(fails(), {.name = "worker"});
  co_await aio::sleep(0s);
  CHECK(t.done());
  CHECK(reports.count() == 0);
  t = {};
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring("never retrieved"));
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring("worker"));
  CHECK_THAT(reports[0].source, Catch::Matchers::ContainsSubstring("worker"));
  CHECK(reports.take() == "boom");

  static_cast<void>(aio::create_task(fails));  // detached: reported at its end
  co_await aio::sleep(0s);
  CHECK(reports.take() == "boom");
}

AIO_TEST("task: wait() does not count as asking, cancel() does", "[task][report]") {
  test::reports reports(loop);
  auto fails = []() -> aio::coro<> {
    throw boom();
    co_return;
  };
  {
    const std::vector tasks{aio::create_task(fails)};
    co_await aio::wait(tasks);
  }
  CHECK(reports.take() == "boom");
  {
    auto t = aio::create_task(fails);
    co_await aio::sleep(0s);
    CHECK_FALSE(t.cancel());
  }
  CHECK(reports.count() == 0);
  {
    auto t = aio::create_task(fails);
    const std::string how = co_await ending(t);
    CHECK(how == "boom");
  }
  CHECK(reports.count() == 0);
}

AIO_TEST("task: a cancelled one is not reported", "[task][report]") {
  test::reports reports(loop);
  {
    auto t = aio::create_task(answer_later);
    co_await aio::sleep(0s);
    t.cancel();
  }
  co_await aio::sleep(1s);
  CHECK(reports.count() == 0);
}

// ----- keyboard_interrupt -----

TEST_CASE("task: keyboard_interrupt leaves the loop and stays in the task",
          "[task][task]") {
  aio::testing::virtual_loop loop;
  auto body = []() -> aio::coro<> {
    throw aio::keyboard_interrupt();
    co_return;
  };
  bool ran = false;
  auto t = test::start(loop, body());
  test::call_soon(loop, [&] { ran = true; });
  CHECK_THROWS_AS(loop.turn(), aio::keyboard_interrupt);
  CHECK(t.done());
  CHECK_FALSE(ran);
  CHECK_THROWS_AS(t.result(), aio::keyboard_interrupt);
  loop.turn();
  CHECK(ran);
}

// ----- the end of the loop -----

TEST_CASE("task: pending when its loop closes, it is destroyed and reported",
          "[task][close]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  int alive = 0;
  auto body = [](test::counted) -> aio::coro<> { co_await aio::sleep(1h); };
  auto started = test::start(loop, body(test::counted(alive)));
  started.set_name("sleeper");
  loop.turn();
  auto unstarted = test::start(loop, body(test::counted(alive)));
  CHECK(alive == 2);

  loop.core().close();
  CHECK(alive == 0);
  REQUIRE(reports.count() == 2);
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring("pending"));
  CHECK_THAT(reports[0].source, Catch::Matchers::ContainsSubstring("sleeper"));
  CHECK_THAT(reports[0].source, Catch::Matchers::ContainsSubstring("task_test.cpp:"));
  CHECK(started.cancelled());
  CHECK(unstarted.cancelled());
  CHECK_FALSE(started.cancel());
}

TEST_CASE("task: frames go from the innermost outwards when the loop closes",
          "[task][close]") {
  std::string log;
  struct mark {
    std::string& log;
    char name;
    ~mark() { log += name; }
  };
  auto innermost = [&]() -> aio::coro<> {
    const mark m{log, 'c'};
    co_await aio::sleep(1h);
  };
  auto middle = [&]() -> aio::coro<> {
    const mark m{log, 'b'};
    co_await innermost();
  };
  auto outermost = [&]() -> aio::coro<> {
    const mark m{log, 'a'};
    co_await middle();
  };
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  auto t = test::start(loop, outermost());
  loop.turn();
  CHECK(log.empty());
  loop.core().close();
  CHECK(log == "cba");
}

TEST_CASE("task: tasks that wait for each other go when the loop closes",
          "[task][close]") {
  int alive = 0;
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  auto sleeper = [](test::counted) -> aio::coro<> { co_await aio::sleep(1h); };
  auto a = test::start(loop, sleeper(test::counted(alive)));
  auto waits = [](aio::task<> of, test::counted) -> aio::coro<> { co_await of; };
  auto b = test::start(loop, waits(a, test::counted(alive)));
  auto c = test::start(loop, waits(b, test::counted(alive)));
  a.add_done_callback([k = test::counted(alive)](const aio::task<>&) {});
  loop.turn();
  CHECK(alive == 4);
  loop.core().close();
  CHECK(alive == 0);
  CHECK(c.cancelled());
}

TEST_CASE("task: destructors that run when the loop closes may use it",
          "[task][close]") {
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  auto f = test::make_future<>(loop);
  aio::task<> other;
  auto waits = [&]() -> aio::coro<> { co_await f; };
  auto body = [&]() -> aio::coro<> {
    const aio::detail::scope_exit end([&] {
      f.set_result();
      other.cancel();
      test::call_soon(loop, [] { FAIL("the loop is closed"); });
    });
    co_await aio::sleep(1h);
  };
  auto t = test::start(loop, body());
  other = test::start(loop, waits());
  loop.turn();
  loop.core().close();
  CHECK(f.done());
  CHECK(t.cancelled());
  CHECK(other.cancelled());
}
