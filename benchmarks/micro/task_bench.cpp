// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What the library's own operations cost: one loop, no sockets, no threads. A time is
// that of one await, one switch, one task, one timer.

#include "in_loop.hpp"

#include <chrono>
#include <utility>
#include <vector>

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

aio::coro<> group_many(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    co_await aio::with(aio::task_group(), [](aio::task_group& group) -> aio::coro<> {
      for (int i = 0; i < batch; ++i) group.create_task(ready());
      co_return;
    });
  }
}

aio::coro<> timeout_around_ready(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      benchmark::DoNotOptimize(co_await aio::timeout(1s, [] { return ready(); }));
    }
  }
}

aio::coro<> cancel_waiting_task(benchmark::State& state) {
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

BENCHMARK(in_loop<await_ready_child>)->Name("await a ready child");
BENCHMARK(in_loop<switch_tasks>)->Name("sleep(0s), per switch of two tasks");
BENCHMARK(in_loop<create_and_join_task>)->Name("create_task and join");
BENCHMARK(in_loop<gather_many>)->Name("gather of 1000, per coroutine");
BENCHMARK(in_loop<group_many>)->Name("task_group of 1000, per child");
BENCHMARK(in_loop<timeout_around_ready>)->Name("timeout around a ready child");
BENCHMARK(in_loop<cancel_waiting_task>)->Name("cancel a waiting task and join");
BENCHMARK(in_loop<sleep_many>)->Name("100000 sleeps at once, each");
BENCHMARK(in_loop<arm_and_cancel_timer>)->Name("call_later and cancel");
BENCHMARK(in_loop<hand_over_future>)
    ->Name("future set in one task, awaited in another");

}  // namespace

BENCHMARK_MAIN();
