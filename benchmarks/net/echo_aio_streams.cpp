// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The echo server on streams: a coroutine for each client, and one buffer for all, since
// nobody else runs between a read and the write behind it.

#include <aio/aio.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#include "server.hpp"

namespace {

std::array<std::byte, 65536> buffer;

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::size_t n = co_await reader.read_some(buffer);
    if (n == 0) break;
    writer.write({reinterpret_cast<const char*>(buffer.data()), n});
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

aio::coro<> serve(bench::address address) {
  auto server = co_await aio::start_server(echo, address.host, address.port);
  bench::announce(address.host, server.port());
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) { aio::run(serve(bench::start_up(argc, argv))); }
