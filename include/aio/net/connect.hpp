// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connected socket: the addresses of a host, tried in order.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/wait_ready.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/resolve.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aio::detail {

struct connected_socket {
  descriptor fd;
  boost::asio::ip::tcp::endpoint peer;
};

/// Cancellation: the socket is closed.
/// Throws:       boost::system::system_error – refused, unreachable; cancelled_error
inline coro<connected_socket> connect_to(boost::asio::ip::tcp::endpoint peer) {
  asio_driver& driver = get_running_loop().asio();
  connected_socket made;
  made.fd = open_socket(peer.protocol().family(), SOCK_STREAM);
  made.peer = peer;
  boost::system::error_code error =
      start_connecting(made.fd.get(), socket_address(endpoint(peer)));
  if (error == boost::system::errc::operation_in_progress) {
    auto connected = wait_ready(driver, made.fd.get(), EPOLLOUT);
    co_await std::move(connected);
    error = pending_error(made.fd.get());
  }
  if (error) throw_error(error, "cannot connect to " + to_string(endpoint(peer)));
  co_return made;
}

/// All addresses of the host failed: the one error, or one that names them all.
[[noreturn]] inline void throw_connect_errors(
    const std::vector<boost::system::system_error>& errors) {
  if (errors.size() == 1) throw errors.front();
  std::string all = "no address of the host could be reached: ";
  for (const auto& one : errors) {
    if (&one != &errors.front()) all += ", ";
    all += one.what();
  }
  throw boost::system::system_error(errors.back().code(), all);
}

/// Cancellation, Throws: see connect_to and resolve
inline coro<connected_socket> connect_to_host(std::string host, std::uint16_t port) {
  const tcp_endpoints candidates = co_await resolve(std::move(host), port, false);
  std::vector<boost::system::system_error> errors;
  for (const auto& one : candidates) {
    try {
      co_return co_await connect_to(one);
    } catch (const boost::system::system_error& error) {
      errors.push_back(error);
    }
  }
  throw_connect_errors(errors);
}

}  // namespace aio::detail
