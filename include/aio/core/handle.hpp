// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Callbacks given to the loop, and how to call them off.

#pragma once

#include <aio/core/context.hpp>
#include <aio/core/loop.hpp>
#include <aio/detail/frame_pool.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace aio {

/// A context to run in; none means a copy of the present one.
class context_ref {
 public:
  constexpr context_ref() noexcept = default;
  context_ref(const context& of) noexcept : of_(&of) {}

  explicit operator bool() const noexcept { return of_ != nullptr; }
  const context& operator*() const noexcept { return *of_; }

 private:
  const context* of_ = nullptr;
};

/// How a callback is called: `loop.call_soon({.context = c}, f)`.
struct callback_options {
  context_ref context = {};
};

namespace detail {

/// A callback on its way to run once. The list it stands in owns one reference.
class callback_base : public ref_counted, public ready_node, public pooled {
 public:
  explicit callback_base(loop_core& loop) noexcept
      : loop_(&loop), context_(context_cell::current()) {}

  /// Runs in `given` instead of a copy of the context it was made in.
  void set_context(const context_ref& given) {
    if (given) shared_context_ = (*given).cell();
  }

  bool is_cancelled() const noexcept { return cancelled_; }

  /// Gives up the callable at once; does nothing if it has run.
  void cancel() noexcept {
    if (cancelled_) return;
    cancelled_ = true;
    if (leave()) release();
  }

  void run() final {
    const intrusive_ptr<callback_base> keep(this);
    release();  // the list's
    const context_cell::entered scope(shared_context_ ? *shared_context_ : context_);
    try {
      call();
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      loop_->call_exception_handler(
          {"exception in a callback", std::current_exception(), {}});
    }
  }

  void discard() noexcept final {
    drop();
    release();
  }

 protected:
  virtual void call() = 0;
  virtual void drop() noexcept = 0;
  /// Leaves the queue. False if it was in none.
  virtual bool leave() noexcept {
    const bool queued = is_linked();
    unlink();
    drop();
    return queued;
  }

  intrusive_ptr<loop_core> loop_;

 private:
  context_cell context_;
  std::shared_ptr<context_cell> shared_context_;
  bool cancelled_ = false;
};

/// `Base` is callback_base or derived from it.
template <class F, class Base = callback_base>
class callback final : public Base {
 public:
  template <class G, class... Args>
  explicit callback(G&& f, Args&&... args)
      : Base(std::forward<Args>(args)...), f_(std::forward<G>(f)) {}

 private:
  void call() override {
    F f = *std::move(f_);
    f_.reset();
    std::invoke(f);
  }
  void drop() noexcept override { f_.reset(); }

  std::optional<F> f_;
};

class timed_callback : public callback_base {
 public:
  timed_callback(loop_core& loop, time_point when) : callback_base(loop), when_(when) {
    loop.arm(timer_, when);
  }

  time_point when() const noexcept { return when_; }

 private:
  bool leave() noexcept final {
    const bool armed = timer_.is_armed();
    loop_->disarm(timer_);
    return callback_base::leave() || armed;
  }

  timer timer_{*this};
  time_point when_;
};

/// A callback from another thread: no handle, so only the loop's thread counts. It runs
/// in a copy of that thread's context.
template <class F>
class posted_callback final : public ready_node {
 public:
  posted_callback(loop_core& loop, F f)
      : loop_(loop), context_(context_cell::current()), f_(std::move(f)) {}

  void run() override {
    const std::unique_ptr<posted_callback> keep(this);
    const context_cell::entered scope(context_);
    try {
      std::invoke(f_);
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      loop_.call_exception_handler(
          {"exception in a callback", std::current_exception(), {}});
    }
  }
  void discard() noexcept override { delete this; }

 private:
  loop_core& loop_;
  context_cell context_;
  F f_;
};

/// Binds arguments for many calls, each of which gets them as they are.
template <class F, class... Args>
auto bind_for_many(F&& f, Args&&... args) {
  return [f = std::decay_t<F>(std::forward<F>(f)),
          bound = std::tuple<std::decay_t<Args>...>(
              std::forward<Args>(args)...)]() mutable { std::apply(f, bound); };
}

/// Binds arguments for one call; without any, the callable is itself.
template <class F, class... Args>
auto bind_arguments(F&& f, Args&&... args) {
  if constexpr (sizeof...(Args) == 0) {
    return std::decay_t<F>(std::forward<F>(f));
  } else {
    return [f = std::decay_t<F>(std::forward<F>(f)),
            bound = std::tuple<std::decay_t<Args>...>(
                std::forward<Args>(args)...)]() mutable -> decltype(auto) {
      return std::apply(std::move(f), std::move(bound));
    };
  }
}

template <class F>
intrusive_ptr<callback_base> call_soon(loop_core& loop, F&& f) {
  intrusive_ptr<callback_base> made(
      new callback<std::decay_t<F>>(std::forward<F>(f), loop));
  made->add_ref();
  loop.push(*made);
  return made;
}

template <class F>
intrusive_ptr<timed_callback> call_at(loop_core& loop, time_point when, F&& f) {
  intrusive_ptr<timed_callback> made(
      new callback<std::decay_t<F>, timed_callback>(std::forward<F>(f), loop, when));
  made->add_ref();
  return made;
}

}  // namespace detail

/// A callback that was given to a loop. Dropping the handle changes nothing.
///
/// Like: asyncio.Handle
class handle {
 public:
  handle() = default;
  explicit handle(detail::intrusive_ptr<detail::callback_base> callback) noexcept
      : callback_(std::move(callback)) {}

  /// Calls it off and destroys the callable now; does nothing if it has run.
  void cancel() const noexcept {
    if (callback_) callback_->cancel();
  }
  bool cancelled() const noexcept { return callback_ && callback_->is_cancelled(); }

 protected:
  detail::intrusive_ptr<detail::callback_base> callback_;
};

/// Like: asyncio.TimerHandle
class timer_handle : public handle {
 public:
  timer_handle() = default;
  explicit timer_handle(
      const detail::intrusive_ptr<detail::timed_callback>& callback) noexcept
      : handle(callback), when_(callback->when()) {}

  /// When it is due, in the time of its loop.
  time_point when() const noexcept { return when_; }

 private:
  time_point when_{};
};

}  // namespace aio
