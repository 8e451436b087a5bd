// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/virtual_loop.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <string>

using namespace std::chrono_literals;
using aio::testing::deadlock_error;
using aio::testing::virtual_loop;

TEST_CASE("virtual_loop: time jumps to the next deadline", "[testing][virtual_loop]") {
  virtual_loop loop;
  std::string log;
  auto body = [&]() -> aio::coro<int> {
    CHECK(loop.now() == 0s);
    co_await aio::sleep(1000h);
    co_return 3;
  };
  CHECK(loop.run(body()) == 3);
  CHECK(loop.now() == 1000h);
}

TEST_CASE("virtual_loop: when nothing will ever happen it says so",
          "[testing][virtual_loop]") {
  virtual_loop loop;
  auto body = [&]() -> aio::coro<> { co_await test::make_future(loop); };
  CHECK_THROWS_AS(loop.run(body()), deadlock_error);
  CHECK_THROWS_AS(loop.turn(), deadlock_error);
}

TEST_CASE("virtual_loop: run() throws what comes out", "[testing][virtual_loop]") {
  virtual_loop loop;
  auto fails = []() -> aio::coro<> {
    co_await aio::sleep(1s);
    throw test::boom();
  };
  CHECK_THROWS_AS(loop.run(fails()), test::boom);
}

TEST_CASE("virtual_loop: run() cancels what was left behind, and waits for it",
          "[testing][virtual_loop]") {
  virtual_loop loop;
  std::string log;
  auto background = [&]() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) co_await aio::sleep(1s);
    log += "cleaned";
  };
  auto main = [&]() -> aio::coro<> {
    aio::create_task(background);
    co_await aio::sleep(1s);
  };
  loop.run(main());
  CHECK(log == "cleaned");
  CHECK(loop.now() == 2s);
}

TEST_CASE("virtual_loop: run() reports tasks that do not end when cancelled",
          "[testing][virtual_loop]") {
  virtual_loop loop;
  test::reports reports(loop);
  auto stubborn = [&]() -> aio::coro<> {
    for (;;) {
      try {
        co_await test::make_future(loop);
      } catch (const aio::cancelled_error&) {
      }
    }
  };
  auto main = [&]() -> aio::coro<> {
    aio::create_task(stubborn);
    co_await aio::sleep(0s);
  };
  loop.run(main());
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring("do not end"));
  loop.core().close();
}

TEST_CASE("virtual_loop: may run again", "[testing][virtual_loop]") {
  virtual_loop loop;
  auto nap = []() -> aio::coro<> { co_await aio::sleep(1s); };
  loop.run(nap());
  loop.run(nap());
  CHECK(loop.now() == 2s);
}
