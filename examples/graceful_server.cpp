// graceful_server: a server that ends in order. When Ctrl-C or SIGTERM comes it stops
// listening, lets clients take what was written for them, ten seconds at most, and ends;
// a second Ctrl-C does not wait for them. One line does all that.
//
//   $ graceful_server 127.0.0.1 8888
//   Serving on 127.0.0.1:8888
//
// Each client gets a page of 16 MB. The exit code is 0.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "support/program.hpp"

aio::coro<> send_page(aio::stream_reader, aio::stream_writer writer) {
  std::string page;
  for (int line = 1; line <= 1'000'000; ++line) page += fmt::format("{:15}\n", line);
  writer.write(page);
  co_return;  // which closes the connection when all has been sent
}

aio::coro<int> amain(support::address on) {
  auto server = co_await aio::start_server(send_page, on.host, on.port);
  fmt::print("Serving on {}\n", fmt::join(server.endpoints(), ", "));
  std::fflush(stdout);

  co_await aio::serve_until_signal(server);

  fmt::print("All clients are served\n");
  co_return 0;
}

int main(int argc, char** argv) {
  return support::run(argv[0], amain(support::parse_address(argc, argv)));
}
