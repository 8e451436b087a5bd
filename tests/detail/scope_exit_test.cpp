// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/detail/scope_exit.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <string>

TEST_CASE("scope_exit: runs when the scope ends, the last one first",
          "[detail][scope_exit]") {
  std::string log;
  {
    aio::detail::scope_exit first([&] { log += 'a'; });
    aio::detail::scope_exit second([&] { log += 'b'; });
    log += '|';
  }
  CHECK(log == "|ba");
}

TEST_CASE("scope_exit: runs when an exception leaves the scope",
          "[detail][scope_exit]") {
  bool ran = false;
  const auto leave = [&] {
    aio::detail::scope_exit guard([&] { ran = true; });
    throw std::runtime_error("left");
  };
  CHECK_THROWS_AS(leave(), std::runtime_error);
  CHECK(ran);
}
