// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The echo server that a user of streams writes: a coroutine for each client.

#include <aio/aio.hpp>

#include <cstdint>
#include <string>

#include "server.hpp"

namespace {

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string data = co_await reader.read(65536);
    if (data.empty()) break;
    writer.write(data);
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
