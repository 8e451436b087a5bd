// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What a task costs: to create, to join, to cancel, and what passes between two.

#include "in_loop.hpp"

#include <chrono>

using namespace std::chrono_literals;
using namespace bench;

namespace {

aio::coro<> create_and_join(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      benchmark::DoNotOptimize(co_await aio::create_task(ready()));
    }
  }
}

aio::coro<> cancel_waiting(benchmark::State& state) {
  auto for_ever = []() -> aio::coro<> { co_await aio::sleep(1h); };
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      auto waiting = aio::create_task(for_ever());
      co_await aio::sleep(0s);
      waiting.cancel();
      co_await aio::wait(waiting);
    }
  }
}

// Two tasks hand a value to and fro: a hand-over creates a future, sets its result in
// one task and resumes the other, which waits for it.
aio::coro<> hand_over_future(benchmark::State& state) {
  auto& loop = aio::get_running_loop();
  auto ping = loop.create_future<int>();
  auto pong = loop.create_future<int>();
  auto partner = aio::create_task([&]() -> aio::coro<> {
    while (const int value = co_await ping) {
      ping = loop.create_future<int>();
      pong.set_result(value);
    }
  });
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch / 2; ++i) {
      ping.set_result(1);
      benchmark::DoNotOptimize(co_await pong);
      pong = loop.create_future<int>();
    }
  }
  ping.set_result(0);
  co_await partner;
}

BENCHMARK(in_loop<create_and_join>)->Name("create_task and join");
BENCHMARK(in_loop<cancel_waiting>)->Name("cancel a waiting task and join");
BENCHMARK(in_loop<hand_over_future>)
    ->Name("future set in one task, awaited in another");

}  // namespace

BENCHMARK_MAIN();
