// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/detail/socket_address.hpp>
#include <aio/net/endpoint.hpp>

#include <support/catch.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <sstream>
#include <string>

namespace {

using at = aio::endpoint;

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
  CHECK(aio::endpoint().is_unspecified());
  CHECK(at("0.0.0.0", 80).is_unspecified());
  CHECK(at("::", 80).is_unspecified());
  CHECK_FALSE(at("::1", 80).is_unspecified());
  CHECK_FALSE(at("127.0.0.1", 80).empty());
}

TEST_CASE("endpoint: compares by address, then port", "[net][endpoint]") {
  CHECK(at("127.0.0.1", 80) == at("127.0.0.1", 80));
  CHECK(at("127.0.0.1", 80) != at("127.0.0.1", 81));
  CHECK(at("127.0.0.1", 80) < at("127.0.0.1", 81));
  CHECK(at("127.0.0.1", 81) < at("127.0.0.2", 80));
  CHECK((at("1.1.1.1", 1) <=> at("1.1.1.1", 1)) == std::weak_ordering::equivalent);
}

TEST_CASE("endpoint: a unix socket has a path", "[net][endpoint]") {
  const auto named = aio::endpoint::unix_path("/tmp/a.sock");
  CHECK(to_string(named) == "/tmp/a.sock");
  CHECK(named.is_unix());
  CHECK_FALSE(named.empty());
  CHECK(named.path() == "/tmp/a.sock");
  CHECK(named.address().empty());
  CHECK(named.port() == 0);
  CHECK(to_string(aio::endpoint::unix_path(std::string("\0a", 2))) == "@a");
  CHECK(to_string(aio::endpoint::unix_path("")).empty());
  CHECK(named != at("127.0.0.1", 80));
  CHECK(at("127.0.0.1", 80).path().empty());
  CHECK_FALSE(at("127.0.0.1", 80).is_unix());
}

TEST_CASE("endpoint: a system call gives back what it was given", "[net][endpoint]") {
  using aio::detail::socket_address;
  for (const auto& one :
       {at("127.0.0.1", 80), at("::1", 65535), at("fe80::1%1", 7),
        at::unix_path("/tmp/a.sock"), at::unix_path(std::string("\0a\0b", 4)),
        at::unix_path(""), at::unix_path(std::string(107, 'x'))}) {
    CHECK(socket_address(one).endpoint() == one);
  }
  CHECK_THROWS_AS(socket_address(at::unix_path(std::string(108, 'x'))),
                  boost::system::system_error);
  CHECK(socket_address().endpoint().empty());
}
