// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// semaphore: so many tasks at a time.

#pragma once

#include <aio/sync/detail/acquire.hpp>
#include <aio/sync/detail/line.hpp>
#include <aio/sync/detail/tie.hpp>

#include <cstddef>
#include <exception>
#include <limits>
#include <stdexcept>

namespace aio {

/// Lets so many tasks at a time through: a number of permits, of which acquire() takes
/// one and release() adds one. Fair, as lock is.
///
///     aio::semaphore limit(10);
///     auto permit = co_await limit.scoped();
///     co_await fetch(url);
///
/// release() may be called more often than acquire(); bounded_semaphore refuses that.
///
/// Lifetime: must outlive its waiters; if it does not, they get a usage_error.
/// Like:     asyncio.Semaphore
class semaphore {
 public:
  /// Gives the permit back when it goes.
  using guard = detail::hold<semaphore>;

  /// Throws: std::invalid_argument – negative
  explicit semaphore(std::ptrdiff_t value = 1) : semaphore(value, no_bound) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  /// Waits for a permit, and takes it. If one is free and nobody waits, the task does
  /// not suspend.
  ///
  /// Cancellation: leaves the line without a permit; one that was meant for it goes to
  ///               the next.
  /// Throws:       cancelled_error; usage_error – another loop, or destroyed meanwhile
  /// Complexity:   O(1), no allocation
  detail::acquire_operation<semaphore, false> acquire() noexcept {
    return detail::acquire_operation<semaphore, false>(*this);
  }

  /// As acquire(), and yields a guard that gives the permit back when it goes.
  ///
  /// Cancellation: see acquire
  detail::acquire_operation<semaphore, true> scoped() noexcept {
    return detail::acquire_operation<semaphore, true>(*this);
  }

  /// Adds a permit; the first waiter gets it when it runs.
  ///
  /// Throws: std::invalid_argument – of a bounded_semaphore: more than it began with
  void release() {
    if (value_ >= bound_) {
      throw std::invalid_argument(
          "release() of a bounded_semaphore more often than acquire()");
    }
    give_back();
  }

  /// Whether acquire() would wait: no permit is free, or those who came before have
  /// not all run yet.
  bool locked() const noexcept { return value_ == 0 || line_.has_live(); }

  /// For aio::with: `co_await aio::with(limit, block)`.
  ///
  /// Cancellation: see acquire
  auto enter() noexcept { return acquire(); }
  /// Cancellation: none: it does not wait
  detail::no_wait exit(const std::exception_ptr&) {
    release();
    return {};
  }

 protected:
  static constexpr std::ptrdiff_t no_bound = std::numeric_limits<std::ptrdiff_t>::max();

  semaphore(std::ptrdiff_t value, std::ptrdiff_t bound) : value_(value), bound_(bound) {
    if (value < 0) throw std::invalid_argument("a semaphore cannot begin below zero");
  }

 private:
  friend guard;
  template <class Of, bool Scoped>
  friend class detail::acquire_operation;

  bool try_acquire() noexcept {
    if (locked()) return false;
    --value_;
    return true;
  }

  // The permit of one that is woken is taken out when it is woken.
  void take_turn(bool is_woken, bool is_called_off) noexcept {
    if (is_woken && is_called_off) ++value_;
    // Others may have had to wait only because this one was before them.
    while (value_ > 0 && line_.wake_next()) --value_;
  }

  void give_back() noexcept {
    if (value_ < bound_ && !line_.wake_next()) ++value_;
  }

  detail::line line_{"semaphore"};
  detail::ties ties_;
  std::ptrdiff_t value_;
  std::ptrdiff_t bound_;
};

/// A semaphore that never has more permits than it began with.
///
/// Like: asyncio.BoundedSemaphore
class bounded_semaphore : public semaphore {
 public:
  /// Throws: std::invalid_argument – negative
  explicit bounded_semaphore(std::ptrdiff_t value = 1) : semaphore(value, value) {}
};

}  // namespace aio
