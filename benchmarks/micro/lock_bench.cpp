// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What it costs to take turns.

#include "in_loop.hpp"

#include <chrono>

using namespace std::chrono_literals;
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

// Two tasks want the lock all the time: who releases it and asks again stands behind
// the other, so each round of a task hands it over.
aio::coro<> hand_over_lock(benchmark::State& state) {
  aio::lock lock;
  bool stop = false;
  co_await lock.acquire();
  auto other = aio::create_task([&]() -> aio::coro<> {
    while (!stop) {
      co_await lock.acquire();
      lock.release();
    }
  });
  co_await aio::sleep(0s);
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch / 2; ++i) {
      lock.release();
      co_await lock.acquire();
    }
  }
  stop = true;
  lock.release();
  co_await other;
}

BENCHMARK(in_loop<lock_and_unlock>)->Name("lock and unlock, nobody waits");
BENCHMARK(in_loop<hand_over_lock>)->Name("lock handed over");

}  // namespace
