// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Connections without sockets: two streams, or two protocols.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/net/transport.hpp>
#include <aio/testing/memory_transport.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace aio {
namespace testing {

struct memory_options {
  /// Of the two readers, as that of open_connection().
  std::size_t limit = stream_reader::default_limit;

  /// At most so many bytes arrive at an end per turn of the loop; none: all that were
  /// written. With 1 a reader sees every place at which a network could cut.
  std::optional<std::size_t> piece = {};
};

/// One end of a connection.
struct memory_stream {
  stream_reader reader;
  stream_writer writer;
};

/// Both ends.
struct memory_link {
  memory_stream client;
  memory_stream server;
};

}  // namespace testing

namespace detail {

using memory_transport_pair =
    std::pair<intrusive_ptr<memory_transport>, intrusive_ptr<memory_transport>>;

/// The client and the server, from the addresses that are set aside for examples.
inline memory_transport_pair make_memory_transports(
    loop_core& loop, const std::optional<std::size_t>& piece) {
  if (piece == 0U) throw std::invalid_argument("memory streams: pieces of 0 bytes");
  const endpoint client("192.0.2.1", 49152);
  const endpoint server("192.0.2.2", 80);
  const std::size_t most = piece.value_or(std::numeric_limits<std::size_t>::max());
  memory_transport_pair made(
      intrusive_ptr(new memory_transport(loop, client, server, most)),
      intrusive_ptr(new memory_transport(loop, server, client, most)));
  made.first->connect(*made.second);
  return made;
}

inline void start_memory_transports(const memory_transport_pair& both,
                                    std::shared_ptr<base_protocol> client,
                                    std::shared_ptr<base_protocol> server) {
  both.first->set_protocol(client);
  both.second->set_protocol(server);
  both.first->start(std::move(client));
  both.second->start(std::move(server));
}

}  // namespace detail

namespace testing {

/// Makes a connection within the process: two real readers and writers, no sockets.
///
///     auto [client, server] = aio::testing::memory_streams();
///     aio::create_task(echo, std::move(server.reader), std::move(server.writer));
///     client.writer.write("hello\n");
///     std::string line = co_await client.reader.readline();
///
/// Bytes arrive on the next turn of the loop, and until the other end has taken them
/// they count in the queue of the writer: drain() waits for a peer that does not read,
/// from the high-water mark on. Half-close, close, abort and a lost peer behave as on a
/// socket: who closes with bytes that it has not received, or is written to after its
/// end, breaks the connection of the other (connection_reset).
///
/// The last writer of an end that goes closes it, so give a handler its writer by
/// std::move, as a server does.
///
/// Throws: usage_error – no running loop; std::invalid_argument – a limit or piece of 0
inline memory_link memory_streams(const memory_options& options = {}) {
  using connection = detail::stream_connection;
  detail::loop_core& loop = detail::loop_core::require_running();
  const detail::intrusive_ptr<connection> client(new connection(loop, options.limit));
  const detail::intrusive_ptr<connection> server(new connection(loop, options.limit));
  const auto both = detail::make_memory_transports(loop, options.piece);
  memory_link made{{stream_reader(client), stream_writer(client)},
                   {stream_reader(server), stream_writer(server)}};
  detail::start_memory_transports(both, connection::as_protocol(client),
                                  connection::as_protocol(server));
  return made;
}

/// Connects two protocols, client and server, in the same way. Returns their transports
/// in that order.
///
/// Throws: usage_error – no running loop; std::invalid_argument – a piece of 0, or one
///         derives neither from aio::protocol nor from aio::buffered_protocol
inline std::pair<transport, transport> memory_transports(
    std::shared_ptr<base_protocol> client, std::shared_ptr<base_protocol> server,
    const memory_options& options = {}) {
  detail::loop_core& loop = detail::loop_core::require_running();
  const auto both = detail::make_memory_transports(loop, options.piece);
  std::pair<transport, transport> made(transport(both.first), transport(both.second));
  detail::start_memory_transports(both, std::move(client), std::move(server));
  return made;
}

}  // namespace testing
}  // namespace aio
