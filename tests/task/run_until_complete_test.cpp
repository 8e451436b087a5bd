// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/run_until_complete.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using aio::detail::cancel_all_tasks;
using aio::detail::run_until_complete;
using test::boom;
using test::ending_of;

namespace {

aio::coro<int> twice(int n) {
  co_await aio::sleep(1s);
  co_return 2 * n;
}

}  // namespace

TEST_CASE("run_until_complete: yields the value, again and again",
          "[task][run_until_complete]") {
  aio::testing::virtual_loop loop;
  auto a = twice(4), b = twice(21);
  CHECK(run_until_complete(loop.core(), a) == 8);
  CHECK(run_until_complete(loop.core(), b) == 42);
  CHECK_FALSE(loop.core().is_running());

  auto make = []() -> aio::coro<std::unique_ptr<int>> {
    co_return std::make_unique<int>(2);
  };
  auto c = make();
  CHECK(*run_until_complete(loop.core(), c) == 2);
  int n = 0;
  auto refer = [](int& to) -> aio::coro<int&> { co_return to; };
  auto d = refer(n);
  CHECK(&run_until_complete(loop.core(), d) == &n);
}

TEST_CASE("run_until_complete: throws what comes out", "[task][run_until_complete]") {
  aio::testing::virtual_loop loop;
  auto fails = []() -> aio::coro<> {
    throw boom();
    co_return;
  };
  auto cancelled = []() -> aio::coro<> {
    throw aio::cancelled_error("by hand");
    co_return;
  };
  auto a = fails();
  CHECK(ending_of([&] { run_until_complete(loop.core(), a); }) == "boom");
  auto b = cancelled();
  CHECK(ending_of([&] { run_until_complete(loop.core(), b); }) == "cancelled: by hand");
}

TEST_CASE("run_until_complete: takes a future or task, and leaves its value there",
          "[task][run_until_complete]") {
  aio::testing::virtual_loop loop;
  auto make = []() -> aio::coro<std::string> { co_return std::string(100, 'x'); };
  auto t = test::start(loop, make());
  CHECK(run_until_complete<std::string>(loop.core(), t).size() == 100);
  CHECK(t.result().size() == 100);
  CHECK(run_until_complete<std::string>(loop.core(), t).size() == 100);
}

TEST_CASE("run_until_complete: stopped before, it says so, and the task can go on",
          "[task][run_until_complete]") {
  aio::testing::virtual_loop loop;
  auto t = test::start(loop, twice(1));
  test::call_soon(loop, [&] { loop.core().stop(); });
  CHECK(ending_of([&] { run_until_complete<int>(loop.core(), t); }) == "usage");
  CHECK_FALSE(t.done());
  CHECK(run_until_complete<int>(loop.core(), t) == 2);
}

TEST_CASE("run_until_complete: refuses a loop that runs, is closed or another one",
          "[task][run_until_complete]") {
  aio::testing::virtual_loop loop, other;
  auto f = test::make_future<int>(other);
  CHECK_THROWS_AS(run_until_complete(loop.core(), f), std::invalid_argument);

  std::string nested, elsewhere;
  auto inner = twice(1);
  test::call_soon(loop, [&] {
    nested = ending_of([&] { run_until_complete(loop.core(), inner); });
    elsewhere = ending_of([&] { run_until_complete(other.core(), inner); });
  });
  loop.turn();
  CHECK(nested == "usage");
  CHECK(static_cast<bool>(inner));  // still there to be used
  inner.close();
  CHECK(elsewhere == "usage");
  const test::reports reports(other);
  other.core().close();

  loop.core().close();
  auto late = twice(1);
  CHECK(ending_of([&] { run_until_complete(loop.core(), late); }) == "usage");
  late.close();
}

TEST_CASE("run_until_complete: what leaves the loop by itself stops nothing later",
          "[task][run_until_complete]") {
  aio::testing::virtual_loop loop;
  auto interrupted = []() -> aio::coro<> {
    throw aio::keyboard_interrupt();
    co_return;
  };
  auto a = interrupted();
  CHECK_THROWS_AS(run_until_complete(loop.core(), a), aio::keyboard_interrupt);
  auto b = twice(3);
  CHECK(run_until_complete(loop.core(), b) == 6);
}

TEST_CASE("cancel_all_tasks: cancels all and waits for their end",
          "[task][run_until_complete]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  std::string log;
  auto slow_to_stop = [&]() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) co_await aio::sleep(5s);
    log += "stopped ";
  };
  auto fails_to_stop = []() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) throw boom();
  };
  auto a = test::start(loop, slow_to_stop());
  auto b = test::start(loop, fails_to_stop());
  loop.turn();
  auto unstarted = test::start(loop, twice(1));
  cancel_all_tasks(loop.core());
  CHECK(log == "stopped ");
  CHECK(loop.now() == 5s);
  CHECK(a.done());
  CHECK(unstarted.cancelled());
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].source, Catch::Matchers::ContainsSubstring(b.name()));
  CHECK(reports.take() == "boom");
  cancel_all_tasks(loop.core());  // nothing left
}
