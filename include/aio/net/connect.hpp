// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A connected socket, to a host or given.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/connect_race.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/options.hpp>
#include <aio/net/resolve.hpp>

#include <boost/asio/error.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// Options as they are kept: with strings of their own.
struct connect_target {
  connect_target(std::string_view to_host, std::uint16_t to_port,
                 const connect_options& given)
      : connect_target(given, to_host) {
    port = to_port;
    has_host = true;
  }
  explicit connect_target(const connect_options& given) : connect_target(given, {}) {}

  bool has_local_addr() const noexcept { return options.local_addr.has_value(); }

  std::string host;
  std::uint16_t port = 0;
  bool has_host = false;
  std::string local_host;
  connect_options options;
  tls_settings tls;

 private:
  connect_target(const connect_options& given, std::string_view to_host)
      : host(to_host),
        local_host(given.local_addr.host()),
        options(given),
        tls(client_tls(given, to_host)) {
    // Nothing in it may refer to what the caller has.
    if (given.local_addr.has_value()) {
      options.local_addr = host_and_port(std::string_view(), given.local_addr.port());
    }
    options.ssl = {};
    options.server_hostname.reset();
  }
};

/// A socket that somebody else has connected.
inline connected_socket take_over(int fd) {
  check_stream_socket(fd);
  set_nonblocking(fd);
  connected_socket taken;
  taken.peer = remote_endpoint(fd);
  taken.fd = descriptor(fd);
  return taken;
}

inline coro<tcp_endpoints> resolve_for(std::string host, std::uint16_t port,
                                       const connect_options& options) {
  return resolve(
      std::move(host), port,
      getaddrinfo_options{
          .family = options.family, .proto = options.proto, .flags = options.flags});
}

/// Cancellation: closes all sockets.
/// Throws:       boost::system::system_error – the host is unknown; connect_error,
///               exception_group – it cannot be reached; std::invalid_argument –
///               options that contradict each other; cancelled_error
inline coro<connected_socket> connect_to(event_loop& loop, connect_target target) {
  const bool has_socket = target.options.sock >= 0;
  if (has_socket == target.has_host) {
    throw std::invalid_argument(
        has_socket ? "connecting takes either a host and a port, or a socket, not both"
                   : "connecting takes a host and a port, or a socket");
  }
  if (has_socket) co_return take_over(target.options.sock);

  auto candidates = resolve_for(std::move(target.host), target.port, target.options);
  tcp_endpoints found = co_await std::move(candidates);
  if (found.empty()) throw_error(boost::asio::error::host_not_found, "no address");
  std::optional<tcp_endpoints> locals;
  if (target.has_local_addr()) {
    auto local = resolve_for(std::move(target.local_host),
                             target.options.local_addr.port(), target.options);
    locals = co_await std::move(local);
  }
  auto connected =
      connect_to_any(loop, std::move(found), std::move(locals), target.options);
  co_return co_await std::move(connected);
}

}  // namespace aio::detail
