// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// TLS on a connection that exists already.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/handshake_wait.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/ssl_context.hpp>
#include <aio/net/tls_transport.hpp>
#include <aio/net/transport.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio {

/// Like: the keyword arguments of loop.start_tls
struct start_tls_options {
  /// Which side we are on; if not given, that of the context.
  std::optional<bool> server_side = {};
  /// For the client's side: whose certificate it must be.
  std::optional<std::string_view> server_hostname = {};
  /// How long the handshake may take (default: 60 s).
  time_limit ssl_handshake_timeout = {};
  /// How long an orderly close may take before the connection is aborted (default:
  /// 30 s).
  time_limit ssl_shutdown_timeout = {};
};

namespace detail {

/// Throws: std::invalid_argument
inline tls_settings start_tls_settings(const ssl_context& context,
                                       const start_tls_options& options) {
  const bool server_side = options.server_side.value_or(context.impl().is_server());
  if (!server_side) {
    return client_tls(context, options.server_hostname, {},
                      options.ssl_handshake_timeout, options.ssl_shutdown_timeout);
  }
  if (options.server_hostname) {
    throw std::invalid_argument("server_hostname is only meaningful for a client");
  }
  return server_tls(context, options.ssl_handshake_timeout,
                    options.ssl_shutdown_timeout);
}

inline void check_can_start_tls(const transport& below) {
  if (below.is_closing()) throw usage_error("start_tls: the connection is closing");
}

inline coro<transport> secure_transport(loop_core& loop, transport below,
                                        std::shared_ptr<base_protocol> protocol,
                                        tls_settings settings) {
  check_can_start_tls(below);
  const intrusive_ptr<tls_transport> secured(new tls_transport(
      loop, intrusive_ptr<stream_interface>(&below.impl()), settings));
  auto handshake = upgrade_transport(secured, std::move(protocol), {});
  co_await std::move(handshake);
  co_return transport(secured);
}

}  // namespace detail

/// Puts TLS between `below` and `protocol`, which has had the connection so far (or gets
/// it now): it is not told connection_made() again.
///
///     transport = co_await loop.start_tls(transport, protocol, context,
///                                         {.server_hostname = "example.org"});
///
/// Both sides must have agreed on it in plaintext, and the protocol must have taken all
/// that belongs to that. What comes from now on is TLS or breaks the handshake; it never
/// passes as plaintext.
///
/// Returns:      the transport to use from now on
/// Cancellation: the connection is aborted.
/// Throws:       ssl_error – see ssl_context; boost::system::system_error – the
///               connection broke, or the handshake took too long; usage_error – it is
///               closing; std::invalid_argument – options that do not go together
/// Like:         loop.start_tls
template <class Options>
coro<transport> event_loop::start_tls(transport below,
                                      std::shared_ptr<base_protocol> protocol,
                                      const ssl_context& context, Options options) {
  return detail::secure_transport(core(), std::move(below), std::move(protocol),
                                  detail::start_tls_settings(context, options));
}

}  // namespace aio
