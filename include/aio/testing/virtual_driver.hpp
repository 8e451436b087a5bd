// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A world in which waiting costs nothing.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/driver.hpp>
#include <aio/core/loop.hpp>
#include <aio/debug/format_tasks.hpp>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace aio::testing {

/// Everybody waits and nothing will ever happen.
class deadlock_error : public std::logic_error {
  using logic_error::logic_error;
};

/// Virtual time: when nothing is ready it jumps to the next deadline. While another
/// thread works for the loop it stands still. Starts at zero.
class virtual_driver final : public detail::driver {
 public:
  void attach(detail::loop_core& loop) noexcept { loop_ = &loop; }

  time_point now() noexcept override { return now_; }

  void poll() override {}

  /// Throws: deadlock_error – no deadline, and no thread that will report back
  void wait_until(time_point deadline) override {
    std::unique_lock lock(mutex_);
    if (loop_ != nullptr && loop_->foreign_operations > 0) {
      woken_up_.wait(lock, [this] { return woken_; });
    } else if (!woken_) {
      if (deadline == detail::never) {
        throw deadlock_error("deadlock: every task waits and nothing will happen\n" +
                             (loop_ == nullptr ? "" : detail::format_tasks(*loop_)));
      }
      now_ = deadline;
    }
    woken_ = false;
  }

  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    woken_up_.notify_one();
  }

  void request_turn(time_point) override {}

 private:
  detail::loop_core* loop_ = nullptr;
  time_point now_{};
  std::mutex mutex_;
  std::condition_variable woken_up_;
  bool woken_ = false;
};

}  // namespace aio::testing
