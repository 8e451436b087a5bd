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
  explicit promise_base(code_place defined) noexcept : where(to_location(defined)) {}
  promise_base(const promise_base&) = delete;
  promise_base& operator=(const promise_base&) = delete;

  /// The frame; found by its place, so derived promises must not be aligned more.
  std::coroutine_handle<> self() noexcept {
    return std::coroutine_handle<promise_base>::from_promise(*this);
  }

  bool is_started() const noexcept { return task != nullptr; }

  void start(task_state& of, coro_link* from) noexcept {
    task = &of;
    link = from;
  }

  /// It has ended, or has an item: whoever awaits it goes on.
  [[gnu::always_inline]] inline void give_way() const noexcept;

  // See coro_link for the order.
  coro_link* link = nullptr;   ///< the await that owns this frame; null: a task does
  std::source_location where;  ///< the present await; before the first, the definition
  task_state* task = nullptr;  ///< null until it is started
};

inline void promise_base::give_way() const noexcept {
  using enum coro_link::child_state;
  if (link == nullptr) {
    task->loop().next_frame = task_state::none_left();
  } else if (std::exchange(link->state, done) != starting) {
    task->loop().next_frame = link->parent->self();
  }
}

/// Destroys a suspended chain from `innermost` outwards, without recursion: what
/// a frame refers to in its callers' frames is still there when it goes.
inline void destroy_chain(promise_base* innermost) noexcept {
  while (innermost != nullptr) {
    coro_link* const link = innermost->link;
    if (link != nullptr) link->child = nullptr;
    innermost->self().destroy();
    innermost = link == nullptr ? nullptr : link->parent;
  }
}

/// Starts (or goes on with) the child inside the await of its caller; false if it came
/// to its end, or its next item, at once. They nest only as far as the stack allows; the
/// next one is run by the task, so that depth takes no stack.
[[gnu::always_inline]] inline bool run_child(coro_link& link) {
  using enum coro_link::child_state;
  if (__builtin_frame_address(0) < loop_core::stack_floor) [[unlikely]] {
    link.state = suspended;
    link.child->task->loop().next_frame = link.child->self();
    return true;
  }
  link.state = starting;
  link.child->self().resume();
  if (link.state == done) return false;
  link.state = suspended;
  return true;
}

/// What may stand behind `co_await` in a coroutine of ours.
template <class A>
[[gnu::always_inline]] inline decltype(auto) to_awaiter(A&& awaitable) {
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
[[gnu::always_inline]] inline decltype(auto) transform_awaitable(A&& awaitable) {
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

/// The await of a coroutine that yields a T.
template <class T>
struct typed_link : coro_link {
  outcome<T> ended;
};

/// What a coroutine ends with goes straight to where it is wanted.
template <class T>
class promise_result : public promise_base {
 public:
  using promise_base::promise_base;

  void unhandled_exception() noexcept { place().set_error(std::current_exception()); }

 protected:
  outcome<T>& place() const noexcept {
    if (link != nullptr) return static_cast<typed_link<T>*>(link)->ended;
    return *static_cast<outcome<T>*>(task->place_of_result());
  }
};

template <class T>
class promise_return : public promise_result<T> {
 public:
  using promise_result<T>::promise_result;

  template <class U = T>
  requires std::constructible_from<T, U>
  void return_value(U&& value) { this->place().set_first(std::forward<U>(value)); }
};

template <class T>
requires std::is_reference_v<T>
class promise_return<T> : public promise_result<T> {
 public:
  using promise_result<T>::promise_result;

  void return_value(T value) noexcept { this->place().set_first(value); }
};

template <>
class promise_return<void> : public promise_result<void> {
 public:
  using promise_result<void>::promise_result;

  void return_void() const noexcept {}
};

template <class T>
struct promise final : promise_return<T> {
  explicit promise(code_place defined = AIO_CODE_PLACE) noexcept
      : promise_return<T>(defined) {}

  coro<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_never final_suspend() const noexcept {  // the frame ends itself
    this->give_way();
    return {};
  }

  template <class A>
  [[gnu::always_inline]] decltype(auto) await_transform(
      A&& awaitable, code_place at = AIO_CODE_PLACE) {
    this->where = to_location(at);
    return transform_awaitable(std::forward<A>(awaitable));
  }
};

}  // namespace detail
}  // namespace aio
