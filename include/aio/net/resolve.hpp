// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Host names to addresses.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/threads.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/endpoint.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::detail {

using tcp_endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

/// The blocking call.
inline tcp_endpoints look_up(const std::string& host, std::uint16_t port,
                             boost::asio::ip::resolver_base::flags flags) {
  boost::asio::io_context unused;
  boost::asio::ip::tcp::resolver resolver(unused);
  boost::system::error_code error;
  const auto found = resolver.resolve(host, std::to_string(port), flags, error);
  if (error) {
    throw_error(error, "cannot resolve the host '" + host + "'");
  }
  tcp_endpoints all;
  for (const auto& one : found) all.push_back(one.endpoint());
  return all;
}

/// The addresses of `host`, in the resolver's order. Numeric ones take no thread.
///
/// `passive`: to listen on; an empty host means all interfaces.
///
/// Cancellation: stops waiting; the look-up goes on in its thread, its result is
/// dropped. Throws:       boost::system::system_error – not found; cancelled_error
inline coro<tcp_endpoints> resolve(std::string host, std::uint16_t port, bool passive) {
  using boost::asio::ip::tcp;
  if (host.empty()) {
    tcp_endpoints any;
    if (passive) {
      any = {tcp::endpoint(tcp::v4(), port), tcp::endpoint(tcp::v6(), port)};
    } else {
      any.emplace_back(boost::asio::ip::address_v4::loopback(), port);
    }
    co_return any;
  }
  boost::system::error_code not_numeric;
  const auto address = boost::asio::ip::make_address(host, not_numeric);
  if (!not_numeric) {
    tcp_endpoints one{tcp::endpoint(address, port)};
    co_return one;
  }
  const auto flags = passive ? tcp::resolver::passive : tcp::resolver::flags();
  auto found = to_thread([host, port, flags] { return look_up(host, port, flags); });
  co_return co_await std::move(found);
}

}  // namespace aio::detail
