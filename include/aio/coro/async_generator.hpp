// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// async_generator<T>: a coroutine that yields many values, with awaits in between.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/coro/promise.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace aio {

/// Thrown at the `co_yield` of an async_generator that is closed. Like: GeneratorExit
class generator_exit final {
 public:
  const char* what() const noexcept { return "the generator is closed"; }
};

template <class T>
class async_generator;

namespace detail {

template <class T>
struct generator_promise final : promise_base {
  explicit generator_promise(code_place defined = AIO_CODE_PLACE) noexcept
      : promise_base(std::coroutine_handle<generator_promise>::from_promise(*this),
                     defined) {}

  /// Goes back to the one who asked for an item, as a finished child would.
  struct yield_awaiter {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<generator_promise> frame) const noexcept {
      final_awaiter().await_suspend(frame);
    }
    void await_resume() const {
      if (self.is_closing) throw generator_exit();
    }
    generator_promise& self;
  };

  async_generator<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void return_void() noexcept { is_done = true; }
  void unhandled_exception() noexcept {
    is_done = true;
    error = std::current_exception();
  }

  template <class U>
  requires std::constructible_from<T, U> yield_awaiter yield_value(U&& value) {
    item.emplace(std::forward<U>(value));
    return {*this};
  }

  template <class A>
  decltype(auto) await_transform(A&& awaitable, code_place at = AIO_CODE_PLACE) {
    where = to_location(at);
    return transform_awaitable(std::forward<A>(awaitable));
  }

  std::optional<T> item;
  std::exception_ptr error;
  bool is_done = false;
  bool is_closing = false;
};

}  // namespace detail

/// `async def` with `yield`: lazy, move-only, consumed one item at a time.
///
///     aio::async_generator<int> count(int n) {
///       for (int i = 0; i < n; ++i) {
///         co_await aio::sleep(1s);
///         co_yield i;
///       }
///     }
///     auto numbers = count(3);
///     while (auto item = co_await numbers.next()) use(*item);
///
/// Dropping one that is not at its end runs the destructors of its frame. Clean-up that
/// awaits needs `co_await numbers.aclose()`.
///
/// Lifetime: as of coro
/// Like:     an asynchronous generator
template <class T>
class [[nodiscard]] async_generator {
 public:
  using promise_type = detail::generator_promise<T>;
  using value_type = T;

  async_generator() noexcept = default;
  async_generator(async_generator&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)) {}
  async_generator& operator=(async_generator&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~async_generator() {
    if (frame_ != nullptr) frame_->self.destroy();
  }

  /// The next item; none after the last.
  ///
  /// Cancellation: thrown at the await inside the generator, which ends it unless it
  ///               catches.
  /// Throws:       what the generator throws; usage_error – it is running
  auto next() { return step(*this, false); }

  /// Throws generator_exit at its `co_yield` and waits until it has ended. Does nothing
  /// if it has not begun or has ended.
  ///
  /// Cancellation: as of next()
  /// Throws:       what the generator throws; usage_error – it is running, or yields
  ///               once more
  auto aclose() { return step(*this, true); }

 private:
  friend promise_type;
  explicit async_generator(promise_type& frame) noexcept : frame_(&frame) {}

  /// One run of the frame, up to its next item. The frame belongs to the await while it
  /// runs, like that of a coroutine.
  class awaiter final : detail::coro_link {
   public:
    using is_native = void;

    awaiter(async_generator& of, bool closing) : generator_(of), is_closing_(closing) {
      if (of.frame_ == nullptr) {
        throw usage_error("the async_generator is already running, or was moved from");
      }
      child = std::exchange(of.frame_, nullptr);
      frame().is_closing = closing;
      frame().item.reset();
      if (closing && !frame().is_started()) frame().is_done = true;
    }
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() { give_back(); }

    bool await_ready() { return frame().is_done; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> caller) {
      parent = &caller.promise();
      child->start(*parent->task, this);
      return detail::run_child(*this);
    }

    std::optional<T> await_resume() {
      promise_type& of = frame();
      give_back();
      const std::exception_ptr error = std::exchange(of.error, nullptr);
      if (error && !(is_closing_ && detail::holds<generator_exit>(error))) {
        std::rethrow_exception(error);
      }
      if (is_closing_ && !of.is_done) {
        throw usage_error("an async_generator ignored generator_exit");
      }
      return std::exchange(of.item, std::nullopt);
    }

   private:
    promise_type& frame() const noexcept { return static_cast<promise_type&>(*child); }
    void give_back() noexcept {
      if (child != nullptr) {
        generator_.frame_ = static_cast<promise_type*>(std::exchange(child, nullptr));
      }
    }

    async_generator& generator_;
    bool is_closing_;
  };

  class [[nodiscard]] step {
   public:
    step(async_generator& of, bool closing) noexcept : of_(of), is_closing_(closing) {}
    auto operator co_await() && { return awaiter(of_, is_closing_); }

   private:
    async_generator& of_;
    bool is_closing_;
  };

  promise_type* frame_ = nullptr;
};

namespace detail {

template <class T>
async_generator<T> generator_promise<T>::get_return_object() noexcept {
  return async_generator<T>(*this);
}

}  // namespace detail
}  // namespace aio
