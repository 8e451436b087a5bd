// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Awaits things that know nothing of our tasks.

#pragma once

#include <aio/coro/suspension.hpp>

#include <coroutine>
#include <memory>
#include <type_traits>
#include <utility>

namespace aio::detail {

/// What the two sides share, as either may go first.
template <class T>
struct foreign_result {
  outcome<T> held;
  suspension* waiting = nullptr;
  loop_core* loop = nullptr;  // raw: the other side may let go on another thread
};

/// A coroutine that starts at once, owns itself and tells nobody.
struct bridge {
  struct promise_type : pooled {
    bridge get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

/// An awaitable of another library: a bridge coroutine awaits it, and wakes our task
/// through the ready queue, from whatever thread it is resumed on.
///
/// Cancellation: it cannot be stopped; the await raises after it has ended, and its
///               result is lost.
/// Lifetime:     it must have ended before the loop is closed.
template <class A>
class foreign_await final : public suspension {
  using value = await_result_t<A>;
  using shared = foreign_result<value>;

 public:
  explicit foreign_await(A&& awaitable) : awaitable_(std::forward<A>(awaitable)) {}
  foreign_await(const foreign_await&) = delete;
  foreign_await& operator=(const foreign_await&) = delete;
  ~foreign_await() {
    if (result_) result_->waiting = nullptr;
  }

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    result_ = std::make_shared<shared>();
    result_->waiting = this;
    result_->loop = &frame.promise().task->loop();
    ++result_->loop->foreign_operations;
    park(frame.promise());
    pump(std::forward<A>(awaitable_), result_);
  }

  value await_resume() {
    --result_->loop->foreign_operations;
    throw_if_cancelled();
    return result_->held.take();
  }

 private:
  bool cancel() noexcept override { return false; }

  static bridge pump(A awaitable, std::shared_ptr<shared> to) {
    try {
      if constexpr (std::is_void_v<value>) {
        co_await std::forward<A>(awaitable);
        to->held.set_value();
      } else {
        to->held.set_value(co_await std::forward<A>(awaitable));
      }
    } catch (...) {
      to->held.set_error(std::current_exception());
    }
    if (to->waiting == nullptr) co_return;
    loop_core& loop = *to->loop;
    if (loop_core::running() == &loop) {
      loop.push(*to->waiting);
    } else {
      loop.push_threadsafe(*to->waiting);
    }
  }

  A awaitable_;
  std::shared_ptr<shared> result_;
};

}  // namespace aio::detail
