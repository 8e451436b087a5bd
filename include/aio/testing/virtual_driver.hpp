// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A world in which waiting costs nothing.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/driver.hpp>
#include <aio/core/loop.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/coro/task_state.hpp>
#include <aio/debug/format_tasks.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>

namespace aio {
namespace detail {

/// A wait that can say in words what it waits for: "for <what>".
class explained_wait {
 public:
  virtual std::string explain() const = 0;

 protected:
  ~explained_wait() = default;
};

/// The awaits of one task, and why it waits if that is known.
inline std::string describe_task(const task_state& task) {
  std::string text = format_task(task);
  if (const auto* wait = dynamic_cast<const explained_wait*>(task.parked())) {
    text += "    for " + wait->explain() + '\n';
  }
  return text;
}

inline std::string describe_tasks(loop_core& loop) {
  std::string text;
  loop.tasks().for_each(
      [&](task_node& one) { text += describe_task(static_cast<task_state&>(one)); });
  return text;
}

}  // namespace detail

namespace testing {

/// Everybody waits and nothing will ever happen. The text names every task, what it
/// awaits and where: file and line of each `co_await` from the innermost outwards.
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

  /// Time does not go beyond `end`: a task that wakes up again and again would keep
  /// those who wait in vain from being found.
  void set_end(time_point end) noexcept { end_ = end; }

  /// Throws: deadlock_error – no deadline, and no thread that will report back; the
  /// next
  ///         deadline is beyond the end
  void wait_until(time_point deadline) override {
    std::unique_lock lock(mutex_);
    if (loop_ != nullptr && loop_->foreign_operations > 0) {
      woken_up_.wait(lock, [this] { return woken_; });
    } else if (!woken_) {
      if (deadline == detail::never) {
        throw_deadlock("deadlock: every task waits and nothing will happen");
      }
      if (deadline > end_) {
        throw_deadlock("no end in sight after " + seconds_of(end_) +
                       " s of virtual time");
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
  [[noreturn]] void throw_deadlock(const std::string& why) const {
    throw deadlock_error(why + '\n' +
                         (loop_ == nullptr ? "" : detail::describe_tasks(*loop_)));
  }

  static std::string seconds_of(time_point t) {
    std::ostringstream text;
    text << std::chrono::duration<double>(t.time_since_epoch()).count();
    return text.str();
  }

  detail::loop_core* loop_ = nullptr;
  time_point now_{};
  time_point end_ = detail::never;
  std::mutex mutex_;
  std::condition_variable woken_up_;
  bool woken_ = false;
};

}  // namespace testing
}  // namespace aio
