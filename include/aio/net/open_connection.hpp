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

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace aio {

using stream_pair = std::pair<stream_reader, stream_writer>;

namespace detail {

inline coro<stream_pair> connect_streams(std::string host, std::uint16_t port,
                                         std::size_t limit) {
  event_loop& loop = get_running_loop();
  connected_socket socket = co_await connect_to_host(std::move(host), port);
  const intrusive_ptr<stream_connection> streams(
      new stream_connection(loop.core(), limit));
  stream_pair both{stream_reader(streams), stream_writer(streams)};
  make_transport(loop, std::move(socket))
      ->start(stream_connection::as_protocol(streams));
  co_return both;
}

}  // namespace detail

/// Connects to `host` (a name or numeric address).
///
///     auto [reader, writer] = co_await aio::open_connection("127.0.0.1", 8888);
///
/// Cancellation: gives the attempt up and closes the socket.
/// Throws:       boost::system::system_error – the host is unknown, nobody listens;
///               cancelled_error; std::invalid_argument – a limit of 0
/// Like:         asyncio.open_connection
inline coro<stream_pair> open_connection(std::string_view host, std::uint16_t port,
                                         connect_options options = {}) {
  if (options.limit == 0) throw std::invalid_argument("open_connection: a limit of 0");
  return detail::connect_streams(std::string(host), port, options.limit);
}

}  // namespace aio
