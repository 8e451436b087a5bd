// chat_client: a chat in the terminal. What is typed goes to the server; what the
// server sends is printed as it comes, also while one types.
//
//   $ chat_client [HOST] [PORT]      (until Ctrl-D, Ctrl-C, or the server ends)
//
// Input from a pipe or a file works as well.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>

#include "support/program.hpp"

aio::coro<> send_what_is_typed(aio::stream_writer writer) {
  try {
    aio::stream_reader keys = aio::stdin_reader();
    for (;;) {
      const std::string text = co_await keys.read(4096);
      if (text.empty()) break;
      writer.write(text);
      co_await writer.drain();
    }
    writer.write_eof();  // the server closes when it has read everything
  } catch (const std::exception& error) {
    // Of a lost connection the reading side tells.
    if (!writer.is_closing()) fmt::print(stderr, "chat_client: {}\n", error.what());
    writer.close();
  }
}

aio::coro<int> chat(support::address server) {
  auto [reader, writer] = co_await aio::open_connection(server.host, server.port);
  auto typing = aio::create_task(send_what_is_typed(writer));
  for (;;) {
    const std::string text = co_await reader.read(65536);
    if (text.empty()) break;
    fmt::print("{}", text);
    std::fflush(stdout);
  }
  if (!typing.done()) fmt::print(stderr, "The server has closed the connection.\n");
  co_return 0;
}

int main(int argc, char** argv) {
  const int code =
      support::run("chat_client", chat(support::parse_address(argc, argv)));
  return code == 130 ? 0 : code;  // Ctrl-C is a way to leave
}
