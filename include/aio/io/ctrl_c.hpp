// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Ctrl-C while a main task runs.

#pragma once

#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/signal_station.hpp>

#include <utility>

namespace aio::detail {

/// While it lives the first SIGINT calls `on_interrupt` on the loop, and a second one
/// ends the process as if nothing had been installed, even if the loop hangs. A SIGINT
/// that somebody wants, such as wait_signal(), goes there instead.
///
/// Installed only where the default action stood and no other guard does: a handler of
/// the program stays. Afterwards the default action is back, unless somebody else
/// installed a handler meanwhile.
class ctrl_c_guard {
 public:
  ctrl_c_guard(event_loop& loop, move_only_function<void()> on_interrupt)
      : on_interrupt_(std::move(on_interrupt)),
        station_(loop.asio(), [this](int) { on_interrupt_(); }) {
    station_.guard_interrupt();
  }
  ctrl_c_guard(const ctrl_c_guard&) = delete;
  ctrl_c_guard& operator=(const ctrl_c_guard&) = delete;

 private:
  move_only_function<void()> on_interrupt_;
  signal_station station_;
};

}  // namespace aio::detail
