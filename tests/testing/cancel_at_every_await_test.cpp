// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/cancel_at_every_await.hpp>  // first: proves it stands alone

#include <aio/task/sleep.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::testing::cancel_at_every_await;

TEST_CASE("cancel_at_every_await: hits each await once, and the start",
          "[testing][cancel_at_every_await]") {
  std::vector<std::string> got;
  std::string log;
  auto make = [&]() -> aio::coro<> {
    log = "a";
    co_await aio::sleep(1s);
    log += 'b';
    co_await aio::sleep(0s);
    log += 'c';
    co_await aio::sleep(1h);
    log += 'd';
  };
  const int cancels = cancel_at_every_await(make, [&](const aio::task<>& t) {
    CHECK(t.cancelled());
    got.push_back(std::exchange(log, {}));
  });
  CHECK(cancels == 6);  // of a sleep the timer and the task have a turn each
  CHECK(got == std::vector<std::string>{"", "a", "a", "ab", "abc", "abc"});
  CHECK(log == "abcd");  // the last run, which nothing cancelled
}

TEST_CASE("cancel_at_every_await: shows whoever swallows the cancel",
          "[testing][cancel_at_every_await]") {
  auto make = []() -> aio::coro<int> {
    try {
      co_await aio::sleep(1s);
    } catch (const aio::cancelled_error&) {
    }
    co_return 1;
  };
  std::string log;
  const int cancels = cancel_at_every_await(
      make, [&](const aio::task<int>& t) { log += t.cancelled() ? 'c' : 's'; });
  CHECK(cancels == 3);
  CHECK(log == "css");
}

TEST_CASE("cancel_at_every_await: ends what was left behind",
          "[testing][cancel_at_every_await]") {
  int started = 0;
  int ended = 0;
  auto background = [&]() -> aio::coro<> {
    ++started;
    const aio::detail::scope_exit end([&] { ++ended; });
    co_await aio::sleep(1h);
  };
  auto make = [&]() -> aio::coro<> {
    aio::create_task(background);
    co_await aio::sleep(1s);
    co_await aio::sleep(1s);
  };
  int checked = 0;
  cancel_at_every_await(make, [&](const aio::task<>&) {
    CHECK(ended == std::max(0, checked - 1));  // not before the check
    ++checked;
  });
  CHECK(checked == 6);
  CHECK(started == 6);
  CHECK(ended == 6);
}

TEST_CASE("cancel_at_every_await: throws what comes out when nothing is cancelled",
          "[testing][cancel_at_every_await]") {
  auto make = []() -> aio::coro<> {
    co_await aio::sleep(1s);
    throw test::boom();
  };
  CHECK_THROWS_AS(cancel_at_every_await(make, [](const aio::task<>&) {}), test::boom);
}
