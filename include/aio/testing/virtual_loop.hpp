// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A loop on virtual time, without sockets.

#pragma once

#include <aio/task/run_until_complete.hpp>
#include <aio/task/task.hpp>
#include <aio/testing/virtual_driver.hpp>

#include <utility>

namespace aio::testing {

/// Runs coroutines on virtual time: `sleep(1h)` costs nothing, and time is exact.
///
///     aio::testing::virtual_loop loop;
///     loop.run(retries_three_times());
///     assert(loop.now() == 7s);
class virtual_loop {
 public:
  virtual_loop() : core_(new detail::loop_core(driver_)) { driver_.attach(*core_); }
  virtual_loop(const virtual_loop&) = delete;
  virtual_loop& operator=(const virtual_loop&) = delete;
  ~virtual_loop() { core_->close(); }

  /// Runs `main` to its end, then cancels what it left behind.
  ///
  /// Throws: what `main` throws; deadlock_error – nothing will ever happen
  template <class T>
  T run(coro<T> main) {
    const detail::scope_exit end([this] { cancel_rest(); });
    return detail::run_until_complete(*core_, main);
  }

  /// Runs one turn; waits if nothing is ready.
  void turn() { core_->run_turn(); }

  /// Time since the start.
  duration now() { return core_->time().time_since_epoch(); }

  detail::loop_core& core() noexcept { return *core_; }

 private:
  void cancel_rest() noexcept {
    try {
      detail::cancel_all_tasks(*core_);
    } catch (...) {
      core_->call_exception_handler({"tasks were left that do not end when cancelled",
                                     std::current_exception(),
                                     {}});
    }
  }

  virtual_driver driver_;
  detail::intrusive_ptr<detail::loop_core> core_;
};

}  // namespace aio::testing
