// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Connects, and returns a reader and a writer.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace aio {

using stream_pair = std::pair<stream_reader, stream_writer>;

namespace detail {

inline coro<stream_pair> connect_streams(connect_target target) {
  event_loop& loop = get_running_loop();
  const std::size_t limit = target.options.limit;
  tls_settings tls = std::move(target.tls);
  connected_socket socket = co_await connect_to(loop, std::move(target));
  const intrusive_ptr<stream_connection> streams(
      new stream_connection(loop.core(), limit));
  stream_pair both{stream_reader(streams), stream_writer(streams)};
  auto starting =
      start_transport(make_transport(loop, std::move(socket)),
                      stream_connection::as_protocol(streams), std::move(tls));
  co_await std::move(starting);
  co_return both;
}

}  // namespace detail

/// Connects to `host` (a name or numeric address).
///
///     auto [reader, writer] = co_await aio::open_connection("127.0.0.1", 8888);
///
/// If the name has several addresses, the next one is tried beside one that has not
/// answered for a while; see connect_options.
///
/// Cancellation: gives all attempts up and closes their sockets.
/// Throws:       boost::system::system_error – the host is unknown; connect_error –
///               nobody listens (or an exception_group of them, see connect_options);
///               ssl_error – see ssl_context; std::invalid_argument – a limit of 0 (at
///               the call), or options that contradict each other; cancelled_error
/// Like:         asyncio.open_connection
inline coro<stream_pair> open_connection(std::string_view host, std::uint16_t port,
                                         connect_options options = {}) {
  if (options.limit == 0) throw std::invalid_argument("open_connection: a limit of 0");
  return detail::connect_streams(detail::connect_target(host, port, options));
}

/// The same with a socket that is connected already: `{.sock = fd}`. It belongs to the
/// streams from the await on.
///
/// Cancellation, Throws: see above
inline coro<stream_pair> open_connection(connect_options options) {
  if (options.limit == 0) throw std::invalid_argument("open_connection: a limit of 0");
  return detail::connect_streams(detail::connect_target(options));
}

}  // namespace aio
