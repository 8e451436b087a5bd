// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <cstdint>

namespace server_lifecycle {
using namespace conformance;

aio::coro<> handle(aio::stream_reader reader, aio::stream_writer writer) {
  writer.write("hello\n");
  co_await reader.read();
  writer.close();
}

std::string stripped(std::string line) {
  if (line.ends_with('\n')) line.pop_back();
  return line;
}

aio::coro<std::string> greet(std::uint16_t port) {
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  const std::string line = stripped(co_await reader.readline());
  writer.close();
  co_await writer.wait_closed();
  co_return line;
}

aio::coro<> greet_in_block(const aio::server& server) {
  const std::uint16_t port = server.port();
  const bool is_serving = server.is_serving();
  const std::string line = co_await greet(port);
  print("in the block: serving", is_serving, line);
}

aio::coro<> amain() {
  aio::server server =
      co_await aio::start_server(handle, "127.0.0.1", 0, {.start_serving = false});
  std::uint16_t port = server.port();
  print("created: serving", server.is_serving(), "sockets", server.endpoints().size());
  co_await server.start_serving();
  co_await server.start_serving();
  print("started: serving", server.is_serving());
  print(co_await greet(port));

  server.close();
  server.close();
  print("closed: serving", server.is_serving(), "sockets", server.endpoints().size());
  co_await server.wait_closed();
  try {
    co_await greet(port);
  } catch (const boost::system::system_error&) {
    print(label());
  }

  // the context manager closes it
  server = co_await aio::start_server(handle, "127.0.0.1", 0);
  co_await aio::with(server, greet_in_block);
  print("behind it: serving", server.is_serving());

  // an open connection is not touched by close; wait_closed waits for it
  server = co_await aio::start_server(handle, "127.0.0.1", 0);
  port = server.port();
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  print(stripped(co_await reader.readline()));
  server.close();
  const auto waiting = aio::ensure_future(server.wait_closed());
  co_await aio::sleep(30ms);
  print("a connection is open, wait_closed done", waiting.done());
  writer.close();
  co_await waiting;
  print("connection gone, wait_closed done", waiting.done());
}

AIO_TWIN(server_lifecycle) { aio::run(amain()); }

}  // namespace server_lifecycle
