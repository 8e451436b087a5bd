// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The echo server on streams, in TLS.

#include <aio/aio.hpp>

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

aio::coro<> serve(bench::tls_address where) {
  const auto context = aio::ssl_context::server(where.certificate, where.key);
  auto server =
      co_await aio::start_server(echo, where.host, where.port, {.ssl = context});
  bench::announce(where.host, server.port());
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) { aio::run(serve(bench::start_up_tls(argc, argv))); }
