// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What it costs to take turns: locks and queues.

#include "in_loop.hpp"

using namespace bench;

namespace {

aio::coro<> lock_and_unlock(benchmark::State& state) {
  aio::lock lock;
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      co_await lock.acquire();
      lock.release();
    }
  }
}

// Two tasks want the lock all the time: each release hands it over.
aio::coro<> hand_over_lock(benchmark::State& state) {
  aio::lock lock;
  bool stop = false;
  auto other = aio::create_task([&]() -> aio::coro<> {
    while (!stop) {
      co_await lock.acquire();
      co_await aio::sleep(std::chrono::seconds(0));
      lock.release();
    }
  });
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch / 2; ++i) {
      co_await lock.acquire();
      co_await aio::sleep(std::chrono::seconds(0));
      lock.release();
    }
  }
  stop = true;
  co_await other;
}

// The consumer waits for each item.
aio::coro<> hand_over_item(benchmark::State& state) {
  aio::queue<int> there;
  aio::queue<int> back;
  auto partner = aio::create_task([&]() -> aio::coro<> {
    while (const int item = co_await there.get()) back.put_nowait(item);
  });
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch / 2; ++i) {
      there.put_nowait(1);
      benchmark::DoNotOptimize(co_await back.get());
    }
  }
  there.put_nowait(0);
  co_await partner;
}

// A bounded queue, full and empty by turns.
aio::coro<> stream_items(benchmark::State& state) {
  aio::queue<int> queue(64);
  auto consumer = aio::create_task([&]() -> aio::coro<> {
    while (co_await queue.get() != 0) {
    }
  });
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) co_await queue.put(1);
  }
  co_await queue.put(0);
  co_await consumer;
}

BENCHMARK(in_loop<lock_and_unlock>)->Name("lock and unlock, nobody waits");
BENCHMARK(in_loop<hand_over_lock>)->Name("lock handed over, with a switch");
BENCHMARK(in_loop<hand_over_item>)->Name("queue item to a task that waits");
BENCHMARK(in_loop<stream_items>)->Name("queue of 64, per item");

}  // namespace
