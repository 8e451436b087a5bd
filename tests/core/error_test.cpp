// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/error.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

TEST_CASE("cancelled_error: passes those who catch std::exception", "[core][error]") {
  STATIC_REQUIRE_FALSE(std::is_base_of_v<std::exception, aio::cancelled_error>);
  STATIC_REQUIRE_FALSE(std::is_base_of_v<std::exception, aio::keyboard_interrupt>);
  CHECK(aio::cancelled_error().message().empty());
  CHECK(aio::cancelled_error().what() == std::string("cancelled"));
  CHECK(aio::cancelled_error("why").message() == "why");
  CHECK(aio::cancelled_error("why").what() == std::string("why"));
}

TEST_CASE("timeout_error: is an error of the system, timed out", "[core][error]") {
  const aio::timeout_error error;
  CHECK(error.code() == boost::system::errc::timed_out);
  CHECK(std::error_code(error.code()) == std::errc::timed_out);
  CHECK_THAT(error.what(), Catch::Matchers::ContainsSubstring("time limit"));
  const boost::system::system_error& base = error;
  CHECK(base.code() == error.code());
}

TEST_CASE("error: misuse is a logic_error", "[core][error]") {
  STATIC_REQUIRE(std::is_base_of_v<std::logic_error, aio::usage_error>);
  STATIC_REQUIRE(std::is_base_of_v<std::logic_error, aio::invalid_state_error>);
  CHECK(aio::usage_error("text").what() == std::string("text"));
}

TEST_CASE("incomplete_read_error: tells what came and what was expected",
          "[core][error]") {
  const aio::incomplete_read_error sized("abc", 10);
  CHECK(sized.partial == "abc");
  CHECK(sized.expected == 10U);
  CHECK(sized.what() == std::string("3 bytes read on a total of 10 expected bytes"));
  const aio::incomplete_read_error unsized("", std::nullopt);
  CHECK_FALSE(unsized.expected.has_value());
  CHECK(unsized.what() ==
        std::string("0 bytes read on a total of undefined expected bytes"));
}

TEST_CASE("limit_overrun_error: tells how far it is safe to read", "[core][error]") {
  const aio::limit_overrun_error error("too long", 5);
  CHECK(error.consumed == 5);
  CHECK(error.what() == std::string("too long"));
}

TEST_CASE("holds: knows the exact type of an exception", "[core][error]") {
  using aio::detail::holds;
  const auto cancelled = std::make_exception_ptr(aio::cancelled_error());
  const auto other = std::make_exception_ptr(std::runtime_error("other"));
  CHECK(holds<aio::cancelled_error>(cancelled));
  CHECK_FALSE(holds<aio::keyboard_interrupt>(cancelled));
  CHECK_FALSE(holds<aio::cancelled_error>(other));
  CHECK_FALSE(holds<aio::cancelled_error>(nullptr));
  CHECK_FALSE(holds<aio::cancelled_error>(std::make_exception_ptr(1)));
}
