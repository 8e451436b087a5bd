// echo_server: sends back what each client sends, any number of clients at once, with
// streams: a coroutine per client.
//
//   $ echo_server [HOST] [PORT]
//   Serving on 127.0.0.1:8888        (until Ctrl-C)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <string>

#include "support/program.hpp"

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  try {
    for (;;) {
      const std::string data = co_await reader.read(65536);
      if (data.empty()) break;
      writer.write(data);
      co_await writer.drain();  // a client that does not read is not read from
    }
  } catch (const boost::system::system_error&) {
    // The client has vanished. The others do not notice.
  }
}

aio::coro<int> serve(support::address at) {
  aio::server server = co_await aio::start_server(echo, at.host, at.port);
  co_return co_await support::serve_until_signal(server);
}

int main(int argc, char** argv) {
  return support::run("echo_server", serve(support::parse_address(argc, argv)));
}
