// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Waits for time to pass, or for one turn.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/timer_heap.hpp>
#include <aio/coro/coro.hpp>
#include <aio/coro/suspension.hpp>

#include <chrono>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace aio {
namespace detail {

template <class Result = void>
class sleep_awaiter;

template <>
class sleep_awaiter<void> : public suspension {
 public:
  // Made where it stays, at the await: so the frame need not keep the delay as well.
  [[gnu::always_inline]] explicit sleep_awaiter(duration delay) {
    loop_core& loop = loop_core::require_running();
    if (delay <= duration::zero()) {
      loop.push(*this);
    } else {
      loop.arm(timer_, deadline_after(loop.time(), delay));
    }
  }
  [[gnu::always_inline]] ~sleep_awaiter() {
    if (timer_.is_armed()) task().loop().disarm(timer_);
  }

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  [[gnu::always_inline]] void await_suspend(
      std::coroutine_handle<Promise> frame) noexcept {
    park(frame.promise());
  }

  void await_resume() { throw_if_cancelled(); }

 private:
  bool cancel() noexcept override {
    if (!timer_.is_armed() && !timer_.has_fired()) return false;
    task().loop().disarm(timer_);
    timer_.forget();
    call_off();
    return true;
  }

  /// The task runs a turn after the timer, so that timers of one turn all run before.
  void run() override {
    if (!timer_.has_fired()) return resume_frame();
    timer_.forget();
    wake();
  }

  timer timer_{*this};
};

template <class Result>
class sleep_awaiter final : public sleep_awaiter<void> {
 public:
  sleep_awaiter(duration delay, Result result)
      : sleep_awaiter<void>(delay), result_(std::move(result)) {}

  Result await_resume() {
    throw_if_cancelled();
    return std::move(result_);
  }

 private:
  Result result_;
};

/// What sleep() returns: movable until it is awaited.
template <class Result = void>
class [[nodiscard]] sleep_operation {
 public:
  template <class... Value>
  explicit sleep_operation(duration delay, Value&&... value)
      : delay_(delay), value_(std::forward<Value>(value)...) {}

  [[gnu::always_inline]] auto operator co_await() && {
    if constexpr (std::is_void_v<Result>) {
      return sleep_awaiter<void>(delay_);
    } else {
      return sleep_awaiter<Result>(delay_, std::move(value_));
    }
  }

 private:
  duration delay_;
  [[no_unique_address]] std::conditional_t<std::is_void_v<Result>, std::monostate,
                                           Result>
      value_;
};

}  // namespace detail

/// Waits for `delay`. Zero or less gives way for exactly one turn.
///
/// Cancellation: the timer is disarmed at once.
/// Throws:       cancelled_error; std::invalid_argument – NaN (at the call)
/// Complexity:   O(log timers), no allocation
/// Like:         asyncio.sleep
template <class Rep, class Period>
auto sleep(std::chrono::duration<Rep, Period> delay) {
  return detail::sleep_operation<>(detail::to_duration(delay));
}

/// The same, yielding `value`.
///
/// Cancellation: see above
template <class Rep, class Period, class T>
auto sleep(std::chrono::duration<Rep, Period> delay, T&& value) {
  return detail::sleep_operation<std::decay_t<T>>(detail::to_duration(delay),
                                                  std::forward<T>(value));
}

/// Waits until the loop's time is `when`.
///
/// Cancellation, Throws, Complexity: see sleep
inline auto sleep_until(time_point when) {
  const time_point now = detail::loop_core::require_running().time();
  return detail::sleep_operation<>(when > now ? when - now : duration::zero());
}

}  // namespace aio
