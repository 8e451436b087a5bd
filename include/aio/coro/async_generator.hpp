// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// async_generator<T>: a coroutine that yields many values, with awaits in between.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/coro/promise.hpp>
#include <aio/detail/intrusive_list.hpp>

#include <concepts>
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

class generator_handle;
struct generator_tag;

/// What generators of all types share.
struct generator_frame : promise_base, list_hook<generator_tag> {
  using promise_base::promise_base;
  ~generator_frame() { unlink(); }

  void return_void() noexcept { is_done = true; }
  void unhandled_exception() noexcept {
    is_done = true;
    error = std::current_exception();
  }

  generator_handle* owner = nullptr;  ///< null while it runs
  std::exception_ptr error;
  bool is_done = false;
  bool is_closing = false;
};

/// Owns the frame of a generator, except while it runs: then the await does, as with a
/// coroutine.
class generator_handle {
 public:
  generator_handle() noexcept = default;
  explicit generator_handle(generator_frame& frame) noexcept { hold(&frame); }
  generator_handle(generator_handle&& other) noexcept { hold(other.let_go()); }
  generator_handle& operator=(generator_handle&& other) noexcept {
    generator_frame* const mine = let_go();
    hold(other.let_go());
    other.hold(mine);
    return *this;
  }
  ~generator_handle() {
    if (frame_ != nullptr) frame_->self().destroy();
  }

  explicit operator bool() const noexcept { return frame_ != nullptr; }

 private:
  friend class generator_run;

  void hold(generator_frame* frame) noexcept {
    frame_ = frame;
    if (frame != nullptr) frame->owner = this;
  }
  generator_frame* let_go() noexcept {
    if (frame_ != nullptr) frame_->owner = nullptr;
    return std::exchange(frame_, nullptr);
  }

  generator_frame* frame_ = nullptr;
};

/// The generators that have begun on one loop and are still there, for the end of the
/// loop to close them. It hears of them while it is installed in the thread, as that
/// end does not know them otherwise.
class generator_registry {
 public:
  explicit generator_registry(loop_core& loop) noexcept : loop_(&loop) {}
  generator_registry(const generator_registry&) = delete;
  generator_registry& operator=(const generator_registry&) = delete;
  ~generator_registry() {
    while (!begun_.empty()) begun_.pop_front();
  }

  class installed {
   public:
    explicit installed(generator_registry& in_thread) noexcept
        : outer_(std::exchange(current_, &in_thread)) {}
    installed(const installed&) = delete;
    installed& operator=(const installed&) = delete;
    ~installed() { current_ = outer_; }

   private:
    generator_registry* outer_;
  };

  static void enroll(generator_frame& begins) noexcept {
    if (auto* mine = of(begins.task->loop())) mine->begun_.push_back(begins);
  }

  /// The one that is installed, if it is of `loop`.
  static generator_registry* of(const loop_core& loop) noexcept {
    return current_ != nullptr && current_->loop_ == &loop ? current_ : nullptr;
  }

  bool empty() const noexcept { return begun_.empty(); }

  /// Takes one away from its owner; empty if all that is left runs or has ended.
  generator_handle take() noexcept {
    while (!begun_.empty()) {
      generator_frame& one = begun_.pop_front();
      if (one.owner != nullptr && !one.is_done) return std::move(*one.owner);
    }
    return {};
  }

 private:
  static inline thread_local constinit generator_registry* current_ = nullptr;

  loop_core* loop_;
  intrusive_list<generator_frame, generator_tag> begun_;
};

/// Base of the awaits of a generator: one run of it, up to its next item or its end.
class generator_run : coro_link {
 public:
  using is_native = void;

  generator_run(const generator_run&) = delete;
  generator_run& operator=(const generator_run&) = delete;

  bool await_ready() const noexcept { return frame().is_done; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> caller) {
    parent = &caller.promise();
    const bool begins = !child->is_started();
    child->start(*parent->task, this);
    if (begins) generator_registry::enroll(frame());
    return run_child(*this);
  }

 protected:
  generator_run(generator_handle& of, bool closing) : generator_(of) {
    if (!of) {
      throw usage_error(
          "the async_generator is already running, was moved from, or was closed with "
          "its loop");
    }
    child = of.let_go();
    frame().is_closing = closing;
  }
  ~generator_run() { give_back(); }

  generator_frame& frame() const noexcept {
    return static_cast<generator_frame&>(*child);
  }

  void give_back() noexcept {
    if (child != nullptr) generator_.hold(&frame());
    child = nullptr;
  }

 private:
  generator_handle& generator_;
};

/// Throws generator_exit at the `co_yield` and waits until the generator has ended.
class generator_close final : public generator_run {
 public:
  explicit generator_close(generator_handle& of) : generator_run(of, true) {
    if (!frame().is_started()) frame().is_done = true;
  }

  void await_resume() {
    generator_frame& of = frame();
    give_back();
    const std::exception_ptr error = std::exchange(of.error, nullptr);
    if (error && !holds<generator_exit>(error)) std::rethrow_exception(error);
    if (!of.is_done) throw usage_error("an async_generator ignored generator_exit");
  }
};

/// `co_await generator_step<Run>(handle)`
template <class Run>
class [[nodiscard]] generator_step {
 public:
  explicit generator_step(generator_handle& of) noexcept : of_(of) {}
  auto operator co_await() && { return Run(of_); }

 private:
  generator_handle& of_;
};

template <class T>
struct generator_promise final : generator_frame {
  explicit generator_promise(code_place defined = AIO_CODE_PLACE) noexcept
      : generator_frame(defined) {
    static_assert(alignof(generator_promise) <= 2 * sizeof(void*),
                  "items cannot be aligned more than coroutine frames are");
  }

  /// Goes back to the one who asked for an item, as a finished child would.
  struct yield_awaiter {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept { self.give_way(); }
    void await_resume() const {
      if (self.is_closing) throw generator_exit();
    }
    generator_promise& self;
  };

  async_generator<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() const noexcept {
    give_way();
    return {};
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
};

template <class T>
class generator_next final : public generator_run {
 public:
  explicit generator_next(generator_handle& of) : generator_run(of, false) {
    promise().item.reset();
  }

  std::optional<T> await_resume() {
    generator_promise<T>& of = promise();
    give_back();
    if (of.error) std::rethrow_exception(std::exchange(of.error, nullptr));
    return std::exchange(of.item, std::nullopt);
  }

 private:
  generator_promise<T>& promise() const noexcept {
    return static_cast<generator_promise<T>&>(frame());
  }
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
/// awaits needs `co_await numbers.aclose()`; aio::run() does this at its end for those
/// that are still there then.
///
/// Lifetime: as of coro; not dropped while it runs
/// Like:     an asynchronous generator
template <class T>
class [[nodiscard]] async_generator {
 public:
  using promise_type = detail::generator_promise<T>;
  using value_type = T;

  async_generator() noexcept = default;

  /// The next item; none after the last.
  ///
  /// Cancellation: thrown at the await inside the generator, which ends it unless it
  ///               catches.
  /// Throws:       what the generator throws; usage_error – it is running
  auto next() { return detail::generator_step<detail::generator_next<T>>(frame_); }

  /// Throws generator_exit at its `co_yield` and waits until it has ended. Does nothing
  /// if it has not begun or has ended.
  ///
  /// Cancellation: as of next()
  /// Throws:       what the generator throws; usage_error – it is running, or yields
  ///               once more
  auto aclose() { return detail::generator_step<detail::generator_close>(frame_); }

 private:
  friend promise_type;
  explicit async_generator(promise_type& frame) noexcept : frame_(frame) {}

  detail::generator_handle frame_;
};

namespace detail {

template <class T>
async_generator<T> generator_promise<T>::get_return_object() noexcept {
  return async_generator<T>(*this);
}

}  // namespace detail
}  // namespace aio
