// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/create_server.hpp>
#include <aio/net/open_connection.hpp>
#include <aio/net/start_server.hpp>
#include <aio/net/unix.hpp>

#include <support/net.hpp>
#include <support/protocols.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using test::recorder;

namespace {

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string data = co_await reader.read(4096);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
}

aio::coro<> end(aio::server server) {
  server.close();
  co_await server.wait_closed();
}

}  // namespace

AIO_NET_TEST("create_server: on a socket that was bound elsewhere", "[net][server]") {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const aio::server server =
      co_await aio::start_server(echo, aio::server_options{.sock = socket});
  CHECK(server.native_handles() == std::vector<int>{socket});
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  writer.write("hello\n");
  const std::string line = co_await reader.readline();
  CHECK(line == "hello\n");
  writer.close();
  co_await end(server);
  CHECK(::fcntl(socket, F_GETFD) == -1);
}

AIO_NET_TEST("create_server: either an address or a socket", "[net][server]") {
  const aio::server_options none{};
  const aio::server_options one{.sock = 0};
  CHECK_THROWS_AS(aio::start_server(echo, none), std::invalid_argument);
  CHECK_THROWS_AS(aio::start_server(echo, "127.0.0.1", 0, one), std::invalid_argument);
  CHECK_THROWS_AS(aio::start_unix_server(echo, "/tmp/s", one), std::invalid_argument);
  const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool is_refused = false;
  try {
    co_await aio::start_server(echo, aio::server_options{.sock = datagrams});
  } catch (const std::invalid_argument&) {
    is_refused = true;
  }
  CHECK(is_refused);
  CHECK(::close(datagrams) == 0);
}

AIO_NET_TEST("create_server: on several hosts, each address once", "[net][server]") {
  const std::vector<std::string> hosts{"127.0.0.1", "127.0.0.2", "127.0.0.1"};
  const aio::server server = co_await aio::start_server(echo, hosts, 0);
  REQUIRE(server.endpoints().size() == 2);
  CHECK(server.endpoints()[0].address() == "127.0.0.1");
  CHECK(server.endpoints()[1].address() == "127.0.0.2");
  for (const auto& where : server.endpoints()) {
    auto [reader, writer] =
        co_await aio::open_connection(where.address(), where.port());
    writer.write("hello\n");
    const std::string line = co_await reader.readline();
    CHECK(line == "hello\n");
  }
  server.close();
  co_await server.wait_closed();
}

AIO_NET_TEST("create_server: only one family, and keep-alive", "[net][server]") {
  const aio::server_options options{.family = AF_INET, .keep_alive = true};
  int kept_alive = 0;
  const auto look = [&](aio::stream_reader, aio::stream_writer writer) {
    socklen_t size = sizeof kept_alive;
    ::getsockopt(writer.transport().native_handle(), SOL_SOCKET, SO_KEEPALIVE,
                 &kept_alive, &size);
  };
  const aio::server server = co_await aio::start_server(look, "", 0, options);
  REQUIRE(server.endpoints().size() == 1);
  CHECK_FALSE(server.endpoints()[0].is_v6());
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string nothing = co_await reader.read();
  CHECK(nothing.empty());
  CHECK(kept_alive == 1);
  server.close();
}

AIO_NET_TEST("create_server: a connection that was accepted elsewhere",
             "[net][server]") {
  int both[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
  auto served = std::make_shared<recorder>();
  const auto make = [&] { return served; };
  auto [transport, same] = co_await loop.connect_accepted_socket(make, both[0]);
  CHECK(same == served);
  CHECK(transport.native_handle() == both[0]);
  const aio::connect_options other{.sock = both[1]};
  auto [reader, writer] = co_await aio::open_connection(other);
  writer.write("hello");
  auto come = test::until([&] { return served->received == "hello"; });
  co_await std::move(come);
  transport.write("bye");
  transport.close();
  const std::string bye = co_await reader.read();
  CHECK(bye == "bye");

  const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool is_refused = false;
  try {
    co_await loop.connect_accepted_socket(make, datagrams);
  } catch (const std::invalid_argument&) {
    is_refused = true;
  }
  CHECK(is_refused);
  CHECK(::close(datagrams) == 0);
}
