// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/task_state.hpp>  // first: proves the header stands alone

#include <aio/coro/suspension.hpp>
#include <aio/task/task.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <set>
#include <string>
#include <thread>
#include <vector>

TEST_CASE("task_state: the message is that of the last request", "[coro][task_state]") {
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  const auto t = test::start(loop, test::turns(1));
  aio::detail::task_state& state = t.any().core();
  CHECK(state.cancel_message().empty());
  state.request_cancel("");
  CHECK(state.cancel_message().empty());
  state.request_cancel("why");
  CHECK(state.cancel_message() == "why");
  state.request_cancel("");
  CHECK(state.cancel_message().empty());
  loop.core().close();
}

TEST_CASE("task_state: counts requests, and never below zero", "[coro][task_state]") {
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  const auto t = test::start(loop, test::turns(1));
  aio::detail::task_state& state = t.any().core();
  CHECK(state.uncancel() == 0);
  state.request_cancel("a");
  state.request_cancel("b");
  CHECK(state.cancel_requests == 2);
  CHECK(state.must_cancel);
  CHECK(state.cancel_message() == "b");
  CHECK(state.uncancel() == 1);
  CHECK(state.must_cancel);
  CHECK(state.uncancel() == 0);
  CHECK_FALSE(state.must_cancel);
  CHECK(state.uncancel() == 0);
  loop.core().close();
}

TEST_CASE("task_state: the current task is restored after each step",
          "[coro][task_state]") {
  aio::testing::virtual_loop loop;
  const auto a = test::start(loop, test::turns(1));
  CHECK(loop.core().current_task == nullptr);
  loop.turn();
  CHECK(loop.core().current_task == nullptr);
  loop.turn();
  CHECK(a.done());
  CHECK(loop.core().current_task == nullptr);
}

TEST_CASE("task_state: numbers are taken once, on whatever thread",
          "[coro][task_state]") {
  constexpr int threads = 4, per_thread = 1500;  // more than a block each
  std::vector<std::vector<std::string>> names(threads);
  std::vector<std::thread> running;
  for (auto& mine : names) {
    running.emplace_back([&mine] {
      aio::testing::virtual_loop loop;
      for (int i = 0; i < per_thread; ++i) {
        auto t = test::start(loop, test::turns(0));
        mine.push_back(t.name());
        loop.turn();
      }
    });
  }
  for (std::thread& one : running) one.join();
  std::set<std::string> all;
  for (const auto& mine : names) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == threads * per_thread);
}
