// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// lock: one task at a time, across awaits.

#pragma once

#include <aio/core/error.hpp>
#include <aio/sync/detail/acquire.hpp>
#include <aio/sync/detail/line.hpp>
#include <aio/sync/detail/tie.hpp>

#include <exception>

namespace aio {

class barrier;
class condition;

/// Lets one task at a time through, across its awaits. (Between two awaits a task is
/// alone anyway and needs no lock.)
///
/// Fair: whoever waits gets it in the order they came, and a task that releases it and
/// asks again stands behind them. Not owned: any task may release it, and a task that
/// holds it and asks again waits for ever.
///
///     auto guard = co_await lock.scoped();
///     co_await send(a);
///     co_await send(b);   // nobody came in between
///
/// Lifetime: must outlive its waiters; if it does not, they get a usage_error.
/// Like:     asyncio.Lock
class lock {
 public:
  /// Releases the lock when it goes.
  using guard = detail::hold<lock>;

  lock() noexcept = default;
  lock(const lock&) = delete;
  lock& operator=(const lock&) = delete;

  /// Waits until the lock is free, and takes it. If it is free and nobody waits, the
  /// task does not suspend.
  ///
  /// Cancellation: leaves the line without the lock; if it was its turn, the next one
  ///               is woken.
  /// Throws:       cancelled_error; usage_error – another loop, or destroyed meanwhile
  /// Complexity:   O(1), no allocation
  detail::acquire_operation<lock, false> acquire() noexcept {
    return detail::acquire_operation<lock, false>(*this);
  }

  /// As acquire(), and yields a guard that releases the lock when it goes.
  ///
  /// Cancellation: see acquire
  detail::acquire_operation<lock, true> scoped() noexcept {
    return detail::acquire_operation<lock, true>(*this);
  }

  /// Frees the lock and wakes the first waiter, which takes it when it runs.
  ///
  /// Throws: usage_error – it is free
  [[gnu::always_inline]] void release() {
    if (!locked_) [[unlikely]]
      throw_not_held();
    give_back();
  }

  bool locked() const noexcept { return locked_; }

  /// For aio::with: `co_await aio::with(lock, block)`.
  ///
  /// Cancellation: see acquire
  auto enter() noexcept { return acquire(); }
  /// Cancellation: none: it does not wait
  detail::no_wait exit(const std::exception_ptr&) {
    release();
    return {};
  }

 private:
  friend class barrier;
  friend class condition;
  friend guard;
  template <class Of, bool Scoped>
  friend class detail::acquire_operation;

  explicit lock(const char* name) noexcept : line_(name) {}

  bool try_acquire() noexcept {
    if (locked_ || line_.has_live()) return false;
    return locked_ = true;
  }

  void take_turn(bool, bool is_called_off) noexcept {
    if (!is_called_off) {
      locked_ = true;
    } else if (!locked_) {
      line_.wake_head();
    }
  }

  [[noreturn, gnu::noinline]] static void throw_not_held() {
    throw usage_error(
        "release() of a lock that is not held: acquire it first, and release it once");
  }

  [[gnu::always_inline]] void give_back() noexcept {
    if (!locked_) return;
    locked_ = false;
    line_.wake_head();
  }

  detail::line line_{"lock"};
  detail::ties ties_;
  bool locked_ = false;
};

}  // namespace aio
