// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What nobody should do, and the error that says so. A text that names the mistake is
// part of each.

#include <aio/task/as_completed.hpp>
#include <aio/task/gather.hpp>
#include <aio/task/run_until_complete.hpp>
#include <aio/task/shield.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/task_group.hpp>
#include <aio/task/timeout.hpp>
#include <aio/task/wait.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::make_future;

namespace {

aio::coro<int> answer() { co_return 42; }

aio::coro<> nap() { co_await aio::sleep(1h); }

/// What an error of usage says; "nothing" if there is none.
template <class F>
std::string complaint_of(F call) {
  try {
    static_cast<void>(call());
  } catch (const std::logic_error& e) {
    return e.what();
  }
  return "nothing";
}

/// The same for an await.
template <aio::awaitable A>
aio::coro<std::string> complaint(A awaitable) {
  std::string text = "nothing";
  try {
    static_cast<void>(co_await std::move(awaitable));
  } catch (const std::logic_error& e) {
    text = e.what();
  }
  co_return text;
}

}  // namespace

// ----- two loops -----

TEST_CASE("misuse: awaiting a future or task of another loop", "[task][misuse]") {
  aio::testing::virtual_loop loop;
  aio::testing::virtual_loop elsewhere;
  auto f = make_future<int>(elsewhere);
  auto t = test::start(elsewhere, answer());
  auto misuse = [&]() -> aio::coro<> {
    const std::string future = co_await complaint(f);
    CHECK_THAT(future, ContainsSubstring("attached to a different loop"));
    const std::string task = co_await complaint(t);
    CHECK_THAT(task, ContainsSubstring("attached to a different loop"));
    const std::string any = co_await complaint(t.any());
    CHECK_THAT(any, ContainsSubstring("attached to a different loop"));
  };
  loop.run(misuse());

  CHECK_FALSE(f.done());  // neither is harmed
  elsewhere.turn();
  CHECK(t.result() == 42);
  auto read = [&]() -> aio::coro<int> { co_return co_await t; };
  CHECK(loop.run(read()) == 42);  // what is done can be read anywhere
}

AIO_TEST("misuse: waiting for futures of another loop together", "[task][misuse]") {
  aio::testing::virtual_loop elsewhere;
  auto here = make_future<int>(loop);
  auto there = make_future<int>(elsewhere);
  const std::vector both{here, there};
  const std::string waited = co_await complaint(aio::wait(both));
  CHECK_THAT(waited, ContainsSubstring("different loop"));
  CHECK_THAT(complaint_of([&] { return aio::gather(here, there); }),
             ContainsSubstring("different loops"));
  CHECK_THAT(complaint_of([&] { return aio::as_completed(both); }),
             ContainsSubstring("different loop"));
  const std::string in_time = co_await complaint(aio::wait_for(there, 1s));
  CHECK_THAT(in_time, ContainsSubstring("different loop"));
  const std::string shielded = co_await complaint(aio::shield(there));
  CHECK_THAT(shielded, ContainsSubstring("different loop"));
  CHECK_FALSE(here.done());
  CHECK_FALSE(there.done());
}

TEST_CASE("misuse: running a loop inside of another, or of itself", "[task][misuse]") {
  aio::testing::virtual_loop outer;
  aio::testing::virtual_loop inner;
  std::string other;
  std::string itself;
  auto main = [&]() -> aio::coro<> {
    auto body = answer();
    other = complaint_of(
        [&] { return aio::detail::run_until_complete(inner.core(), body); });
    itself = complaint_of(
        [&] { return aio::detail::run_until_complete(outer.core(), body); });
    const int value = co_await std::move(body);  // it stays with the caller
    CHECK(value == 42);
  };
  outer.run(main());
  CHECK_THAT(other, ContainsSubstring("another event loop is running"));
  CHECK_THAT(itself, ContainsSubstring("already running"));
  CHECK(inner.run(answer()) == 42);
}

TEST_CASE("misuse: running a future on a loop that is not its own", "[task][misuse]") {
  aio::testing::virtual_loop loop;
  aio::testing::virtual_loop elsewhere;
  auto f = make_future<int>(elsewhere);
  const std::string text =
      complaint_of([&] { return aio::detail::run_until_complete(loop.core(), f); });
  CHECK_THAT(text, ContainsSubstring("different loop"));
}

// ----- no loop -----

TEST_CASE("misuse: without a running loop", "[task][misuse]") {
  const std::string no_loop = "no running event loop";
  auto body = answer();
  CHECK_THAT(complaint_of([&] { return aio::create_task(std::move(body)); }),
             ContainsSubstring(no_loop));
  CHECK(static_cast<bool>(body));  // it can be used elsewhere
  aio::testing::virtual_loop loop;
  CHECK(loop.run(std::move(body)) == 42);
  CHECK_THAT(complaint_of([] { return aio::create_task(answer); }),
             ContainsSubstring(no_loop));
  CHECK_THAT(complaint_of([] { return aio::current_task(); }),
             ContainsSubstring(no_loop));
  CHECK_THAT(complaint_of([] { return aio::all_tasks(); }), ContainsSubstring(no_loop));
  CHECK_THAT(complaint_of([] { return aio::as_completed(std::vector<aio::task<>>()); }),
             ContainsSubstring(no_loop));
}

TEST_CASE("misuse: a closed loop", "[task][misuse]") {
  aio::testing::virtual_loop loop;
  auto f = make_future<int>(loop);
  loop.core().close();
  auto body = answer();
  CHECK_THAT(
      complaint_of([&] { return aio::detail::run_until_complete(loop.core(), body); }),
      ContainsSubstring("closed"));
  CHECK(static_cast<bool>(body));
  body.close();
  CHECK_THAT(complaint_of([&] { return (loop.turn(), 0); }),
             ContainsSubstring("closed"));
  bool told = false;
  f.add_done_callback([&](const auto&) { told = true; });
  f.set_result(1);  // whoever has it may still read it
  CHECK(f.result() == 1);
  CHECK_FALSE(told);
}

TEST_CASE("misuse: a loop destroyed with tasks tells which and where",
          "[task][misuse]") {
  std::vector<std::string> told;
  aio::task<> left;
  aio::task<> waits;
  {
    aio::testing::virtual_loop loop;
    left = test::start(loop, nap());
    left.set_name("left");
    waits = test::start(loop, [](aio::task<> t) -> aio::coro<> { co_await t; }(left));
    loop.turn();
    loop.core().set_exception_handler([&](const aio::exception_context& c) {
      told.push_back(c.message + ": " + c.source);
    });
  }
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[0],
             ContainsSubstring("destroyed but it is pending: task 'left' at ") &&
                 ContainsSubstring("misuse_test.cpp:"));
  CHECK(left.cancelled());
  CHECK(waits.cancelled());
  CHECK_FALSE(left.cancel());
  CHECK_THROWS_AS(left.result(), aio::cancelled_error);
  left.add_done_callback([](const auto&) { FAIL("the loop is gone"); });
}

// ----- oneself and each other -----

AIO_TEST("misuse: a task that awaits itself", "[task][misuse]") {
  aio::task<> self;
  self = aio::create_task([&]() -> aio::coro<> { co_await self; });
  const std::string text = co_await complaint(self);
  CHECK_THAT(text, ContainsSubstring("cannot await itself"));
  aio::any_task any;
  any = aio::create_task([&]() -> aio::coro<> { co_await any; });
  const std::string same = co_await complaint(any);
  CHECK_THAT(same, ContainsSubstring("cannot await itself"));
}

AIO_TEST("misuse: tasks that await each other end when one is cancelled",
         "[task][misuse][cancel]") {
  aio::task<> a;
  aio::task<> b;
  aio::task<> c;
  a = aio::create_task([&]() -> aio::coro<> { co_await b; });
  b = aio::create_task([&]() -> aio::coro<> { co_await aio::gather(c); });
  c = aio::create_task([&]() -> aio::coro<> { co_await a; });
  co_await test::turns(2);
  CHECK(a.cancel());
  co_await test::turns(6);
  CHECK(a.cancelled());
  CHECK(b.cancelled());
  CHECK(c.cancelled());
}

TEST_CASE("misuse: everybody waits for nothing, and the report says where",
          "[task][misuse]") {
  aio::testing::virtual_loop loop;
  auto f = make_future<int>(loop);
  auto main = [&]() -> aio::coro<int> {
    aio::current_task().set_name("stuck");
    co_return co_await f;
  };
  std::string text;
  try {
    loop.run(main());
  } catch (const aio::testing::deadlock_error& e) {
    text = e.what();
  }
  CHECK_THAT(text, ContainsSubstring("deadlock") && ContainsSubstring("task 'stuck'") &&
                       ContainsSubstring("misuse_test.cpp:"));
}

// ----- handles that hold nothing -----

AIO_TEST("misuse: an empty task or future", "[task][misuse]") {
  const std::string empty = "empty";
  aio::task<int> t;
  aio::future<int> f;
  const aio::any_task any;
  CHECK_THAT(complaint_of([&] { return t.done(); }), ContainsSubstring(empty));
  CHECK_THAT(complaint_of([&] { return t.cancel(); }), ContainsSubstring(empty));
  CHECK_THAT(complaint_of([&] { return t.name(); }), ContainsSubstring(empty));
  CHECK_THAT(complaint_of([&] { return t.cancelling(); }), ContainsSubstring(empty));
  CHECK_THAT(complaint_of([&] { return f.result(); }), ContainsSubstring(empty));
  CHECK_THAT(complaint_of([&] { return (f.set_result(1), 0); }),
             ContainsSubstring(empty));
  CHECK_THAT(complaint_of([&] { return any.cancel(); }), ContainsSubstring(empty));
  const std::string awaited = co_await complaint(t);
  CHECK_THAT(awaited, ContainsSubstring(empty));
  const std::string future = co_await complaint(f);
  CHECK_THAT(future, ContainsSubstring(empty));
  const std::string anything = co_await complaint(any);
  CHECK_THAT(anything, ContainsSubstring(empty));
}

AIO_TEST("misuse: an empty task among others", "[task][misuse]") {
  auto good = aio::create_task(answer);
  std::vector<aio::task<int>> some{good, {}};
  CHECK_THAT(complaint_of([&] { return aio::gather(some); }),
             ContainsSubstring("empty"));
  CHECK_THAT(complaint_of([&] { return aio::wait(some); }), ContainsSubstring("empty"));
  CHECK_THAT(complaint_of([&] { return aio::as_completed(some); }),
             ContainsSubstring("empty"));
  CHECK_THAT(complaint_of([&] { return aio::shield(some[1]); }),
             ContainsSubstring("empty"));
  const std::string in_time = co_await complaint(aio::wait_for(some[1], 1s));
  CHECK_THAT(in_time, ContainsSubstring("empty"));
  const int value = co_await good;
  CHECK(value == 42);
}

AIO_TEST("misuse: a coroutine that was awaited, moved from or closed",
         "[task][misuse]") {
  const std::string again = "cannot reuse";
  auto body = answer();
  co_await std::move(body);
  CHECK_FALSE(static_cast<bool>(body));
  const std::string awaited = co_await complaint(std::move(body));
  CHECK_THAT(awaited, ContainsSubstring(again));
  CHECK_THAT(complaint_of([&] { return aio::create_task(std::move(body)); }),
             ContainsSubstring(again));
  auto closed = answer();
  closed.close();
  const std::string after = co_await complaint(std::move(closed));
  CHECK_THAT(after, ContainsSubstring(again));
  const std::string empty = co_await complaint(aio::coro<int>());
  CHECK_THAT(empty, ContainsSubstring(again));
}

AIO_TEST("misuse: a coroutine that nobody awaits is reported with its place",
         "[task][misuse]") {
  test::reports reports(loop);
  { auto forgotten = answer(); }
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message,
             ContainsSubstring("answer") && ContainsSubstring("never awaited"));
  CHECK_THAT(reports[0].source, ContainsSubstring("misuse_test.cpp:"));
  co_return;
}

// ----- results at the wrong time -----

AIO_TEST("misuse: results too early, and ends twice", "[task][misuse]") {
  auto f = make_future<int>(loop);
  CHECK_THROWS_AS(f.result(), aio::invalid_state_error);
  CHECK_THROWS_AS(f.exception(), aio::invalid_state_error);
  CHECK_THAT(complaint_of([&] { return f.result(); }),
             ContainsSubstring("not there yet"));
  auto t = aio::create_task(answer);
  CHECK_THROWS_AS(t.result(), aio::invalid_state_error);
  CHECK_THROWS_AS(t.any().exception(), aio::invalid_state_error);
  f.set_result(1);
  CHECK_THROWS_AS(f.set_result(2), aio::invalid_state_error);
  CHECK_THROWS_AS(f.set_exception(test::boom()), aio::invalid_state_error);
  CHECK_THAT(complaint_of([&] { return (f.set_result(2), 0); }),
             ContainsSubstring("done already"));
  CHECK(f.result() == 1);
  auto cancelled = make_future<int>(loop);
  cancelled.cancel();
  CHECK_THROWS_AS(cancelled.set_result(1), aio::invalid_state_error);
  co_await t;
}

AIO_TEST("misuse: a cancel or nothing as the exception of a future", "[task][misuse]") {
  auto f = make_future<int>(loop);
  CHECK_THAT(complaint_of([&] { return (f.set_exception(aio::cancelled_error()), 0); }),
             ContainsSubstring("cancel()"));
  CHECK_THAT(complaint_of([&] { return (f.set_exception(std::exception_ptr()), 0); }),
             ContainsSubstring("set_exception"));
  CHECK_FALSE(f.done());
  co_return;
}

AIO_TEST("misuse: waiting for nothing at all", "[task][misuse]") {
  CHECK_THAT(complaint_of([] { return aio::wait(std::vector<aio::task<>>()); }),
             ContainsSubstring("empty"));
  co_return;
}

// ----- threads -----

TEST_CASE("misuse: another thread, in debug mode", "[task][misuse][threads]") {
  aio::testing::virtual_loop loop;
  loop.core().set_debug(true);
  auto f = make_future<int>(loop);
  std::string value, error;
  auto main = [&]() -> aio::coro<> {
    std::thread([&] {
      value = complaint_of([&] { return (f.set_result(1), 0); });
      error = complaint_of([&] { return (f.set_exception(test::boom()), 0); });
    }).join();
    CHECK_FALSE(f.done());
    f.set_result(2);
    co_return;
  };
  loop.run(main());
  CHECK_THAT(value, ContainsSubstring("non-thread-safe") &&
                        ContainsSubstring("call_soon_threadsafe"));
  CHECK_THAT(error, ContainsSubstring("non-thread-safe"));
  CHECK(f.result() == 2);
}

AIO_TEST("misuse: a thread without a loop has no current task",
         "[task][misuse][threads]") {
  std::string text;
  std::thread([&] { text = complaint_of([] { return aio::current_task(); }); }).join();
  CHECK_THAT(text, ContainsSubstring("no running event loop"));
  co_return;
}
