// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/future.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::ending_of;
using test::make_future;
using test::name_of;

AIO_TEST("future: pending, it has neither result nor exception", "[task][future]") {
  const auto f = make_future<int>(loop);
  CHECK_FALSE(f.done());
  CHECK_FALSE(f.cancelled());
  CHECK_THROWS_AS(f.result(), aio::invalid_state_error);
  CHECK_THROWS_AS(f.exception(), aio::invalid_state_error);
  CHECK_THROWS_WITH(f.result(), Catch::Matchers::ContainsSubstring("not there yet"));
  co_return;
}

AIO_TEST("future: given a value, it is done and takes nothing more", "[task][future]") {
  auto f = make_future<int>(loop);
  f.set_result(10);
  CHECK(f.done());
  CHECK_FALSE(f.cancelled());
  CHECK(f.result() == 10);
  CHECK(f.result() == 10);
  CHECK(f.exception() == nullptr);
  CHECK_THROWS_AS(f.set_result(11), aio::invalid_state_error);
  CHECK_THROWS_AS(f.set_exception(boom()), aio::invalid_state_error);
  CHECK_THROWS_WITH(f.set_result(11),
                    Catch::Matchers::ContainsSubstring("done already"));
  CHECK_FALSE(f.cancel());
  CHECK(f.result() == 10);
  co_return;
}

AIO_TEST("future: given an exception, it throws it every time", "[task][future]") {
  auto f = make_future<int>(loop);
  f.set_exception(boom("first"));
  CHECK(f.done());
  CHECK_FALSE(f.cancelled());
  CHECK(ending_of([&] { return f.result(); }) == "first");
  CHECK(name_of(f.exception()) == "first");
  CHECK_THROWS_AS(f.set_result(1), aio::invalid_state_error);
  CHECK_THROWS_AS(f.set_exception(boom("second")), aio::invalid_state_error);
  CHECK_FALSE(f.cancel());
  const std::string once = co_await ending(f);
  const std::string twice = co_await ending(f);
  CHECK(once == "first");
  CHECK(twice == "first");
}

AIO_TEST("future: cancelled, it throws cancelled_error with the message",
         "[task][future]") {
  auto f = make_future<int>(loop);
  CHECK(f.cancel("too late"));
  CHECK(f.done());
  CHECK(f.cancelled());
  CHECK(ending_of([&] { return f.result(); }) == "cancelled: too late");
  CHECK(ending_of([&] { return f.exception(); }) == "cancelled: too late");
  CHECK_THROWS_AS(f.set_result(1), aio::invalid_state_error);
  CHECK_FALSE(f.cancel());
  const std::string how = co_await ending(f);
  CHECK(how == "cancelled: too late");

  auto without = make_future<>(loop);
  without.cancel();
  CHECK(ending_of([&] { without.result(); }) == "cancelled");
}

AIO_TEST("future: a cancelled_error or no exception cannot be set", "[task][future]") {
  auto f = make_future<>(loop);
  CHECK_THROWS_AS(f.set_exception(aio::cancelled_error()), aio::usage_error);
  CHECK_THROWS_AS(f.set_exception(std::exception_ptr()), aio::usage_error);
  CHECK_FALSE(f.done());
  f.set_exception(std::make_exception_ptr(boom()));
  CHECK(name_of(f.exception()) == "boom");
  co_return;
}

AIO_TEST("future: those who wait run on the next turn, in their order",
         "[task][future]") {
  auto f = make_future<int>(loop);
  std::string log;
  auto waits = [&](char name) -> aio::coro<> {
    const int n = co_await f;
    log += name + std::to_string(n);
  };
  auto a = aio::create_task(waits, 'a');
  auto b = aio::create_task(waits, 'b');
  co_await aio::sleep(0s);
  f.add_done_callback([&](const aio::future<int>&) { log += "(callback)"; });
  auto c = aio::create_task(waits, 'c');
  co_await aio::sleep(0s);

  f.set_result(7);
  CHECK(log.empty());
  test::call_soon(loop, [&] { log += "(after)"; });
  co_await aio::sleep(0s);
  CHECK(log == "a7b7(callback)c7(after)");
}

AIO_TEST("future: awaiting one that is done does not give way", "[task][future]") {
  auto f = make_future<int>(loop);
  f.set_result(1);
  const test::turn_mark turn(loop);
  const int once = co_await f;
  const int twice = co_await f;
  CHECK(once + twice == 2);
  CHECK_FALSE(turn.is_over());
  co_await aio::sleep(0s);
  CHECK(turn.is_over());
}

AIO_TEST("future: done callbacks run in order, after and never inside the end",
         "[task][future]") {
  auto f = make_future<std::string>(loop);
  std::string log;
  auto say = [&](const char* what) {
    return [&log, what](const aio::future<std::string>& of) {
      log += what + of.result() + ' ';
    };
  };
  f.add_done_callback([&](const aio::future<std::string>& of) {
    log += "one ";
    of.add_done_callback(say("late:"));
  });
  const auto two = f.add_done_callback(say("two:"));
  f.add_done_callback(say("three:"));
  f.add_done_callback(say("two:"));
  const auto removed = f.add_done_callback(say("removed:"));
  CHECK(f.remove_done_callback(removed) == 1);
  CHECK(f.remove_done_callback(removed) == 0);

  f.set_result("ok");
  CHECK(f.remove_done_callback(two) == 0);  // it is on its way
  test::call_soon(loop, [&] { log += "soon "; });
  f.add_done_callback(say("when done:"));
  CHECK(log.empty());
  co_await aio::sleep(0s);
  CHECK(log == "one two:ok three:ok two:ok soon when done:ok ");
  log.clear();
  co_await aio::sleep(0s);
  CHECK(log == "late:ok ");
  CHECK(f.remove_done_callback(two) == 0);
}

AIO_TEST("future: a removed callback is destroyed at once", "[task][future]") {
  auto f = make_future<>(loop);
  int alive = 0;
  const auto id = f.add_done_callback([c = test::counted(alive)](const auto&) {});
  CHECK(alive == 1);
  f.remove_done_callback(id);
  CHECK(alive == 0);
  co_return;
}

AIO_TEST("future: cancel() calls the callbacks too", "[task][future]") {
  auto f = make_future<>(loop);
  bool called = false;
  f.add_done_callback([&](const aio::future<>& of) { called = of.cancelled(); });
  f.cancel();
  CHECK_FALSE(called);
  co_await aio::sleep(0s);
  CHECK(called);
}

AIO_TEST("future: a callback that throws is reported and stops no other",
         "[task][future]") {
  test::reports reports(loop);
  auto f = make_future<>(loop);
  bool called = false;
  f.add_done_callback([](const aio::future<>&) { throw boom(); });
  f.add_done_callback([&](const aio::future<>&) { called = true; });
  f.set_result();
  co_await aio::sleep(0s);
  CHECK(called);
  CHECK(reports.take() == "boom");
}

AIO_TEST("future: a cancelled waiter cancels it, and with it the other waiters",
         "[task][future]") {
  auto f = make_future<>(loop);
  auto wait = [&]() -> aio::coro<> { co_await f; };
  auto a = aio::create_task(wait);
  auto b = aio::create_task(wait);
  co_await aio::sleep(0s);

  CHECK(a.cancel("enough"));
  CHECK(f.cancelled());
  CHECK_FALSE(a.done());
  co_await aio::sleep(0s);
  CHECK(a.cancelled());
  CHECK(b.cancelled());
  CHECK(a.cancelling() == 1);
  CHECK(b.cancelling() == 0);
  CHECK(ending_of([&] { b.result(); }) == "cancelled: enough");
}

AIO_TEST("future: an end and then a cancel in one turn: the result stays in it",
         "[task][future]") {
  auto f = make_future<int>(loop);
  auto waiter = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await f;
    co_return n;
  });
  co_await aio::sleep(0s);
  f.set_result(5);
  CHECK(waiter.cancel());
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled");
  CHECK(f.result() == 5);
}

AIO_TEST("future: a cancel and then an end in one turn: the end comes too late",
         "[task][future]") {
  auto f = make_future<int>(loop);
  auto waiter = aio::create_task([&]() -> aio::coro<int> {
    const int n = co_await f;
    co_return n;
  });
  co_await aio::sleep(0s);
  CHECK(waiter.cancel());
  CHECK_THROWS_AS(f.set_result(5), aio::invalid_state_error);
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled");
}

AIO_TEST("future: yields void, values, references and what can only be moved",
         "[task][future]") {
  auto nothing = make_future<>(loop);
  nothing.set_result();
  co_await nothing;
  nothing.result();

  int n = 1;
  auto reference = make_future<int&>(loop);
  reference.set_result(n);
  int& same = co_await reference;
  CHECK(&same == &n);
  CHECK(&reference.result() == &n);

  auto owner = make_future<std::unique_ptr<int>>(loop);
  owner.set_result(std::make_unique<int>(2));
  const std::unique_ptr<int>& shared = co_await owner;
  CHECK(*shared == 2);
  CHECK(*owner.result() == 2);
  const std::unique_ptr<int> mine = co_await std::move(owner);
  CHECK(*mine == 2);
}

AIO_TEST("future: an lvalue yields a reference into it, an rvalue the value",
         "[task][future]") {
  auto f = make_future<std::string>(loop);
  auto other = f;
  CHECK(other == f);
  CHECK(other != make_future<std::string>(loop));
  f.set_result("text");
  const std::string& view = co_await f;
  CHECK(&view == &f.result());

  const std::string copied = co_await std::move(f);  // `other` can still ask
  CHECK(copied == "text");
  CHECK(other.result() == "text");
  CHECK_FALSE(static_cast<bool>(f));

  const char* const before = other.result().data();
  const std::string long_text(100, 'x');
  auto last = make_future<std::string>(loop);
  last.set_result(long_text);
  const char* const stored = last.result().data();
  const std::string moved = co_await std::move(last);
  CHECK(moved.data() == stored);
  CHECK(before == other.result().data());
}

AIO_TEST("future: used after it was moved from, it says so", "[task][future]") {
  auto f = make_future<>(loop);
  const auto g = std::move(f);
  CHECK_THROWS_AS(f.done(), aio::usage_error);
  CHECK_THROWS_WITH(f.result(), Catch::Matchers::ContainsSubstring("moved from"));
  const std::string how = co_await ending(aio::future<>());
  CHECK(how == "usage");
  CHECK_FALSE(g.done());
}

AIO_TEST("future: of another loop, it refuses the await", "[task][future]") {
  aio::testing::virtual_loop elsewhere;
  auto f = make_future<>(elsewhere);
  const std::string how = co_await ending(f);
  CHECK(how == "usage");
  CHECK_FALSE(f.done());
  f.set_result();  // one that is done belongs to no loop any more
  const std::string now = co_await ending(f);
  CHECK(now == "returned");
}

AIO_TEST("future: an exception that nobody took is reported when the last owner goes",
         "[task][future]") {
  test::reports reports(loop);
  auto f = make_future<int>(loop);
  f.set_exception(boom());
  auto copy = f;
  f = {};
  CHECK(reports.count() == 0);
  copy = {};
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring("never retrieved"));
  CHECK(reports.take() == "boom");
  co_return;
}

AIO_TEST("future: nothing is reported of what was asked for, cancelled or pending",
         "[task][future]") {
  test::reports reports(loop);
  {
    auto f = make_future<>(loop);
    f.set_exception(boom());
    static_cast<void>(f.exception());
  }
  {
    auto f = make_future<>(loop);
    f.set_exception(boom());
    CHECK_THROWS_AS(f.result(), boom);
  }
  {
    auto f = make_future<>(loop);
    f.set_exception(boom());
    const std::string how = co_await ending(f);
    CHECK(how == "boom");
  }
  {
    auto f = make_future<>(loop);
    f.set_exception(boom());
    CHECK_FALSE(f.cancel());  // counts as asking
  }
  {
    auto f = make_future<>(loop);
    f.cancel();
  }
  {
    auto f = make_future<int>(loop);
    f.set_result(1);
  }
  const auto pending = make_future<>(loop);
  CHECK(reports.take().empty());
}

TEST_CASE("future: one that is dropped while pending takes its callbacks along",
          "[task][future]") {
  aio::testing::virtual_loop loop;
  int alive = 0;
  {
    auto f = make_future<>(loop);
    f.add_done_callback([c = test::counted(alive)](const auto&) {});
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

AIO_TEST("future: in debug mode it refuses to be set from another thread",
         "[task][future][thread]") {
  auto f = make_future<int>(loop);
  loop.core().set_debug(true);
  std::string value, error;
  std::thread([&] {
    value = ending_of([&] { f.set_result(1); });
    error = ending_of([&] { f.set_exception(boom()); });
  }).join();
  CHECK(value == "usage");
  CHECK(error == "usage");
  CHECK_FALSE(f.done());
  co_return;
}

TEST_CASE("future: may outlive its loop, which then runs no callbacks",
          "[task][future]") {
  aio::future<int> f;
  int alive = 0;
  bool called = false;
  {
    aio::testing::virtual_loop loop;
    f = make_future<int>(loop);
    f.add_done_callback(
        [c = test::counted(alive), &called](const auto&) { called = true; });
  }
  f.set_result(1);
  CHECK(f.result() == 1);
  CHECK(alive == 0);
  CHECK_FALSE(called);
  f.add_done_callback([&](const auto&) { called = true; });
  CHECK_FALSE(called);
}
