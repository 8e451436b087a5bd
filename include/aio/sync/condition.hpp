// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// condition: tasks that wait for a change of what a lock protects.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/sync/detail/acquire.hpp>
#include <aio/sync/detail/line.hpp>
#include <aio/sync/detail/tie.hpp>
#include <aio/sync/lock.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

namespace aio {

/// Waiting for a change of what a lock protects: wait() lets the lock go, waits for
/// notify() and has the lock again when it returns.
///
///     auto guard = co_await c.scoped();
///     co_await c.wait_for([&] { return !jobs.empty(); });
///
///     auto guard = co_await c.scoped();   // elsewhere
///     jobs.push_back(job);
///     c.notify();
///
/// What no await separates needs no lock: an event or a queue is simpler then.
///
/// Lifetime: must outlive its waiters; if it does not, they get a usage_error.
/// Like:     asyncio.Condition
class condition {
 public:
  using guard = lock::guard;

  /// Has a lock of its own.
  condition() noexcept : condition("condition") {}
  /// Shares `given`, which must outlive it.
  explicit condition(lock& given) noexcept : lock_(given) {}
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;

  /// Of the lock. Cancellation: see lock::acquire
  auto acquire() noexcept { return lock_.acquire(); }
  /// Of the lock. Cancellation: see lock::acquire
  auto scoped() noexcept { return lock_.scoped(); }
  /// Of the lock. Throws: usage_error – it is free
  void release() { lock_.release(); }
  bool locked() const noexcept { return lock_.locked(); }
  /// For aio::with. Cancellation: see lock::acquire
  auto enter() noexcept { return lock_.enter(); }
  /// For aio::with. Cancellation: none: it does not wait
  auto exit(const std::exception_ptr& error) { return lock_.exit(error); }

  /// Lets the lock go, waits to be notified, and takes the lock again. It may return
  /// without a notification, so ask again for what you wait for, or use wait_for().
  ///
  /// Cancellation: throws when it has the lock again, however long that takes; a further
  ///               request meanwhile replaces the first. A notification that it got is
  ///               passed on to another.
  /// Throws:       cancelled_error; usage_error – the lock is not held, another loop, or
  ///               destroyed meanwhile
  /// Complexity:   one frame
  inline coro<> wait();

  /// Waits until `predicate()` is true, and yields what it returned; called once at
  /// first, and then whenever notified.
  ///
  /// Cancellation: see wait
  template <std::invocable Predicate>
  coro<std::decay_t<std::invoke_result_t<Predicate&>>> wait_for(Predicate predicate) {
    for (;;) {
      auto found = std::invoke(predicate);
      if (found) co_return found;
      co_await wait();
    }
  }

  /// Wakes up to `n` that wait; they return when they have the lock, one by one.
  ///
  /// Throws: usage_error – the lock is not held
  void notify(std::size_t n = 1) {
    require_lock();
    wake(n);
  }

  /// Wakes all that wait.
  ///
  /// Throws: usage_error – the lock is not held
  void notify_all() { notify(everyone); }

 private:
  friend class barrier;
  static constexpr std::size_t everyone = std::numeric_limits<std::size_t>::max();

  explicit condition(const char* name) noexcept
      : own_(name), lock_(own_), line_(name) {}

  void require_lock() const {
    if (!locked()) {
      throw usage_error(
          "wait() or notify() of a condition without its lock: co_await acquire() or "
          "scoped() first");
    }
  }

  void wake(std::size_t n) noexcept {
    while (n > 0 && line_.wake_next()) --n;
  }

  lock own_;
  lock& lock_;
  detail::line line_{"condition"};
  detail::ties ties_;
};

inline coro<> condition::wait() {
  require_lock();
  line_.bind(detail::loop_core::require_running());
  const detail::tie self(ties_);
  lock& held = lock_;
  const detail::tie lock_exists(held.ties_);
  held.release();
  std::exception_ptr error;
  try {
    co_await detail::line_operation(line_);
  } catch (...) {
    error = std::current_exception();
  }
  // The caller is to find the lock as it left it, however it is left.
  bool has_lock = false;
  while (lock_exists && !has_lock) {
    try {
      co_await held.acquire();
      has_lock = true;
    } catch (...) {
      error = std::current_exception();
    }
  }
  if (!has_lock && !error) {
    throw usage_error("the condition and its lock were destroyed while a task waited");
  }
  if (!error) co_return;
  if (self) wake(1);  // it may have been our turn
  std::rethrow_exception(error);
}

}  // namespace aio
