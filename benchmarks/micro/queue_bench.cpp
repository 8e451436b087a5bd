// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What it costs to pass items from task to task.

#include "in_loop.hpp"

using namespace bench;

namespace {

// Two queues, and each item is answered: two switches.
aio::coro<> ping_pong(benchmark::State& state) {
  aio::queue<int> there(1);
  aio::queue<int> back(1);
  auto partner = aio::create_task([&]() -> aio::coro<> {
    while (const int item = co_await there.get()) co_await back.put(item);
  });
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      co_await there.put(1);
      benchmark::DoNotOptimize(co_await back.get());
    }
  }
  there.put_nowait(0);
  co_await partner;
}

// A bounded queue, full and empty by turns.
aio::coro<> stream_items(benchmark::State& state) {
  aio::queue<int> queue(128);
  auto consumer = aio::create_task([&]() -> aio::coro<> {
    for (int item = 1; item != 0;) item = co_await queue.get();
  });
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) co_await queue.put(1);
  }
  co_await queue.put(0);
  co_await consumer;
}

BENCHMARK(in_loop<ping_pong>)->Name("queue ping-pong, round trip");
BENCHMARK(in_loop<stream_items>)->Name("queue of 128, per item");

}  // namespace
