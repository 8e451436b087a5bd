// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What may be said about connections and servers beyond their address.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/net/ssl_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace aio {

/// A host and a port in an option, or none: `.local_addr = {"0.0.0.0", 0}`. The host
/// is copied by the function that takes the option.
class host_and_port {
 public:
  constexpr host_and_port() noexcept = default;
  constexpr host_and_port(std::string_view host, std::uint16_t port) noexcept
      : host_(host), port_(port), has_value_(true) {}

  constexpr bool has_value() const noexcept { return has_value_; }
  constexpr std::string_view host() const noexcept { return host_; }
  constexpr std::uint16_t port() const noexcept { return port_; }

 private:
  std::string_view host_;
  std::uint16_t port_ = 0;
  bool has_value_ = false;
};

/// Options are named in this order: `{.family = AF_INET, .limit = 1 << 20}`.
///
/// Like: the keyword arguments of loop.create_connection
struct connect_options {
  /// TLS with this context: `.ssl = aio::ssl_context::client()`.
  ssl_option ssl = {};
  /// AF_INET or AF_INET6: only such addresses. 0: both.
  int family = 0;
  /// Of the socket, and for the resolver: IPPROTO_TCP and the like; 0: the usual one.
  int proto = 0;
  /// For the resolver: AI_ADDRCONFIG and the like.
  int flags = 0;
  /// A connected socket, which is taken over; there is then no host and no port.
  int sock = -1;
  /// Where to connect from.
  host_and_port local_addr = {};
  /// With ssl: whose certificate it must be, if not that of the host.
  std::optional<std::string_view> server_hostname = {};
  /// With ssl: how long the handshake may take (default: 60 s).
  time_limit ssl_handshake_timeout = {};
  /// With ssl: how long an orderly close may take before the connection is aborted
  /// (default: 30 s).
  time_limit ssl_shutdown_timeout = {};
  /// When to try the next address of the host beside one that does not answer; nothing
  /// (or zero): only when that has failed.
  ///
  /// Like: happy_eyeballs_delay, RFC 8305
  time_limit happy_eyeballs = std::chrono::milliseconds(250);
  /// After how many addresses of the first family the families take turns; 0: they keep
  /// the order of the resolver. If not given 1, or 0 without `happy_eyeballs`.
  std::optional<int> interleave = {};
  /// If no address can be reached: throw the errors of all as an exception_group.
  bool all_errors = false;
  /// Bytes that readline() and readuntil() look through at most; half of what is
  /// buffered before the peer is held back. Streams only.
  std::size_t limit = 64 * 1024;
};

/// Options are named in this order.
///
/// Like: the keyword arguments of loop.create_server
struct server_options {
  /// Bytes that readline() and readuntil() look through at most. Streams only.
  std::size_t limit = 64 * 1024;
  /// Connections that may wait to be accepted.
  int backlog = 100;
  /// Several sockets may listen on the port; the kernel spreads the connections.
  bool reuse_port = false;
  /// TLS with this context: `.ssl = aio::ssl_context::server("cert.pem", "key.pem")`.
  ssl_option ssl = {};
  /// With ssl: how long a handshake may take (default: 60 s).
  time_limit ssl_handshake_timeout = {};
  /// With ssl: how long an orderly close may take before the connection is aborted
  /// (default: 30 s).
  time_limit ssl_shutdown_timeout = {};
  /// A port whose last connections still linger may be taken.
  bool reuse_address = true;
  /// AF_INET or AF_INET6: only such addresses. 0: both.
  int family = 0;
  /// The kernel asks peers that say nothing for long whether they are still there.
  bool keep_alive = false;
  /// A socket that is bound, which is taken over; there is then no address.
  int sock = -1;
  /// Remove the file of a unix socket when the server closes.
  bool cleanup_socket = true;
  /// Accept at once; else start_serving() begins.
  bool start_serving = true;
};

}  // namespace aio
