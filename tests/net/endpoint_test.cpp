// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/endpoint.hpp>

#include <support/catch.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <sstream>
#include <string>

namespace {

aio::endpoint at(const std::string& address, std::uint16_t port) {
  return aio::endpoint(
      boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(address), port));
}

}  // namespace

TEST_CASE("endpoint: prints as people write it", "[net][endpoint]") {
  CHECK(to_string(at("127.0.0.1", 80)) == "127.0.0.1:80");
  CHECK(to_string(at("::1", 8888)) == "[::1]:8888");
  std::ostringstream out;
  out << at("10.0.0.1", 1);
  CHECK(out.str() == "10.0.0.1:1");
  CHECK(fmt::format("{:>14}|", at("1.2.3.4", 5)) == "     1.2.3.4:5|");
}

TEST_CASE("endpoint: tells its parts", "[net][endpoint]") {
  CHECK(at("127.0.0.1", 80).address() == "127.0.0.1");
  CHECK(at("127.0.0.1", 80).port() == 80);
  CHECK_FALSE(at("127.0.0.1", 80).is_v6());
  CHECK(at("::1", 80).is_v6());
  CHECK(aio::endpoint().empty());
  CHECK_FALSE(at("127.0.0.1", 80).empty());
}

TEST_CASE("endpoint: compares by address, then port", "[net][endpoint]") {
  CHECK(at("127.0.0.1", 80) == at("127.0.0.1", 80));
  CHECK(at("127.0.0.1", 80) != at("127.0.0.1", 81));
  CHECK(at("127.0.0.1", 80) < at("127.0.0.1", 81));
  CHECK(at("127.0.0.1", 81) < at("127.0.0.2", 80));
  CHECK((at("1.1.1.1", 1) <=> at("1.1.1.1", 1)) == std::weak_ordering::equivalent);
}
