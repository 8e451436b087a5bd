// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>
#include <cstdint>

namespace demo_echo_server {
using namespace conformance;

aio::coro<> handle_echo(aio::stream_reader reader, aio::stream_writer writer) {
  const std::string message = co_await reader.read(100);
  const std::string host = writer.peername().address();
  print(fmt::format("server: received {} from {}", message, host));
  writer.write(message);
  co_await writer.drain();
  print("server: close the connection");
  writer.close();
  co_await writer.wait_closed();
}

aio::coro<> tcp_echo_client(std::uint16_t port, std::string message) {
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  print("client: send", message);
  writer.write(message);
  co_await writer.drain();
  const std::string data = co_await reader.read();
  print("client: received", data);
  writer.close();
  co_await writer.wait_closed();
}

aio::coro<> talk(std::uint16_t port) {
  const std::array<std::string, 2> messages{"Hello", "World"};
  for (const std::string& message : messages) {
    co_await tcp_echo_client(port, message);
  }
  // a client that says nothing
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  writer.write_eof();
  const std::string received = co_await reader.read();
  print("silent client: received", received.size(), "bytes");
  writer.close();
  co_await writer.wait_closed();
}

aio::coro<> amain() {
  aio::server server = co_await aio::start_server(handle_echo, "127.0.0.1", 0);
  const std::uint16_t port = server.port();
  co_await aio::with(server, [port](const aio::server&) { return talk(port); });
  print("server closed, serving", server.is_serving());
}

AIO_TWIN(demo_echo_server) { aio::run(amain()); }

}  // namespace demo_echo_server
