// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What it costs to run a thousand coroutines side by side.

#include "in_loop.hpp"

#include <utility>
#include <vector>

using namespace bench;

namespace {

template <class T>
std::vector<aio::coro<T>> thousand(aio::coro<T> (*make)()) {
  std::vector<aio::coro<T>> all;
  all.reserve(batch);
  for (int i = 0; i < batch; ++i) all.push_back(make());
  return all;
}

aio::coro<> gather_many(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    benchmark::DoNotOptimize(co_await aio::gather(thousand(one_turn)));
  }
}

aio::coro<> gather_ready(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    benchmark::DoNotOptimize(co_await aio::gather(thousand(ready)));
  }
}

aio::coro<> group_many(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    co_await aio::with(aio::task_group(), [](aio::task_group& group) -> aio::coro<> {
      for (int i = 0; i < batch; ++i) group.create_task(one_turn());
      co_return;
    });
  }
}

BENCHMARK(in_loop<gather_many>)
    ->Name("gather of 1000 that suspend once, per coroutine");
BENCHMARK(in_loop<gather_ready>)->Name("gather of 1000 that are ready, per coroutine");
BENCHMARK(in_loop<group_many>)->Name("task_group of 1000 that suspend once, per child");

}  // namespace
