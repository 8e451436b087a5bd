// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// event: a flag that tasks can wait for.

#pragma once

#include <aio/sync/detail/line.hpp>

namespace aio {

template <class T, class Store>
class basic_queue;

/// A flag that tasks can wait for.
///
/// set() raises it and wakes every waiter in the order they came; clear() lowers it. A
/// task that waits while the flag is up does not suspend, so it makes no difference
/// whether set() or wait() comes first.
///
///     aio::event ready;
///     co_await ready.wait();   // elsewhere: ready.set();
///
/// Lifetime: must outlive its waiters; if it does not, they get a usage_error.
/// Threads:  one loop only; from another thread use call_soon_threadsafe().
/// Like:     asyncio.Event
class event {
 public:
  event() noexcept = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  bool is_set() const noexcept { return line_.is_over(); }

  /// Raises the flag and wakes all waiters; does nothing if it is up.
  ///
  /// Complexity: O(waiters). They run on the next turn of the loop, not here.
  void set() noexcept {
    if (is_set()) return;
    line_.set_over(true);
    line_.wake_all();
  }

  /// Lowers the flag. Waiters that were woken already still return.
  void clear() noexcept { line_.set_over(false); }

  /// Waits until the flag is up.
  ///
  /// Cancellation: leaves the line; the others keep their places.
  /// Throws:       cancelled_error; usage_error – another loop, or destroyed meanwhile
  /// Complexity:   O(1), no allocation
  detail::line_operation wait() noexcept { return detail::line_operation(line_); }

 private:
  template <class T, class Store>
  friend class basic_queue;
  explicit event(const char* name) noexcept : line_(name) {}

  detail::line line_{"event"};
};

}  // namespace aio
