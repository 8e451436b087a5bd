// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <thread>

namespace run_coroutine_threadsafe {
using namespace conformance;

using lines = std::vector<std::string>;

aio::coro<int> add(int a, int b) {
  co_await aio::sleep(10ms);
  co_return a + b;
}

aio::coro<> fail() {
  throw key_error("");
  co_return;
}

aio::coro<> forever(lines& log) {
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    log.push_back("coroutine cancelled");
    throw;
  }
}

aio::coro<> self_cancelled() {
  aio::current_task().cancel();
  co_await aio::sleep(60s);
}

void in_thread(aio::event_loop& loop, lines& log, lines& loop_log) {
  auto sum = aio::run_coroutine_threadsafe(add(1, 2), loop);
  log.push_back(fmt::format("result {}", sum.result(10s)));
  try {
    aio::run_coroutine_threadsafe(fail(), loop).result(10s);
  } catch (const key_error&) {
    log.push_back("key_error");
  }

  auto future = aio::run_coroutine_threadsafe(forever(loop_log), loop);
  try {
    future.result(30ms);
  } catch (const aio::timeout_error&) {
    log.push_back(fmt::format("timeout, done {:d}", future.done()));
  }
  log.push_back(fmt::format("cancel {:d}", future.cancel()));
  aio::run_coroutine_threadsafe(add(0, 0), loop).result(10s);
  log.push_back(fmt::format("cancelled {:d}", future.cancelled()));

  try {
    aio::run_coroutine_threadsafe(self_cancelled(), loop).result(10s);
  } catch (const aio::cancelled_error&) {
    log.push_back("a cancelled task: cancelled");
  }

  std::vector<aio::thread_future<int>> several;
  for (int i = 0; i < 4; ++i) {
    several.push_back(aio::run_coroutine_threadsafe(add(i, i), loop));
  }
  std::vector<int> results;
  for (auto& f : several) results.push_back(f.result(10s));
  log.push_back("several " + words(results));
}

aio::coro<> amain() {
  lines log;
  lines loop_log;
  std::thread thread(in_thread, std::ref(aio::get_running_loop()), std::ref(log),
                     std::ref(loop_log));
  co_await aio::to_thread([&] { thread.join(); });
  for (const std::string& line : log) print(line);
  print("in the loop:", words(loop_log));
}

AIO_TWIN(run_coroutine_threadsafe) { aio::run(amain()); }

}  // namespace run_coroutine_threadsafe
