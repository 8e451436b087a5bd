// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One frame: how it starts, awaits, ends and gives its result to its caller.

#pragma once

#include <aio/core/result.hpp>
#include <aio/coro/code_place.hpp>
#include <aio/coro/concepts.hpp>
#include <aio/coro/task_state.hpp>
#include <aio/detail/frame_pool.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

namespace aio {

template <class T>
class coro;

namespace detail {

struct promise_base;

template <class Awaitable>
class foreign_await;

/// An await of a child coroutine; lives in the frame that awaits.
struct coro_link {
  enum class child_state : unsigned char { suspended, starting, done };

  // What is stored together and read apart soon after stands apart: compilers merge
  // neighbouring stores, and a load of one half then waits for the whole.
  promise_base* child = nullptr;
  child_state state = child_state::suspended;  ///< `starting` inside its first step
  promise_base* parent = nullptr;
};

/// The frames of a task form a chain, innermost first:
///
///     suspension -> promise -> coro_link -> promise -> ... -> task
struct promise_base : pooled {
  promise_base(std::coroutine_handle<> frame, code_place defined) noexcept
      : self(frame), where(to_location(defined)) {}
  promise_base(const promise_base&) = delete;
  promise_base& operator=(const promise_base&) = delete;

  bool is_started() const noexcept { return task != nullptr; }

  void start(task_state& of, coro_link* from) noexcept {
    task = &of;
    link = from;
  }

  // See coro_link for the order.
  coro_link* link = nullptr;  ///< the await that owns this frame; null: a task does
  std::coroutine_handle<> self;
  task_state* task = nullptr;  ///< null until it is started
  std::source_location where;  ///< the present await; before the first, the definition
};

/// Destroys a suspended chain from `innermost` outwards, without recursion: what
/// a frame refers to in its callers' frames is still there when it goes.
inline void destroy_chain(promise_base* innermost) noexcept {
  while (innermost != nullptr) {
    coro_link* const link = innermost->link;
    if (link != nullptr) link->child = nullptr;
    innermost->self.destroy();
    innermost = link == nullptr ? nullptr : link->parent;
  }
}

/// Starts (or goes on with) the child inside the await of its caller; false if it came
/// to its end, or its next item, at once. Only so many nest; the next one is run by the
/// task, so that depth takes no stack.
[[gnu::always_inline]] inline bool run_child(coro_link& link) {
  using enum coro_link::child_state;
  loop_core& loop = link.child->task->loop();
  link.state = suspended;
  if (loop.nesting == task_state::max_nesting) {
    loop.next_frame = link.child->self;
    return true;
  }
  link.state = starting;
  ++loop.nesting;
  link.child->self.resume();
  --loop.nesting;
  if (link.state == done) return false;
  link.state = suspended;
  return true;
}

struct final_awaiter {
  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
    const promise_base& ended = frame.promise();
    if (ended.link == nullptr) {
      ended.task->body_is_done = true;
    } else if (ended.link->state == coro_link::child_state::starting) {
      ended.link->state = coro_link::child_state::done;
    } else {
      ended.task->loop().next_frame = ended.link->parent->self;
    }
  }
  void await_resume() const noexcept {}
};

/// What may stand behind `co_await` in a coroutine of ours.
template <class A>
decltype(auto) to_awaiter(A&& awaitable) {
  if constexpr (has_member_co_await<A>) {
    return std::forward<A>(awaitable).operator co_await();
  } else if constexpr (has_free_co_await<A>) {
    return operator co_await(std::forward<A>(awaitable));
  } else {
    return static_cast<A&&>(awaitable);
  }
}

template <class A>
concept native_awaitable = requires(A&& a) {
  requires native_awaiter<decltype(to_awaiter(std::forward<A>(a)))>;
};

/// What await_transform makes of an operand.
template <class A>
decltype(auto) transform_awaitable(A&& awaitable) {
  static_assert(!is_coro<std::remove_cvref_t<A>> || !std::is_lvalue_reference_v<A>,
                "a coroutine is awaited once: co_await std::move(c)");
  static_assert(awaitable_type<A>,
                "this cannot be awaited: no coroutine, future, task or awaiter (a "
                "coroutine function must be called: co_await f())");
  if constexpr (native_awaitable<A>) {
    return to_awaiter(std::forward<A>(awaitable));
  } else {
    return foreign_await<A>(std::forward<A>(awaitable));
  }
}

template <class T>
class promise_result {
 public:
  template <class U = T>
  requires std::constructible_from<T, U>
  void return_value(U&& value) { outcome_.set_value(std::forward<U>(value)); }
  void unhandled_exception() noexcept { outcome_.set_error(std::current_exception()); }
  outcome<T>& result() noexcept { return outcome_; }

 private:
  outcome<T> outcome_;
};

template <class T>
requires std::is_reference_v<T>
class promise_result<T> {
 public:
  void return_value(T value) noexcept { outcome_.set_value(value); }
  void unhandled_exception() noexcept { outcome_.set_error(std::current_exception()); }
  outcome<T>& result() noexcept { return outcome_; }

 private:
  outcome<T> outcome_;
};

template <>
class promise_result<void> {
 public:
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { outcome_.set_error(std::current_exception()); }
  outcome<void>& result() noexcept { return outcome_; }

 private:
  outcome<void> outcome_;
};

template <class T>
struct promise final : promise_base, promise_result<T> {
  explicit promise(code_place defined = AIO_CODE_PLACE) noexcept
      : promise_base(std::coroutine_handle<promise>::from_promise(*this), defined) {}

  coro<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }

  template <class A>
  decltype(auto) await_transform(A&& awaitable, code_place at = AIO_CODE_PLACE) {
    where = to_location(at);
    return transform_awaitable(std::forward<A>(awaitable));
  }
};

}  // namespace detail
}  // namespace aio
