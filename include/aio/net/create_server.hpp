// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Serves connections with protocols.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/detail/handshake_wait.hpp>
#include <aio/net/detail/listen.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/options.hpp>
#include <aio/net/server.hpp>
#include <aio/net/stream_transport.hpp>
#include <aio/net/transport.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

inline coro<server> make_server(event_loop& loop, server_state::acceptor on_accept,
                                std::vector<std::string> hosts, std::uint16_t port,
                                server_options options) {
  co_return server(
      co_await listen_on(loop, std::move(on_accept), std::move(hosts), port, options));
}
inline coro<server> make_server(event_loop& loop, server_state::acceptor on_accept,
                                std::string_view host, std::uint16_t port,
                                const server_options& options) {
  std::vector<std::string> hosts(1, std::string(host));
  return make_server(loop, std::move(on_accept), std::move(hosts), port, options);
}
inline coro<server> make_server(event_loop& loop, server_state::acceptor on_accept,
                                server_options options) {
  co_return server(co_await listen_on_socket(loop, std::move(on_accept), options));
}

/// With an address there is no socket, and without one there is.
inline void check_sock(const server_options& options, bool is_needed) {
  if ((options.sock >= 0) == is_needed) return;
  throw std::invalid_argument(
      is_needed ? "a server needs an address to listen on, or the option sock"
                : "a server has either an address to listen on or the option sock");
}

/// Gives each connection a protocol from `factory()`.
template <class Factory>
server_state::acceptor protocol_acceptor(Factory factory,
                                         const server_options& options) {
  return with_tls(
      [factory = std::move(factory)](server_state& state,
                                     byte_transport& connection) mutable {
        state.serve(connection, make_protocol(factory));
      },
      options);
}

}  // namespace detail

/// Listens on `host` (empty: all interfaces) and `port` (0: the system picks one), and
/// gives each connection a protocol from `factory()`. There may be several hosts.
///
///     auto server = co_await loop.create_server(
///         [] { return std::make_unique<echo>(); }, "127.0.0.1", 8888);
///
/// Cancellation: nothing listens.
/// Throws:       boost::system::system_error – the port is in use, the host unknown;
///               cancelled_error; std::invalid_argument – options that do not go
///               together
/// Like:         loop.create_server
template <class Factory, class Options>
coro<server> event_loop::create_server(Factory factory, std::string_view host,
                                       std::uint16_t port, Options options) {
  detail::check_sock(options, false);
  return detail::make_server(*this,
                             detail::protocol_acceptor(std::move(factory), options),
                             host, port, options);
}
template <class Factory, class Options>
coro<server> event_loop::create_server(Factory factory,
                                       const std::vector<std::string>& hosts,
                                       std::uint16_t port, Options options) {
  detail::check_sock(options, false);
  return detail::make_server(*this,
                             detail::protocol_acceptor(std::move(factory), options),
                             hosts, port, options);
}

/// The same on a socket that was bound elsewhere, the option sock.
///
/// Throws: std::invalid_argument – without the option, or no stream socket
template <class Factory, class Options>
coro<server> event_loop::create_server(Factory factory, Options options) {
  detail::check_sock(options, true);
  return detail::make_server(
      *this, detail::protocol_acceptor(std::move(factory), options), options);
}

namespace detail {

template <class Factory>
auto serve_accepted(event_loop& loop, Factory factory, int fd, tls_settings tls)
    -> coro<std::pair<transport, decltype(make_protocol(factory))>> {
  check_stream_socket(fd);
  set_nonblocking(fd);
  auto protocol = make_protocol(factory);
  const intrusive_ptr<byte_transport> below(
      new stream_transport(loop, descriptor(fd), remote_endpoint(fd)));
  transport made = co_await start_transport(below, protocol, std::move(tls));
  co_return std::pair(std::move(made), std::move(protocol));
}

}  // namespace detail

/// Serves a connection that was accepted elsewhere, by another loop for instance, which
/// spreads them evenly. The descriptor belongs to the connection from the await on.
///
/// `options`: of server_options those that are about TLS
/// Returns:      the transport and a shared pointer to the protocol
/// Cancellation: during a TLS handshake: the connection is aborted.
/// Throws:       std::invalid_argument – no stream socket, which stays yours; ssl_error;
///               boost::system::system_error; cancelled_error
/// Like:         loop.connect_accepted_socket
template <class Factory, class Options>
auto event_loop::connect_accepted_socket(Factory factory, int fd, Options options) {
  return detail::serve_accepted(*this, std::move(factory), fd,
                                detail::server_tls(options));
}

}  // namespace aio
