// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A time limit around a block, or around one await.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/task/end_of.hpp>
#include <aio/task/task.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace aio {

/// The time limit of a block; what timeout() hands to its body. It can be made before
/// the block and asked after it:
///
///     aio::timeout_scope limit = aio::timeout(1s);
///     co_await aio::with(limit, [&](aio::timeout_scope&) -> aio::coro<> { ... });
///     if (limit.expired()) ...
///
/// Like: asyncio.Timeout
class timeout_scope {
 public:
  /// Not entered yet.
  ///
  /// Throws: usage_error – no running loop
  explicit timeout_scope(std::optional<time_point> when)
      : loop_(detail::loop_core::require_running()), when_(when) {}
  /// Only before the block is entered.
  timeout_scope(timeout_scope&& other) noexcept
      : timeout_scope(other.loop_, other.when_) {
    AIO_ASSERT(other.state_ == state::created);
  }
  timeout_scope(const timeout_scope&) = delete;
  timeout_scope& operator=(const timeout_scope&) = delete;
  ~timeout_scope() { leave(); }

  // As a resource of aio::with.

  /// Cancellation: does not wait, so nothing is stopped.
  /// Throws:       usage_error – entered already, or outside a task
  coro<timeout_scope&> enter() {
    begin();
    co_return *this;
  }

  /// Cancellation: does not wait, so nothing is stopped.
  /// Throws:       timeout_error, in place of the cancel that the limit caused
  coro<> exit(std::exception_ptr error) {
    if (leave() && detail::holds<cancelled_error>(error)) throw timeout_error();
    co_return;
  }

  /// When it is over; none if never.
  std::optional<time_point> when() const noexcept { return when_; }

  /// Whether the limit was reached.
  bool expired() const noexcept {
    return state_ == state::expiring || state_ == state::expired;
  }

  /// Moves the limit, or takes it away. One that is over fires on the next turn.
  ///
  /// Throws: usage_error – not entered, the limit was reached, or the block was left
  void reschedule(std::optional<time_point> when) {
    if (state_ == state::created) throw usage_error("the timeout has not been entered");
    if (state_ != state::active) {
      throw usage_error("the timeout cannot be rescheduled: it has expired or ended");
    }
    disarm();
    when_ = when;
    if (!when) return;
    if (*when <= loop_.time()) {
      loop_.push(expiry_);
    } else {
      loop_.arm(timer_, *when);
    }
  }

  /// Begins the block; for the machinery.
  void begin() {
    if (state_ != state::created) {
      throw usage_error("the timeout has already been entered");
    }
    task_ = entering_task(loop_);
    requests_at_entry_ = task_.core().cancel_requests;
    state_ = state::active;
    reschedule(when_);
  }

  /// Ends the block; for the machinery. True if a cancelled_error that leaves it is
  /// ours alone, and so is to become a timeout_error.
  bool leave() noexcept {
    disarm();
    if (state_ == state::active) state_ = state::exited;
    if (state_ != state::expiring) return false;
    state_ = state::expired;
    return task_.uncancel() <= requests_at_entry_;
  }

 private:
  timeout_scope(detail::loop_core& loop, std::optional<time_point> when) noexcept
      : loop_(loop), when_(when) {}

  enum class state : unsigned char { created, active, expiring, expired, exited };

  struct expiry final : detail::ready_node {
    explicit expiry(timeout_scope& of) noexcept : scope(of) {}
    void run() override {
      scope.task_.cancel();
      scope.state_ = state::expiring;
    }
    timeout_scope& scope;
  };

  static any_task entering_task(const detail::loop_core& loop) {
    if (loop.current_task == nullptr) {
      throw usage_error("a timeout must be entered inside a task");
    }
    return any_task(*loop.current_task);
  }

  void disarm() noexcept {
    expiry_.unlink();
    loop_.disarm(timer_);
  }

  detail::loop_core& loop_;
  any_task task_;
  std::uint32_t requests_at_entry_ = 0;
  state state_ = state::created;
  std::optional<time_point> when_;
  expiry expiry_{*this};
  detail::timer timer_{expiry_};
};

namespace detail {

template <class F>
decltype(auto) call_with_scope(F& body, timeout_scope& scope) {
  if constexpr (std::invocable<F&, timeout_scope&>) {
    return std::invoke(body, scope);
  } else {
    return std::invoke(body);
  }
}

template <class F>
using timeout_body =
    decltype(call_with_scope(std::declval<F&>(), std::declval<timeout_scope&>()));

template <class F, class T = await_result_t<timeout_body<F>>>
coro<T> run_with_limit(time_limit limit, std::optional<time_point> when, F body) {
  if (limit.has_value()) when = limit.after(loop_core::require_running().time());
  timeout_scope scope(when);
  scope.begin();
  try {
    co_return co_await call_with_scope(body, scope);
  } catch (const cancelled_error&) {
    if (!scope.leave()) throw;
  }
  throw timeout_error();
}

}  // namespace detail

/// Runs a block, and stops it when the limit is over.
///
///     co_await aio::timeout(1s, [&]() -> aio::coro<> { co_await work(); });
///     co_await aio::timeout(1s, [&](aio::timeout_scope& scope) -> aio::coro<> {
///       scope.reschedule(loop.time() + 5s);
///       co_await work();
///     });
///
/// When the limit is over the task is cancelled inside the block; only that cancel
/// becomes a timeout_error at the end of the block. A block that has ended, or catches
/// the cancel and returns, is no timeout. Blocks nest.
///
/// Takes:        the limit, or aio::no_limit; a callable that returns an awaitable
/// Returns:      what the block yields
/// Cancellation: from outside it passes through the block as cancelled_error.
/// Throws:       timeout_error; what the block throws
/// Complexity:   O(log timers), one frame
/// Like:         asyncio.timeout
template <class F>
auto timeout(time_limit limit, F&& body) {
  return detail::run_with_limit(limit, std::nullopt,
                                std::decay_t<F>(std::forward<F>(body)));
}

/// As timeout, until a point of the loop's time (none: no limit).
///
/// Cancellation: see timeout
template <class F>
auto timeout_at(std::optional<time_point> when, F&& body) {
  return detail::run_with_limit(no_limit, when, std::decay_t<F>(std::forward<F>(body)));
}

/// A limit for aio::with; it counts from here. See timeout_scope.
///
/// Throws: usage_error – no running loop
inline timeout_scope timeout(time_limit limit) {
  return timeout_scope(limit.after(detail::loop_core::require_running().time()));
}
inline timeout_scope timeout_at(std::optional<time_point> when) {
  return timeout_scope(when);
}

namespace detail {

/// wait_for() with a limit that is over before it starts.
template <class T>
coro<T> cancel_and_take(future<T> running) {
  completion& of = *running.required();
  if (!of.done()) {
    future<void> ended = make_future<void>(of.loop());
    running.add_done_callback([ended](const future<T>&) {
      if (!ended.done()) ended.set_result();
    });
    of.cancel({});
    co_await ended;  // not `running`: a cancel meanwhile must not pass as its end
    if (of.cancelled()) throw timeout_error();
  }
  co_return co_await std::move(running);
}

template <class A, class T = await_result_t<A>>
coro<T> await_with_limit(A awaitable, time_limit limit) {
  if (limit.has_value() && limit.value() <= duration::zero()) {
    co_return co_await cancel_and_take(
        future(aio::ensure_future(std::move(awaitable))));
  }
  timeout_scope scope(limit.after(loop_core::require_running().time()));
  scope.begin();
  try {
    co_return co_await std::move(awaitable);
  } catch (const cancelled_error&) {
    if (!scope.leave()) throw;
  }
  throw timeout_error();
}

}  // namespace detail

/// Awaits one thing, for no longer than `limit`.
///
///     T x = co_await aio::wait_for(f(), 2s);
///
/// A limit of zero or less yields what is done already; a coroutine is then not
/// started. What is stopped is waited for, so it may take longer than the limit; if it
/// yields a value in spite of the cancel, that is the result.
///
/// Cancellation: passes on to what is awaited; shield() protects it.
/// Throws:       timeout_error; what is awaited throws; cancelled_error
/// Like:         asyncio.wait_for
template <awaitable A>
auto wait_for(A&& awaitable, time_limit limit) {
  return detail::await_with_limit<std::decay_t<A>>(std::forward<A>(awaitable), limit);
}

}  // namespace aio
