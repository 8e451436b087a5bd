// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What the library's own operations cost: one loop, no sockets, no threads. A time is
// that of one await, one switch, one task, one timer.

#include <aio/aio.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

// The time is read once per batch, so that reading it does not count.
constexpr int batch = 1000;

aio::coro<int> ready() { co_return 1; }

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

aio::coro<> create_and_join_task(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      benchmark::DoNotOptimize(co_await aio::create_task(ready()));
    }
  }
}

aio::coro<> gather_many(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    std::vector<aio::coro<int>> coros;
    coros.reserve(batch);
    for (int i = 0; i < batch; ++i) coros.push_back(ready());
    benchmark::DoNotOptimize(co_await aio::gather(std::move(coros)));
  }
}

// The loop runs once per batch, as it would in a program: it may have kept the
// cancelled timers until then.
aio::coro<> arm_and_cancel_timer(benchmark::State& state) {
  auto& loop = aio::get_running_loop();
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) loop.call_later(1s, [] {}).cancel();
    co_await aio::sleep(0s);
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

template <aio::coro<> (*body)(benchmark::State&)>
void in_loop(benchmark::State& state) {
  aio::run(body(state));
}

BENCHMARK(in_loop<await_ready_child>)->Name("await a ready child");
BENCHMARK(in_loop<switch_tasks>)->Name("sleep(0s), per switch of two tasks");
BENCHMARK(in_loop<create_and_join_task>)->Name("create_task and join");
BENCHMARK(in_loop<gather_many>)->Name("gather of 1000, per coroutine");
BENCHMARK(in_loop<arm_and_cancel_timer>)->Name("call_later and cancel");
BENCHMARK(in_loop<hand_over_future>)
    ->Name("future set in one task, awaited in another");

}  // namespace

BENCHMARK_MAIN();
