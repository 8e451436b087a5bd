// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Tests whose body is a coroutine on virtual time.

#pragma once

#include <aio/testing/virtual_loop.hpp>

#include <support/catch.hpp>

#include <chrono>

/// Defines a test whose body is a coroutine on a virtual_loop named `loop`.
///
/// Await in statements of their own, never inside CHECK or REQUIRE: those name their
/// argument twice.
#define AIO_TEST(...) AIO_TEST_(INTERNAL_CATCH_UNIQUE_NAME(aio_test_), __VA_ARGS__)
#define AIO_TEST_(body, ...)                                         \
  static ::aio::coro<void> body(::aio::testing::virtual_loop& loop); \
  TEST_CASE(__VA_ARGS__) {                                           \
    ::aio::testing::virtual_loop loop;                               \
    loop.run(body(loop));                                            \
  }                                                                  \
  static ::aio::coro<void> body([[maybe_unused]] ::aio::testing::virtual_loop& loop)
