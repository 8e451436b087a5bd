// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What it costs to wait for a point in time, and to limit a wait.

#include "in_loop.hpp"

#include <chrono>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace bench;

namespace {

// The loop runs once per batch, as it would in a program: it may have kept the
// cancelled timers until then.
aio::coro<> arm_and_cancel(benchmark::State& state) {
  auto& loop = aio::get_running_loop();
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) loop.call_later(1s, [] {}).cancel();
    co_await aio::sleep(0s);
  }
}

aio::coro<> timeout_around_ready(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      benchmark::DoNotOptimize(co_await aio::timeout(1s, [] { return ready(); }));
    }
  }
}

aio::coro<> sleep_briefly() { co_await aio::sleep(1us); }

aio::coro<> sleep_many(benchmark::State& state) {
  constexpr int many = 100'000;
  while (state.KeepRunningBatch(many)) {
    std::vector<aio::coro<>> all;
    all.reserve(many);
    for (int i = 0; i < many; ++i) all.push_back(sleep_briefly());
    co_await aio::gather(std::move(all));
  }
}

BENCHMARK(in_loop<arm_and_cancel>)->Name("call_later and cancel");
BENCHMARK(in_loop<timeout_around_ready>)->Name("timeout around a ready child");
BENCHMARK(in_loop<sleep_many>)->Name("100000 sleeps at once, each");

}  // namespace
