// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The sweep behind cancel_at_every_await(), in any world.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/task/task.hpp>

namespace aio::detail {

/// Runs the coroutine of `make()` once for each turn it takes, cancelled there, and
/// calls `check(task)` when it has ended. A last run is not cancelled. Returns how many
/// cancels there were.
///
/// `make_world()` makes the world of one run: it has `core()`, and `end()`, which
/// cancels what the run has left behind.
///
/// Throws: what comes out of the last run
template <class MakeWorld, class Make, class Check>
int cancel_sweep(MakeWorld make_world, Make& make, Check& check) {
  for (int turns = 0;; ++turns) {
    auto world = make_world();
    loop_core& core = world.core();
    auto body = make();
    task tested(start_task(core, body, {.name = "main"}));
    for (int i = 0; i < turns && !tested.done(); ++i) core.run_turn();
    const bool was_last = tested.done();
    if (was_last) {
      static_cast<void>(tested.result());
    } else {
      tested.cancel();
      while (!tested.done()) core.run_turn();
      check(tested);
    }
    world.end();
    if (was_last) return turns;
  }
}

}  // namespace aio::detail
