// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/concepts.hpp>  // first: proves the header stands alone

#include <aio/coro/coro.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/catch.hpp>

#include <coroutine>
#include <string>
#include <type_traits>

namespace concepts_test {  // only declared, so not unnamed

struct awaiter {
  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  long await_resume();
};

struct with_member {
  awaiter operator co_await() &&;
};

struct with_free {};
awaiter operator co_await(with_free);

struct not_ready_enough {
  void await_ready();
  void await_resume();
};

template <class A, class T>
inline constexpr bool yields = std::is_same_v<aio::await_result_t<A>, T>;

aio::coro<int> body(std::string);

struct call {
  aio::coro<> operator()() const;
};

}  // namespace concepts_test

using namespace concepts_test;

TEST_CASE("concepts: what can be awaited", "[coro][concepts]") {
  STATIC_REQUIRE(aio::awaitable<aio::coro<>>);
  STATIC_REQUIRE(aio::awaitable<aio::task<int>>);
  STATIC_REQUIRE(aio::awaitable<const aio::task<int>&>);
  STATIC_REQUIRE(aio::awaitable<aio::future<int>&>);
  STATIC_REQUIRE(aio::awaitable<awaiter>);
  STATIC_REQUIRE(aio::awaitable<awaiter&>);
  STATIC_REQUIRE(aio::awaitable<with_member>);
  STATIC_REQUIRE(aio::awaitable<with_free>);
  STATIC_REQUIRE(aio::awaitable<std::suspend_always>);
}

TEST_CASE("concepts: what cannot be awaited", "[coro][concepts]") {
  STATIC_REQUIRE_FALSE(aio::awaitable<aio::coro<>&>);  // only once: std::move it
  STATIC_REQUIRE_FALSE(aio::awaitable<with_member&>);
  STATIC_REQUIRE_FALSE(aio::awaitable<int>);
  STATIC_REQUIRE_FALSE(aio::awaitable<not_ready_enough>);
  STATIC_REQUIRE_FALSE(aio::awaitable<aio::coro<> (*)()>);  // it must be called
}

TEST_CASE("concepts: what an await yields", "[coro][concepts]") {
  STATIC_REQUIRE(yields<aio::coro<>, void>);
  STATIC_REQUIRE(yields<aio::coro<int>, int>);
  STATIC_REQUIRE(yields<aio::coro<int&>, int&>);
  STATIC_REQUIRE(yields<aio::future<int>, int>);
  STATIC_REQUIRE(yields<aio::future<int>&, const int&>);
  STATIC_REQUIRE(yields<aio::task<int>, int>);
  STATIC_REQUIRE(yields<const aio::task<int>&, const int&>);
  STATIC_REQUIRE(yields<aio::task<int&>&, int&>);
  STATIC_REQUIRE(yields<aio::task<>&, void>);
  STATIC_REQUIRE(yields<awaiter, long>);
  STATIC_REQUIRE(yields<with_member, long>);
  STATIC_REQUIRE(yields<with_free, long>);
}

TEST_CASE("concepts: what create_task can call", "[coro][concepts]") {
  STATIC_REQUIRE(aio::coroutine_function<decltype(body)&, const char*>);
  STATIC_REQUIRE(aio::coroutine_function<call>);
  STATIC_REQUIRE_FALSE(aio::coroutine_function<decltype(body)&>);
  STATIC_REQUIRE_FALSE(aio::coroutine_function<int (*)()>);
}

TEST_CASE("concepts: our own awaitables need no bridge", "[coro][concepts]") {
  STATIC_REQUIRE(aio::detail::native_awaitable<aio::coro<>>);
  STATIC_REQUIRE(aio::detail::native_awaitable<aio::task<>&>);
  STATIC_REQUIRE(aio::detail::native_awaitable<aio::detail::sleep_operation<>>);
  STATIC_REQUIRE_FALSE(aio::detail::native_awaitable<awaiter>);
  STATIC_REQUIRE_FALSE(aio::detail::native_awaitable<with_free>);
}
