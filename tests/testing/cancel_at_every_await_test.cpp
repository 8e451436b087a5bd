// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/cancel_at_every_await.hpp>  // first: proves the header stands alone

#include <aio/io/threads.hpp>
#include <aio/sync/event.hpp>
#include <aio/task.hpp>
#include <aio/testing/memory_streams.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <chrono>
#include <set>
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

TEST_CASE("cancel_at_every_await: the running loop, its threads and streams are there",
          "[testing][cancel_at_every_await]") {
  auto make = []() -> aio::coro<int> {
    auto& loop = aio::get_running_loop();
    auto [client, server] = aio::testing::memory_streams();
    loop.call_later(1s, [w = client.writer] { w.write("x"); });
    const std::string x = co_await server.reader.readexactly(1);
    const int n = co_await aio::to_thread([] { return 1; });
    co_return n;
  };
  const int cancels = cancel_at_every_await(
      make, [](const aio::task<int>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 4);
}

TEST_CASE("cancel_at_every_await: what is left is ended after the check",
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

TEST_CASE("cancel_at_every_await: finds who does not end when cancelled",
          "[testing][cancel_at_every_await]") {
  auto make = []() -> aio::coro<> {
    aio::event ready;
    aio::get_running_loop().call_later(1s, [&] { ready.set(); });
    while (!ready.is_set()) {
      try {
        co_await ready.wait();
      } catch (const aio::cancelled_error&) {
      }
    }
    aio::event never;
    try {
      co_await aio::sleep(1s);
    } catch (const aio::cancelled_error&) {
      ready.clear();
    }
    if (!ready.is_set()) co_await never.wait();  // nobody is left to set it
  };
  CHECK_THROWS_AS(cancel_at_every_await(make, [](const aio::task<>&) {}),
                  aio::testing::deadlock_error);
}

TEST_CASE("cancel_at_every_await: with a seed the order is another",
          "[testing][cancel_at_every_await]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::string log;
    auto make = [&]() -> aio::coro<> {
      log.clear();
      auto write = [&log](char name) -> aio::coro<> {
        log += name;
        co_return;
      };
      std::vector<aio::task<>> all;
      for (const char name : {'a', 'b', 'c'})
        all.push_back(aio::create_task(write, name));
      for (auto& one : all) co_await one;
    };
    cancel_at_every_await(make, [](const aio::task<>&) {}, {.seed = seed});
    orders.insert(log);
  }
  CHECK(orders.size() >= 4);
}
