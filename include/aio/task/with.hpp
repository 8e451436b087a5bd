// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// `async with`: a resource whose entry and exit are awaited.

#pragma once

#include <aio/coro/coro.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace aio {

/// Something with `enter()` and `exit(std::exception_ptr)`, both awaitable.
///
/// exit() gets the exception that leaves the block, or null; if it yields true the
/// exception goes no further.
template <class R>
concept async_resource = requires(R& r, std::exception_ptr error) {
  { r.enter() } -> awaitable;
  { r.exit(error) } -> awaitable;
};

namespace detail {

template <class R>
using entered = await_result_t<decltype(std::declval<R&>().enter())>;

/// The body may leave out what enter() yields.
template <class F, class Given>
decltype(auto) call_body(F& body, Given&& given) {
  if constexpr (std::invocable<F&, Given>) {
    return std::invoke(body, std::forward<Given>(given));
  } else {
    return std::invoke(body);
  }
}

template <class R, class F>
auto body_type() {
  if constexpr (std::is_void_v<entered<R>>) {
    return std::type_identity<std::invoke_result_t<F&>>{};
  } else {
    return std::type_identity<decltype(call_body(std::declval<F&>(),
                                                 std::declval<entered<R>>()))>{};
  }
}

template <class R, class F>
using with_result = await_result_t<typename decltype(body_type<R, F>())::type>;

/// `Held` is R, or R& for a resource that stays with the caller.
template <class Held, class F, class R = std::remove_reference_t<Held>,
          class T = with_result<R, F>>
coro<T> run_with_resource(Held held, F body) {
  R& resource = held;
  outcome<T> yielded;
  std::exception_ptr error;
  if constexpr (std::is_void_v<entered<R>>) {
    co_await resource.enter();
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::invoke(body);
        yielded.set_value();
      } else {
        yielded.set_value(co_await std::invoke(body));
      }
    } catch (...) {
      error = std::current_exception();
    }
  } else {
    entered<R> given = co_await resource.enter();
    try {
      if constexpr (std::is_void_v<T>) {
        co_await call_body(body, std::forward<entered<R>>(given));
        yielded.set_value();
      } else {
        yielded.set_value(co_await call_body(body, std::forward<entered<R>>(given)));
      }
    } catch (...) {
      error = std::current_exception();
    }
  }
  bool swallowed = false;
  if constexpr (std::is_void_v<await_result_t<decltype(resource.exit(error))>>) {
    co_await resource.exit(error);
  } else {
    swallowed = co_await resource.exit(error);
  }
  if (error && !swallowed) std::rethrow_exception(error);
  if constexpr (!std::is_void_v<T>) {
    if (error) {
      if constexpr (std::default_initializable<T>) {
        co_return T{};
      } else {
        throw usage_error(
            "with: exit() swallowed the exception, so the block has no value; let the "
            "block yield std::optional");
      }
    }
    co_return yielded.take();
  }
}

}  // namespace detail

/// Enters `resource`, runs `body` with what enter() yields (or without), and always
/// awaits exit(): after a return, an exception and a cancellation alike.
///
///     co_await aio::with(connection(), [&](session& s) -> aio::coro<> { ... });
///
/// Takes:        an rvalue resource moves into the frame; an lvalue stays where it is
///               and must outlive the await
/// Returns:      what the body yields (a default value if exit() swallowed an
///               exception)
/// Cancellation: ends the body with cancelled_error, which exit() gets; exit() itself
///               is cancelled only by a further request.
/// Throws:       what enter(), the body or exit() throw; exit()'s exception wins
/// Like:         async with
template <class R, class F>
requires async_resource<std::remove_reference_t<R>>
auto with(R&& resource, F&& body) {
  return detail::run_with_resource<R, std::decay_t<F>>(std::forward<R>(resource),
                                                       std::forward<F>(body));
}

}  // namespace aio
