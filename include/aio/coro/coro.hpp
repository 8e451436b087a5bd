// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// coro<T>: a coroutine that does not run yet.

#pragma once

#include <aio/coro/foreign_await.hpp>
#include <aio/coro/promise.hpp>

#include <coroutine>
#include <string>
#include <utility>

namespace aio {

/// A coroutine object: lazy, move-only, awaited once.
///
/// Calling a coroutine function runs none of its body. `co_await f()` runs it inline
/// in the present task, with no turn of the loop in between; create_task(f()) runs
/// it beside. One that is dropped without either is reported.
///
///     aio::coro<int> answer() { co_return 42; }
///     aio::coro<> ask() { int n = co_await answer(); }
///
/// Cancellation: reaches whatever the coroutine awaits at that moment.
/// Throws:       what the body throws; usage_error – awaited a second time
/// Lifetime:     reference parameters must outlive it, as must the closure of a
///               lambda: prefer create_task(fn, args...), which keeps both
/// Like:         the coroutine object of Python
template <class T = void>
class [[nodiscard]] coro {
 public:
  using promise_type = detail::promise<T>;
  using value_type = T;

  coro() noexcept = default;
  coro(coro&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  coro& operator=(coro&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~coro() {
    if (frame_ != nullptr) abandon();
  }

  /// Whether there is a body left to run: false once awaited or moved from.
  explicit operator bool() const noexcept { return frame_ != nullptr; }

  /// Gives the body up unrun, without a report. Like: coroutine.close()
  void close() noexcept {
    if (frame_ != nullptr) std::exchange(frame_, nullptr)->self().destroy();
  }

  class awaiter;
  awaiter operator co_await() &&;

  /// For the machinery: the frame, to be run by a task that takes it over.
  promise_type& release() {
    require();
    return *std::exchange(frame_, nullptr);
  }

 private:
  friend promise_type;
  explicit coro(promise_type& frame) noexcept : frame_(&frame) {}

  void require() const {
    if (frame_ == nullptr) {
      throw usage_error(
          "cannot reuse an already awaited coroutine: call the function again for a "
          "new one, or make it a task, which may be awaited many times");
    }
  }

  void abandon() noexcept;

  promise_type* frame_ = nullptr;
};

template <class T>
class coro<T>::awaiter final : detail::typed_link<T> {
  using detail::coro_link::child;
  using detail::coro_link::parent;
  using detail::coro_link::state;

 public:
  using is_native = void;

  explicit awaiter(promise_type& body) noexcept { child = &body; }
  awaiter(const awaiter&) = delete;
  awaiter& operator=(const awaiter&) = delete;
  ~awaiter() {
    if (state != detail::coro_link::child_state::done && child != nullptr)
      child->self().destroy();
  }

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> caller) {
    parent = &caller.promise();
    child->start(*parent->task, this);
    return detail::run_child(*this);
  }

  T await_resume() { return this->ended.take(); }
};

template <class T>
typename coro<T>::awaiter coro<T>::operator co_await() && {
  require();
  return awaiter(*std::exchange(frame_, nullptr));
}

template <class T>
void coro<T>::abandon() noexcept {
  const std::source_location at = frame_->where;
  frame_->self().destroy();
  const exception_context context{
      std::string("the coroutine ") + at.function_name() + " was never awaited",
      nullptr, std::string(at.file_name()) + ":" + std::to_string(at.line())};
  if (detail::loop_core* loop = detail::loop_core::running()) {
    loop->call_exception_handler(context);
  } else {
    detail::default_exception_handler(context);
  }
}

namespace detail {

template <class T>
coro<T> promise<T>::get_return_object() noexcept {
  return coro<T>(*this);
}

/// `awaitable` as a coroutine.
template <awaitable A>
requires(!std::is_reference_v<A>) coro<await_result_t<A>> as_coro(A awaitable) {
  co_return co_await std::move(awaitable);
}

}  // namespace detail
}  // namespace aio
