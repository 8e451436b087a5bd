// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The same operations in Boost.Asio's own coroutines.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <exception>

namespace asio = boost::asio;

namespace {

constexpr int batch = 1000;

using executor = asio::io_context::executor_type;
template <class T = void>
using awaitable = asio::awaitable<T, executor>;
constexpr asio::use_awaitable_t<executor> use_awaitable;

template <awaitable<> (*body)(benchmark::State&)>
void in_context(benchmark::State& state) {
  asio::io_context context(1);
  asio::co_spawn(context.get_executor(), body(state), asio::detached);
  context.run();
}

awaitable<int> ready() { co_return 1; }

awaitable<> await_ready_child(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      const int value = co_await ready();
      benchmark::DoNotOptimize(value);
    }
  }
}

awaitable<> give_way(const bool& stop) {
  while (!stop) co_await asio::post(use_awaitable);
}

awaitable<> switch_tasks(benchmark::State& state) {
  const executor here = co_await asio::this_coro::executor;
  bool stop = false;
  asio::co_spawn(here, give_way(stop), asio::detached);
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch / 2; ++i) co_await asio::post(use_awaitable);
  }
  stop = true;
  for (int i = 0; i < 4; ++i) co_await asio::post(use_awaitable);
}

awaitable<> spawn_and_join(benchmark::State& state) {
  const executor here = co_await asio::this_coro::executor;
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      const int value = co_await asio::co_spawn(here, ready(), use_awaitable);
      benchmark::DoNotOptimize(value);
    }
  }
}

awaitable<> arm_and_cancel(benchmark::State& state) {
  const executor here = co_await asio::this_coro::executor;
  using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>,
                                           executor>;
  timer one(here);
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      one.expires_after(std::chrono::seconds(1));
      one.async_wait([](boost::system::error_code) {});
      one.cancel();
    }
    co_await asio::post(use_awaitable);
  }
}

using channel =
    asio::experimental::basic_channel<executor, asio::experimental::channel_traits<>,
                                      void(boost::system::error_code, int)>;

awaitable<> answer(channel& there, channel& back) {
  for (int item = 1; item != 0;) {
    item = co_await there.async_receive(use_awaitable);
    co_await back.async_send({}, item, use_awaitable);
  }
}

awaitable<> ping_pong(benchmark::State& state) {
  const executor here = co_await asio::this_coro::executor;
  channel there(here, 1);
  channel back(here, 1);
  asio::co_spawn(here, answer(there, back), asio::detached);
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      co_await there.async_send({}, 1, use_awaitable);
      const int value = co_await back.async_receive(use_awaitable);
      benchmark::DoNotOptimize(value);
    }
  }
  co_await there.async_send({}, 0, use_awaitable);
  co_await back.async_receive(use_awaitable);
}

BENCHMARK(in_context<await_ready_child>)->Name("Asio: await a ready child");
BENCHMARK(in_context<switch_tasks>)->Name("Asio: post, per switch of two coroutines");
BENCHMARK(in_context<spawn_and_join>)->Name("Asio: co_spawn and join");
BENCHMARK(in_context<arm_and_cancel>)->Name("Asio: timer armed and cancelled");
BENCHMARK(in_context<ping_pong>)->Name("Asio: channel ping-pong, round trip");

}  // namespace
