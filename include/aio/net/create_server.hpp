// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Serves connections with protocols.

#pragma once

#include <aio/net/create_connection.hpp>
#include <aio/net/server.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace aio {
namespace detail {

inline coro<server> make_server(event_loop& loop, server_state::acceptor on_accept,
                                std::string host, std::uint16_t port,
                                server_options options) {
  co_return server(
      co_await listen_on(loop, std::move(on_accept), std::move(host), port, options));
}

}  // namespace detail

/// Listens on `host` (empty: all interfaces) and `port` (0: the system picks one), and
/// gives each connection a protocol from `factory()`.
///
///     auto server = co_await loop.create_server(
///         [] { return std::make_unique<echo>(); }, "127.0.0.1", 8888);
///
/// Cancellation: nothing listens.
/// Throws:       boost::system::system_error – the port is in use, the host unknown;
///               cancelled_error
/// Like:         loop.create_server
template <class Factory, class Options>
coro<server> event_loop::create_server(Factory factory, std::string_view host,
                                       std::uint16_t port, Options options) {
  return detail::make_server(
      *this,
      [factory = std::move(factory)](
          detail::server_state& state,
          detail::intrusive_ptr<detail::stream_transport> connection) mutable {
        auto protocol = detail::make_protocol(factory);
        state.attach(*connection);
        connection->start(std::move(protocol),
                          detail::intrusive_ptr<detail::connection_owner>(&state));
      },
      std::string(host), port, options);
}

}  // namespace aio
