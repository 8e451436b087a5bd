// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A benchmark whose body is a coroutine on a loop in virtual time: no clock, no system
/// call, so that only the library is measured.

#pragma once

#include <aio/aio.hpp>
#include <aio/testing.hpp>

#include <benchmark/benchmark.h>

namespace bench {

// The time is read once per batch, so that reading it does not count.
inline constexpr int batch = 1000;

inline aio::coro<int> ready() { co_return 1; }

/// A child that suspends once.
inline aio::coro<> one_turn() { co_await aio::sleep(std::chrono::seconds(0)); }

template <aio::coro<> (*body)(benchmark::State&)>
void in_loop(benchmark::State& state) {
  aio::testing::run_virtual(body(state));
}

}  // namespace bench
