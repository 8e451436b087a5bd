// echo_client: sends messages to an echo server, one after the other, and checks that
// each comes back.
//
//   $ echo_client [HOST] [PORT] [MESSAGE...]
//   Send: 'Hello World!'
//   Received: 'Hello World!'
//   Close the connection
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/program.hpp"

aio::coro<int> echo_client(support::address server, std::vector<std::string> messages) {
  auto [reader, writer] = co_await aio::open_connection(server.host, server.port);
  for (const std::string& message : messages) {
    fmt::print("Send: '{}'\n", message);
    writer.write(message);
    co_await writer.drain();

    const std::string data = co_await reader.readexactly(message.size());
    fmt::print("Received: '{}'\n", data);
    if (data != message) throw std::runtime_error("that is not what was sent");
  }
  fmt::print("Close the connection\n");
  writer.close();
  co_await writer.wait_closed();
  co_return 0;
}

int main(int argc, char** argv) {
  const auto server =
      support::parse_address(argc, argv, "[HOST] [PORT] [MESSAGE...]", argc);
  std::vector<std::string> messages{"Hello World!"};
  if (argc > 3) messages.assign(argv + 3, argv + argc);
  return support::run("echo_client", echo_client(server, std::move(messages)));
}
