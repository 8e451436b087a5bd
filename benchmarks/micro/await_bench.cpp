// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What an await costs, and giving way to another task.

#include "in_loop.hpp"

#include <chrono>

using namespace std::chrono_literals;
using namespace bench;

namespace {

aio::coro<> await_ready_child(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) benchmark::DoNotOptimize(co_await ready());
  }
}

// Two tasks take turns: each sleep(0s) of this one is two switches.
aio::coro<> switch_tasks(benchmark::State& state) {
  bool stop = false;
  auto other = aio::create_task([&]() -> aio::coro<> {
    while (!stop) co_await aio::sleep(0s);
  });
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch / 2; ++i) co_await aio::sleep(0s);
  }
  stop = true;
  co_await other;
}

BENCHMARK(in_loop<await_ready_child>)->Name("await a ready child");
BENCHMARK(in_loop<switch_tasks>)->Name("sleep(0s), per switch of two tasks");

}  // namespace
