// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The loop's world: the time, and waiting for something to happen.

#pragma once

#include <aio/core/clock.hpp>

namespace aio::detail {

/// Production: Asio (io/asio_driver.hpp). Tests: virtual time (testing/).
class driver {
 public:
  driver() = default;
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  virtual time_point now() noexcept = 0;

  /// Delivers what has happened to us, without waiting and within a bounded time.
  virtual void poll() = 0;

  /// Waits until something has happened, `deadline` has come or wake() was called,
  /// and delivers it. May return early.
  virtual void wait_until(time_point deadline) = 0;

  /// Ends a wait_until() soon. The only member that other threads may call.
  virtual void wake() noexcept = 0;

  /// Somebody else drives the world, and the loop has work for `when`: arrange for
  /// one call of loop_core::run_as_guest() then. A later call replaces this one;
  /// `never` takes it back.
  virtual void request_turn(time_point when) = 0;

  /// Whether tasks are alive: a guest loop keeps its host waiting while they are.
  virtual void set_busy(bool) {}

 protected:
  ~driver() = default;
};

}  // namespace aio::detail
