// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// barrier: tasks that go on together.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/sync/condition.hpp>
#include <aio/sync/detail/acquire.hpp>
#include <aio/sync/detail/tie.hpp>

#include <cstddef>
#include <exception>
#include <stdexcept>

namespace aio {

/// Holds tasks up until so many have come, then lets them all go on; again and again.
///
///     aio::barrier start(3);
///     const std::size_t index = co_await start.wait();
///     if (index == 0) announce();   // one of the three
///
/// Who comes while the tasks of the last round are still leaving waits until they have.
///
/// Lifetime: must outlive its waiters; if it does not, they get a usage_error.
/// Like:     asyncio.Barrier
class barrier {
 public:
  /// Throws: std::invalid_argument – less than one
  explicit barrier(std::ptrdiff_t parties) {
    if (parties < 1) throw std::invalid_argument("a barrier needs at least one party");
    parties_ = static_cast<std::size_t>(parties);
  }
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  /// Waits until parties() tasks wait, itself among them, and yields which of them it
  /// is: 0 for the first, parties() - 1 for the last, which does not suspend.
  ///
  /// Cancellation: steps back, so that one more must come; the barrier is not broken.
  /// Throws:       broken_barrier_error – abort(), or reset() meanwhile;
  /// cancelled_error;
  ///               usage_error – another loop, or destroyed meanwhile
  /// Complexity:   up to three frames
  inline coro<std::size_t> wait();

  /// Makes it as new: tasks that wait get a broken_barrier_error.
  ///
  /// Cancellation: if it still waits for its turn, nothing is reset.
  inline coro<> reset();

  /// Breaks it: those who wait and those who come get a broken_barrier_error, until
  /// reset().
  ///
  /// Cancellation: if it still waits for its turn, nothing is broken.
  inline coro<> abort();

  std::size_t parties() const noexcept { return parties_; }

  /// How many wait for the rest to come.
  std::size_t n_waiting() const noexcept {
    return state_ == state::filling ? count_ : 0;
  }

  bool broken() const noexcept { return state_ == state::broken; }

  /// For aio::with: the block gets the index. Cancellation: see wait
  coro<std::size_t> enter() { return wait(); }
  /// For aio::with. Cancellation: none: it does not wait
  detail::no_wait exit(const std::exception_ptr&) const noexcept { return {}; }

 private:
  enum class state : unsigned char { filling, draining, resetting, broken };

  bool admits() const noexcept {
    return state_ == state::filling || state_ == state::broken;
  }

  // The last to leave makes room for the next round.
  void leave() noexcept {
    if (--count_ > 0) return;
    if (!admits()) state_ = state::filling;
    changed_.wake(condition::everyone);
  }

  condition changed_{"barrier"};
  detail::ties ties_;
  std::size_t parties_ = 0;
  std::size_t count_ = 0;  ///< tasks in this round, waiting or leaving
  state state_ = state::filling;
};

inline coro<std::size_t> barrier::wait() {
  const detail::tie self(ties_);
  const auto guard = co_await changed_.scoped();
  co_await changed_.wait_for([this] { return admits(); });
  if (broken()) throw broken_barrier_error("the barrier was aborted");

  const std::size_t index = count_++;
  const detail::scope_exit end([this, &self] {
    if (self) leave();
  });
  if (count_ == parties_) {
    state_ = state::draining;
    changed_.notify_all();
    co_return index;
  }
  co_await changed_.wait_for([this] { return state_ != state::filling; });
  if (state_ != state::draining) {
    throw broken_barrier_error("the barrier was aborted or reset");
  }
  co_return index;
}

inline coro<> barrier::reset() {
  const auto guard = co_await changed_.scoped();
  state_ = count_ > 0 ? state::resetting : state::filling;
  changed_.notify_all();
}

inline coro<> barrier::abort() {
  const auto guard = co_await changed_.scoped();
  state_ = state::broken;
  changed_.notify_all();
}

}  // namespace aio
