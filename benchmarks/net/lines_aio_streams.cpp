// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The server that reads line by line and answers each, as a user of streams writes it.

#include <aio/aio.hpp>

#include "server.hpp"

namespace {

aio::coro<> answer(aio::stream_reader reader, aio::stream_writer writer) {
  while (const auto line = co_await reader.next_line()) {
    writer.write(*line);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

aio::coro<> serve(bench::address address) {
  auto server = co_await aio::start_server(answer, address.host, address.port);
  bench::announce(address.host, server.port());
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) { aio::run(serve(bench::start_up(argc, argv))); }
