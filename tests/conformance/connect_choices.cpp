// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <sstream>

namespace connect_choices {
using namespace conformance;

int tcp() { return ::socket(AF_INET, SOCK_STREAM, 0); }

std::uint16_t bind_to_any_port(int fd) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) abort();
  return aio::detail::local_endpoint(fd).port();
}

aio::coro<> handle(aio::stream_reader reader, aio::stream_writer writer) {
  const aio::endpoint peer = writer.peername();
  writer.write(fmt::format("{} {}\n", peer.address(), peer.port()));
  static_cast<void>(co_await reader.read());
  writer.close();
}

aio::coro<std::uint16_t> session(std::string what,
                                 aio::coro<aio::stream_pair> connecting) {
  auto [reader, writer] = co_await std::move(connecting);
  std::istringstream line(co_await reader.readline());
  std::string host;
  std::uint16_t port = 0;
  line >> host >> port;
  print(what, "server sees", host, "same port", port == writer.sockname().port());
  writer.close();
  co_await writer.wait_closed();
  co_return port;
}

aio::coro<> amain() {
  const int listening = tcp();
  const std::uint16_t port = bind_to_any_port(listening);
  aio::server server = co_await aio::start_server(handle, {.sock = listening});
  print("server takes over the socket:", server.port() == port);

  using aio::open_connection;
  co_await session("address:", open_connection("127.0.0.1", port));
  // every address of the name is tried, with a delay or one after the other
  co_await session(
      "name:", open_connection("localhost", port, {.happy_eyeballs = std::nullopt}));
  co_await session("happy eyeballs:",
                   open_connection("localhost", port, {.happy_eyeballs = 200ms}));

  const int probe = tcp();
  const std::uint16_t free = bind_to_any_port(probe);
  ::close(probe);
  const std::uint16_t used = co_await session(
      "local address:",
      open_connection("127.0.0.1", port, {.local_addr = {"127.0.0.1", free}}));
  print("from the wanted port", used == free);

  const int ready = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  co_await aio::get_running_loop().sock_connect(ready,
                                                aio::endpoint("127.0.0.1", port));
  co_await session("connected socket:", open_connection({.sock = ready}));

  try {
    co_await session("both:", open_connection("127.0.0.1", port, {.sock = ready}));
  } catch (const value_error&) {
    print("host and sock together:", label());
  }
  server.close();
  co_await server.wait_closed();
}

AIO_TWIN(connect_choices) { aio::run(amain()); }

}  // namespace connect_choices
