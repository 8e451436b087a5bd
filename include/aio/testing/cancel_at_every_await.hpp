// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The sweep: cancel a coroutine at each of its awaits in turn.

#pragma once

#include <aio/task/run_until_complete.hpp>
#include <aio/task/task.hpp>
#include <aio/testing/virtual_loop.hpp>

namespace aio::testing {

/// Runs the coroutine of `make()` once for each turn it takes, cancelled there, and
/// calls `check(task)` when it has ended; what it left behind is cancelled after that.
/// A last run is not cancelled. Returns how many cancels there were.
///
///     int n = cancel_at_every_await(make, [](auto& t) { CHECK(t.cancelled()); });
///
/// A turn in which it waits for time counts, so every await that suspends is hit.
///
/// Throws: what comes out of the last run
template <class Make, class Check>
int cancel_at_every_await(Make make, Check check) {
  for (int turns = 0;; ++turns) {
    virtual_loop loop;
    auto body = make();
    task tested(detail::start_task(loop.core(), body));
    for (int i = 0; i < turns && !tested.done(); ++i) loop.turn();
    const bool was_last = tested.done();
    if (!was_last) {
      tested.cancel();
      while (!tested.done()) loop.turn();
      check(tested);
    }
    detail::cancel_all_tasks(loop.core());
    if (was_last) {
      static_cast<void>(tested.result());
      return turns;
    }
  }
}

}  // namespace aio::testing
