// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Host names to addresses.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/getaddrinfo.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace aio::detail {

using tcp_endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

/// The addresses of `host`, in the resolver's order. Numeric ones take no thread. With
/// AI_PASSIVE they are to listen on, and an empty host means all interfaces.
///
/// Cancellation, Throws: see event_loop::getaddrinfo
inline coro<tcp_endpoints> resolve(std::string host, std::uint16_t port,
                                   getaddrinfo_options options) {
  using boost::asio::ip::tcp;
  const auto is_wanted = [family = options.family](const tcp::endpoint& one) {
    return family == 0 || one.protocol().family() == family;
  };
  tcp_endpoints found;
  if (host.empty()) {
    if ((options.flags & AI_PASSIVE) != 0) {
      found = {tcp::endpoint(tcp::v4(), port), tcp::endpoint(tcp::v6(), port)};
    } else {
      found.emplace_back(boost::asio::ip::address_v4::loopback(), port);
      if (!is_wanted(found[0])) {
        found[0].address(boost::asio::ip::address_v6::loopback());
      }
    }
    std::erase_if(found, std::not_fn(is_wanted));
    co_return found;
  }
  boost::system::error_code not_numeric;
  const auto address = boost::asio::ip::make_address(host, not_numeric);
  if (!not_numeric) {
    found.emplace_back(address, port);
    if (is_wanted(found[0])) co_return found;
  }
  options.type = SOCK_STREAM;
  address_query query{std::move(host), service_text(port), options};
  auto all = find_addresses(get_running_loop(), std::move(query));
  const std::vector<address_info> infos = co_await std::move(all);
  found.clear();
  for (const address_info& one : infos) {
    if (!one.endpoint.is_unix()) found.push_back(one.endpoint.native());
  }
  co_return found;
}

inline coro<tcp_endpoints> resolve(std::string host, std::uint16_t port, bool passive) {
  return resolve(std::move(host), port,
                 getaddrinfo_options{.flags = passive ? AI_PASSIVE : 0});
}

}  // namespace aio::detail
