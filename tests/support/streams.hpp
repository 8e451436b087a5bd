// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Both ends of a connection in one test.

#pragma once

#include <aio/net.hpp>

#include <support/net.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace test {

/// One end of a connection.
struct end_of_stream {
  aio::stream_reader reader;
  aio::stream_writer writer;
};

/// A connection from `client` to `server`; nobody listens any more.
struct stream_link {
  end_of_stream client;
  end_of_stream server;
};

inline aio::coro<stream_link> connect_streams(aio::event_loop& loop,
                                              std::size_t limit = 64 * 1024) {
  std::optional<end_of_stream> accepted;
  auto came = loop.create_future();
  auto keep = [&](aio::stream_reader reader, aio::stream_writer writer) {
    accepted.emplace(end_of_stream{std::move(reader), std::move(writer)});
    came.set_result();
  };
  auto server = co_await aio::start_server(keep, "127.0.0.1", 0, {.limit = limit});
  auto pair =
      co_await aio::open_connection("127.0.0.1", server.port(), {.limit = limit});
  co_await came;
  server.close();
  stream_link made{{std::move(pair.first), std::move(pair.second)},
                   *std::move(accepted)};
  co_return made;
}

/// Writes until the kernel takes no more and the queue is above its high-water mark.
/// Returns how many bytes that took.
inline std::size_t fill(const aio::stream_writer& writer) {
  const std::string chunk(64 * 1024, 'f');
  const std::size_t high = writer.transport().get_write_buffer_limits().second;
  std::size_t written = 0;
  while (writer.transport().get_write_buffer_size() <= high) {
    writer.write(chunk);
    written += chunk.size();
  }
  return written;
}

}  // namespace test
