// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Whether the costs stay flat as tasks become many: from one to a million of them that
// sleep or wait.

#include "in_loop.hpp"

#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace bench;

namespace {

std::size_t heap_in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

aio::coro<> sleep_apart(std::int64_t i) {
  co_await aio::sleep(1s + std::chrono::microseconds(i));
}

// What is due next is somewhere else in memory.
aio::coro<> sleep_shuffled(std::int64_t i) {
  co_await aio::sleep(1s + std::chrono::microseconds(i * 7919 % 1'000'003));
}

aio::coro<> wait_for_start(aio::event& start) { co_await start.wait(); }

/// Bytes of the heap that a task takes which has come to its await; the handle not
/// counted. Of many: the first come from memory that was used before.
template <class Make>
aio::coro<std::string> bytes_each(std::int64_t count, Make make) {
  std::vector<aio::task<>> all;
  all.reserve(static_cast<std::size_t>(count));
  const std::size_t before = heap_in_use();
  for (std::int64_t i = 0; i < count; ++i) all.push_back(aio::create_task(make(i)));
  co_await aio::sleep(0s);
  const std::size_t used = heap_in_use() - before;
  for (aio::task<>& one : all) one.cancel();
  for (aio::task<>& one : all) co_await aio::wait(one);
  if (count < 100'000) co_return "";
  co_return std::to_string(used / static_cast<std::size_t>(count)) + " bytes";
}

// Create, arm, fire and end, each.
template <aio::coro<> (*sleep)(std::int64_t)>
aio::coro<> sleeping_tasks(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  state.SetLabel(co_await bytes_each(count, sleep));
  std::vector<aio::task<>> all;
  all.reserve(static_cast<std::size_t>(count));
  while (state.KeepRunningBatch(count)) {
    for (std::int64_t i = 0; i < count; ++i) {
      all.push_back(aio::create_task(sleep(i)));
    }
    for (aio::task<>& one : all) co_await one;
    all.clear();
  }
}

// Create, wait for an event, be woken and end, each.
aio::coro<> waiting_tasks(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  aio::event start;
  auto make = [&start](std::int64_t) { return wait_for_start(start); };
  state.SetLabel(co_await bytes_each(count, make));
  std::vector<aio::task<>> all;
  all.reserve(static_cast<std::size_t>(count));
  while (state.KeepRunningBatch(count)) {
    start.clear();
    for (std::int64_t i = 0; i < count; ++i) all.push_back(aio::create_task(make(i)));
    co_await aio::sleep(0s);
    start.set();
    for (aio::task<>& one : all) co_await one;
    all.clear();
  }
}

BENCHMARK(in_loop<sleeping_tasks<sleep_apart>>)
    ->Name("tasks that sleep, each")
    ->Arg(1)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000);
BENCHMARK(in_loop<sleeping_tasks<sleep_shuffled>>)
    ->Name("tasks that sleep, shuffled, each")
    ->Arg(1'000'000);
BENCHMARK(in_loop<waiting_tasks>)
    ->Name("tasks that wait, each")
    ->Arg(1)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000);

}  // namespace
