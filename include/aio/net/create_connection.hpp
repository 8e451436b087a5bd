// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Connects a protocol to a server.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/connect.hpp>
#include <aio/net/detail/handshake_wait.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/options.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/stream_transport.hpp>
#include <aio/net/transport.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace aio {
namespace detail {

/// Whatever smart pointer a factory returns, shared.
template <class Factory>
auto make_protocol(Factory& factory) {
  using pointer = std::invoke_result_t<Factory&>;
  using type = typename std::pointer_traits<pointer>::element_type;
  static_assert(std::derived_from<type, base_protocol>,
                "the factory must return a std::unique_ptr or std::shared_ptr to a "
                "protocol");
  return std::shared_ptr<type>(std::invoke(factory));
}

inline intrusive_ptr<stream_transport> make_transport(event_loop& loop,
                                                      connected_socket socket) {
  return intrusive_ptr<stream_transport>(
      new stream_transport(loop, std::move(socket.fd), std::move(socket.peer)));
}

template <class Factory>
auto connect_protocol(event_loop& loop, Factory factory, connect_target target)
    -> coro<std::pair<transport, decltype(make_protocol(factory))>> {
  tls_settings tls = std::move(target.tls);
  connected_socket socket = co_await connect_to(loop, std::move(target));
  auto protocol = make_protocol(factory);
  auto starting = start_transport(make_transport(loop, std::move(socket)), protocol,
                                  std::move(tls));
  transport made = co_await std::move(starting);
  co_return std::pair(std::move(made), std::move(protocol));
}

}  // namespace detail

/// Connects to `host` (a name or numeric address) and hands the connection to
/// `factory()`, which returns a std::unique_ptr or std::shared_ptr to a protocol.
///
///     auto [transport, protocol] =
///         co_await loop.create_connection(factory, "127.0.0.1", 8888);
///
/// If the name has several addresses, the next one is tried beside one that has not
/// answered for a while; see connect_options.
///
/// Returns:      the transport and a shared pointer to the protocol, after
///               connection_made()
/// Cancellation: gives all attempts up; the factory is not called.
/// Throws:       boost::system::system_error – the host is unknown; connect_error –
///               nobody listens (or an exception_group of them, see connect_options);
///               ssl_error – see ssl_context; std::invalid_argument – options that
///               contradict each other; cancelled_error
/// Like:         loop.create_connection
template <class Factory, class Options>
auto event_loop::create_connection(Factory factory, std::string_view host,
                                   std::uint16_t port, Options options) {
  return detail::connect_protocol(*this, std::move(factory),
                                  detail::connect_target(host, port, options));
}

/// The same with a socket that is connected already: `{.sock = fd}`. It belongs to the
/// connection from the await on.
///
/// Cancellation, Throws: see above
template <class Factory, class Options>
auto event_loop::create_connection(Factory factory, Options options) {
  return detail::connect_protocol(*this, std::move(factory),
                                  detail::connect_target(options));
}

}  // namespace aio
