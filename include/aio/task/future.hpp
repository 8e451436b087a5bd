// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// future<T>: a result that may not be there yet.

#pragma once

#include <aio/core/handle.hpp>
#include <aio/core/result.hpp>
#include <aio/coro/completion.hpp>
#include <aio/coro/suspension.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

namespace aio {

template <class T>
class future;

namespace detail {

template <class T>
class future_state : public completion {
 public:
  using completion::completion;

  void* place_of_result() noexcept override { return &value_; }

 private:
  outcome<T> value_;
};

template <>
class future_state<void> : public completion {
 public:
  using completion::completion;
};

/// Settles what yields a T; `value` is empty for void.
///
/// Throws: invalid_state_error – done already
template <class T, class... Value>
void set_value(completion& of, Value&&... value) {
  of.require_pending();
  outcome_of<T>(of).set_value(std::forward<Value>(value)...);
  of.settle_value();
}

/// Waits for the end of a future or task, and throws what it ended with.
class completion_awaiter : public suspension {
 public:
  explicit completion_awaiter(intrusive_ptr<completion> of) noexcept
      : of_(std::move(of)) {}
  [[gnu::always_inline]] ~completion_awaiter() {}  // = default would be a call

  bool await_ready() const noexcept { return of_->done(); }

  template <class Promise>
  [[gnu::always_inline]] void await_suspend(std::coroutine_handle<Promise> frame) {
    task_state& waiting = *frame.promise().task;
    if (&of_->loop() != &waiting.loop() || &waiting == of_.get()) [[unlikely]] {
      refuse(waiting);
    }
    of_->add_waiter(*this);
    park(frame.promise());
  }

  [[gnu::always_inline]] void await_resume() {
    of_->mark_retrieved();  // also by one that is cancelled meanwhile
    if (is_called_off() && !has_own_cancel()) [[unlikely]]
      throw_if_cancelled();
    of_->rethrow();
  }

 protected:
  completion& of() const noexcept { return *of_; }

 private:
  [[noreturn, gnu::noinline]] void refuse(const task_state& waiting) const {
    if (&of_->loop() != &waiting.loop()) {
      throw usage_error("the future is attached to a different loop");
    }
    throw usage_error("a task cannot await itself");
  }

  // Then its message is the one to be thrown.
  [[gnu::noinline]] bool has_own_cancel() const {
    return of_->cancelled() ||
           (of_->failed() && holds<cancelled_error>(of_->outcome_error()));
  }

  bool cancel() noexcept final {
    if (of_->done()) return false;
    task_state& waiting = task();
    if (waiting.is_passing_cancel_on) {  // what is awaited awaits us, round about
      call_off();
      return true;
    }
    waiting.is_passing_cancel_on = true;
    const bool is_taken = of_->cancel(waiting.cancel_message());
    waiting.is_passing_cancel_on = false;
    return is_taken;
  }

  intrusive_ptr<completion> of_;
};

/// `Owned`: the future was an rvalue, so its value may be moved out.
template <class T, bool Owned>
class future_awaiter final : public completion_awaiter {
  using reference = std::conditional_t<
      std::is_void_v<T> || std::is_reference_v<T>, T,
      std::conditional_t<Owned, T, std::add_lvalue_reference_t<std::add_const_t<T>>>>;

 public:
  explicit future_awaiter(intrusive_ptr<completion> of) noexcept
      : completion_awaiter(std::move(of)) {}

  reference await_resume() {
    completion_awaiter::await_resume();
    if constexpr (std::is_void_v<T>) {
      return;
    } else if constexpr (Owned || std::is_reference_v<T>) {
      return take_value<T>(of());
    } else {
      return outcome_of<T>(of()).value();
    }
  }
};

/// Identifies a done callback.
class callback_id {
 public:
  callback_id() noexcept = default;

  /// Also one that is on its way already.
  void cancel() const noexcept {
    if (call_) call_->cancel();
  }

 private:
  template <class T>
  friend class aio::future;

  callback_id(intrusive_ptr<callback_base> call, const completion& of) noexcept
      : call_(std::move(call)), of_(&of) {}

  intrusive_ptr<callback_base> call_;
  const completion* of_ = nullptr;
};

}  // namespace detail

/// A result that may not be there yet: a handle, cheap to copy, to one shared state.
///
///     aio::future<int> f = loop.create_future<int>();
///     loop.call_later(1s, [f] { f.set_result(42); });
///     int n = co_await f;
///
/// It may be awaited any number of times; awaiting a done one does not suspend. On an
/// lvalue the await yields `const T&`, on an rvalue the value itself (moved out if
/// nobody else holds the future).
///
/// Cancellation: of a task that waits for it: the future is cancelled.
/// Throws:       at the await: what was set; cancelled_error; usage_error – of
///               another loop, or a task that awaits itself
/// Threads:      its loop's only
/// Like:         asyncio.Future
template <class T = void>
class future {
 public:
  using value_type = T;
  /// Identifies a callback for remove_done_callback().
  using callback_id = detail::callback_id;

  future() noexcept = default;
  explicit future(detail::intrusive_ptr<detail::completion> state) noexcept
      : state_(std::move(state)) {}

  /// Whether it refers to a result at all: false if default-made or moved from.
  explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  friend bool operator==(const future&, const future&) = default;

  bool done() const { return state().done(); }
  bool cancelled() const { return state().cancelled(); }

  /// The value.
  ///
  /// Throws: the exception that was set; cancelled_error; invalid_state_error – not
  ///         done
  decltype(auto) result() const {
    state().rethrow();
    if constexpr (!std::is_void_v<T>) {
      using stored = std::remove_reference_t<T>;
      if constexpr (std::is_reference_v<T>) {
        return static_cast<T>(*detail::outcome_of<T>(state()).value());
      } else {
        return static_cast<const stored&>(detail::outcome_of<T>(state()).value());
      }
    }
  }

  /// The exception, or null.
  ///
  /// Throws: cancelled_error; invalid_state_error – not done
  std::exception_ptr exception() const {
    state().require_done();
    if (cancelled()) state().rethrow();
    return state().outcome_error();
  }

  /// Sets the value; those who wait run on the next turn, never from here.
  ///
  /// Throws: invalid_state_error – done already
  template <class... Args>
  requires(sizeof...(Args) ==
           (std::is_void_v<T> ? 0 : 1)) void set_result(Args&&... value) const {
    state().loop().check_thread();
    detail::set_value<T>(state(), std::forward<Args>(value)...);
  }

  /// Throws: invalid_state_error – done already; usage_error – a cancelled_error
  void set_exception(std::exception_ptr error) const {
    state().loop().check_thread();
    if (!error || detail::holds<cancelled_error>(error)) {
      throw usage_error("set_exception: use cancel() to cancel a future");
    }
    state().set_error(std::move(error));
  }
  template <class E>
  requires(!std::same_as<std::remove_cvref_t<E>,
                         std::exception_ptr>) void set_exception(E&& error) const {
    set_exception(std::make_exception_ptr(std::forward<E>(error)));
  }

  /// Cancels it; those who wait get a cancelled_error with `message`. False if done.
  bool cancel(std::string_view message = {}) const { return state().cancel(message); }

  /// Calls `callback(f)` on the turn after the end, behind those who came before.
  callback_id add_done_callback(std::invocable<const future&> auto callback,
                                const callback_options& options = {}) const {
    return add_callback<future>(state(), std::move(callback), options);
  }

  /// Returns how many were removed: 1, or 0 if it has run, is on its way or is of
  /// another future.
  std::size_t remove_done_callback(const callback_id& id) const {
    if (id.of_ != &state() || done() || id.call_->is_cancelled()) return 0;
    id.call_->cancel();
    return 1;
  }

  auto operator co_await() const& {
    return detail::future_awaiter<T, false>(required());
  }
  auto operator co_await() && {
    required();
    return detail::future_awaiter<T, true>(std::move(state_));
  }

  /// For the machinery.
  const detail::intrusive_ptr<detail::completion>& required() const {
    if (!state_) throw usage_error("an empty future or task: it was moved from");
    return state_;
  }

 protected:
  detail::completion& state() const { return *required(); }

  template <class Self, class State, class F>
  static callback_id add_callback(State& of, F callback,
                                  const callback_options& options) {
    auto call = [&of, f = std::move(callback)]() mutable {
      const Self self{detail::intrusive_ptr<State>(&of)};
      std::invoke(f, self);
    };
    detail::intrusive_ptr<detail::callback_base> made(
        new detail::callback<decltype(call)>(std::move(call), of.loop()));
    made->set_context(options.context);
    made->add_ref();
    of.on_done(*made);
    return callback_id(std::move(made), of);
  }

 private:
  detail::intrusive_ptr<detail::completion> state_;
};

namespace detail {

template <class T>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<future<T>> = true;

template <class T>
future<T> make_future(loop_core& loop) {
  return future<T>(intrusive_ptr<completion>(new future_state<T>(loop)));
}

}  // namespace detail
}  // namespace aio
