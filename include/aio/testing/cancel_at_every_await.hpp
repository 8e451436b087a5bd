// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Cancels a coroutine at each of its awaits in turn.

#pragma once

#include <aio/task/task.hpp>
#include <aio/testing/cancel_sweep.hpp>
#include <aio/testing/run_virtual.hpp>

#include <utility>

namespace aio::testing {

/// Runs the coroutine of `make()` once for each turn it takes, cancelled there, and
/// calls `check(task)` when it has ended; what it left behind is cancelled after that.
/// A last run is not cancelled. Returns how many cancels there were.
///
///     int n = cancel_at_every_await(make, [](auto& t) { CHECK(t.cancelled()); });
///
/// A turn in which it waits for time counts, so every await that suspends is hit, and
/// so is the start. All that works in run_virtual() works here.
///
/// Throws: what comes out of the last run; deadlock_error – somebody does not end when
///         cancelled; usage_error – a loop runs in this thread
template <class Make, class Check>
requires coroutine_function<Make&>
int cancel_at_every_await(Make make, Check check, const virtual_options& options) {
  return detail::cancel_sweep([&] { return detail::virtual_run(options); }, make,
                              check);
}

/// The same, in the usual order.
template <class Make, class Check>
requires coroutine_function<Make&>
int cancel_at_every_await(Make make, Check check) {
  return cancel_at_every_await(std::move(make), std::move(check), virtual_options());
}

}  // namespace aio::testing
