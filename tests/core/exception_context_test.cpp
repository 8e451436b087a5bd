// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/exception_context.hpp>  // first: proves the header stands alone

#include <aio/core/error.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <string>

TEST_CASE("describe: names the type, and the text if there is one",
          "[core][exception_context]") {
  CHECK(aio::describe(nullptr) == "none");
  CHECK(aio::describe(std::make_exception_ptr(std::runtime_error("text"))) ==
        "std::runtime_error: text");
  CHECK_THAT(aio::describe(std::make_exception_ptr(aio::cancelled_error("why"))),
             Catch::Matchers::ContainsSubstring("aio::cancelled_error"));
  CHECK(aio::describe(std::make_exception_ptr(1)) == "int");
}

TEST_CASE("describe: names the type thrown, not the one caught",
          "[core][exception_context]") {
  const auto error = std::make_exception_ptr(aio::usage_error("text"));
  CHECK(aio::describe(error) == "aio::usage_error: text");
}
