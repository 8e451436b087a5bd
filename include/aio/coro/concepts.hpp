// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What can be awaited, and what an await yields.

#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace aio {

template <class T>
class coro;

namespace detail {

template <class A>
concept has_member_co_await = requires(A&& a) {
  std::forward<A>(a).operator co_await();
};

template <class A>
concept has_free_co_await = requires(A&& a) {
  operator co_await(std::forward<A>(a));
};

template <class A>
concept awaiter_type = requires(std::remove_reference_t<A>& a) {
  { a.await_ready() } -> std::convertible_to<bool>;
  a.await_resume();
};

/// Awaiters that know our promises say so; all others are resumed by a bridge.
template <class A>
concept native_awaiter = awaiter_type<A> && requires {
  typename std::remove_reference_t<A>::is_native;
};

template <class A>
concept awaitable_type =
    has_member_co_await<A> || has_free_co_await<A> || awaiter_type<A>;

template <class T>
inline constexpr bool is_coro = false;
template <class T>
inline constexpr bool is_coro<coro<T>> = true;

template <class A>
auto await_result_of() {
  if constexpr (has_member_co_await<A>) {
    return std::type_identity<
        decltype(std::declval<A>().operator co_await().await_resume())>{};
  } else if constexpr (has_free_co_await<A>) {
    return std::type_identity<
        decltype(operator co_await(std::declval<A>()).await_resume())>{};
  } else {
    return std::type_identity<
        decltype(std::declval<std::remove_reference_t<A>&>().await_resume())>{};
  }
}

}  // namespace detail

/// Anything that may stand behind `co_await` in a coroutine: a coro, task or
/// future, anything with `operator co_await`, any awaiter.
template <class A>
concept awaitable = detail::awaitable_type<A>;

/// What `co_await a` yields for an `A`.
template <awaitable A>
using await_result_t = typename decltype(detail::await_result_of<A>())::type;

}  // namespace aio
