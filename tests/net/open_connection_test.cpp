// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/open_connection.hpp>

#include <support/net.hpp>
#include <support/protocols.hpp>
#include <support/raw_socket.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

std::uint16_t closed_port() { return test::raw_socket::listening().port(); }

}  // namespace

AIO_NET_TEST("open_connection: a numeric address needs no thread",
             "[net][open_connection]") {
  auto listener = test::raw_socket::listening();
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", listener.port());
  test::raw_socket peer = listener.accept();
  CHECK(writer.peername().port() == listener.port());
  CHECK(writer.peername().address() == "127.0.0.1");
  writer.write("ping");
  CHECK(peer.receive() == "ping");
  peer.send("pong");
  const std::string answer = co_await reader.readexactly(4);
  CHECK(answer == "pong");
}

AIO_NET_TEST("open_connection: an empty host is this machine",
             "[net][open_connection]") {
  auto listener = test::raw_socket::listening();
  auto [reader, writer] = co_await aio::open_connection("", listener.port());
  CHECK(writer.peername().address() == "127.0.0.1");
}

AIO_NET_TEST("open_connection: a closed port is an error that names it",
             "[net][open_connection]") {
  const std::uint16_t port = closed_port();
  std::string text;
  bool refused = false;
  try {
    static_cast<void>(co_await aio::open_connection("127.0.0.1", port));
  } catch (const boost::system::system_error& error) {
    refused = error.code() == boost::system::errc::connection_refused;
    text = error.what();
  }
  CHECK(refused);
  CHECK_THAT(text,
             ContainsSubstring("cannot connect to 127.0.0.1:" + std::to_string(port)));
  CHECK_THAT(text, ContainsSubstring("refused"));
}

AIO_NET_TEST("open_connection: a host that does not exist is an error that names it",
             "[net][open_connection]") {
  const std::string host(70, 'x');  // no name has a label as long
  bool resolver = false;
  std::string text;
  try {
    static_cast<void>(co_await aio::open_connection(host, 80));
  } catch (const boost::system::system_error& error) {
    resolver = error.code().category() == boost::asio::error::get_netdb_category() ||
               error.code().category() == boost::asio::error::get_addrinfo_category();
    text = error.what();
  }
  CHECK(resolver);
  CHECK_THAT(text, ContainsSubstring("cannot resolve the host '" + host + "'"));
}

AIO_NET_TEST("open_connection: a limit of 0 is refused at once",
             "[net][open_connection]") {
  CHECK_THROWS_AS(aio::open_connection("127.0.0.1", 1, {.limit = 0}),
                  std::invalid_argument);
  co_return;
}

AIO_NET_TEST("open_connection: cancelled while nobody answers it gives up at once",
             "[net][open_connection]") {
  const test::silent_listener silent;
  const std::size_t before = test::open_descriptors();
  auto connecting = aio::create_task(
      ending(aio::open_connection("127.0.0.1", silent.listener.port())));
  co_await test::polls(5);
  REQUIRE_FALSE(connecting.done());
  CHECK(test::open_descriptors() == before + 1);
  const auto cancelled_at = loop.time();
  connecting.cancel();
  const std::string how = co_await connecting;
  CHECK(how == "cancelled");
  CHECK(loop.time() - cancelled_at < 1s);
  co_await test::polls(2);
  CHECK(test::open_descriptors() == before);
}

AIO_NET_TEST("open_connection: a time limit ends an attempt that nobody answers",
             "[net][open_connection]") {
  const test::silent_listener silent;
  auto connecting = aio::open_connection("127.0.0.1", silent.listener.port());
  const std::string how = co_await ending(aio::wait_for(std::move(connecting), 10ms));
  CHECK(how == "timeout");
}

AIO_NET_TEST("open_connection: cancelled while its host is looked up it gives up",
             "[net][open_connection]") {
  auto connecting = aio::create_task(ending(aio::open_connection("localhost", 1)));
  co_await test::turns(1);
  REQUIRE_FALSE(connecting.done());
  connecting.cancel();
  const std::string how = co_await connecting;
  CHECK(how == "cancelled");
}

AIO_NET_TEST("open_connection: cancelled before it starts it opens nothing",
             "[net][open_connection]") {
  auto listener = test::raw_socket::listening();
  const std::size_t before = test::open_descriptors();
  auto connecting =
      aio::create_task(aio::open_connection("127.0.0.1", listener.port()));
  connecting.cancel();
  const std::string how = co_await ending(connecting);
  CHECK(how == "cancelled");
  CHECK(test::open_descriptors() == before);
}

// ----- the same with a protocol -----

AIO_NET_TEST("create_connection: yields the transport and the protocol, made",
             "[net][create_connection]") {
  auto listener = test::raw_socket::listening();
  auto made = co_await loop.create_connection(
      [] { return std::make_unique<test::recorder>(); }, "127.0.0.1", listener.port());
  CHECK(made.second->log == "made");
  CHECK(made.second->transport == made.first);
  CHECK(made.first.get_protocol() == made.second);
  test::raw_socket peer = listener.accept();
  made.first.write("ping");
  CHECK(peer.receive() == "ping");
}

AIO_NET_TEST("create_connection: the factory is not called if there is no connection",
             "[net][create_connection]") {
  int calls = 0;
  auto factory = [&] {
    ++calls;
    return std::make_shared<test::recorder>();
  };
  const std::string refused =
      co_await ending(loop.create_connection(factory, "127.0.0.1", closed_port()));
  CHECK_THAT(refused, ContainsSubstring("cannot connect to"));
  const test::silent_listener silent;
  auto connecting =
      loop.create_connection(factory, "127.0.0.1", silent.listener.port());
  const std::string timeout =
      co_await ending(aio::wait_for(std::move(connecting), 5ms));
  CHECK(timeout == "timeout");
  CHECK(calls == 0);
}

AIO_NET_TEST("create_connection: a factory that throws leaves no socket",
             "[net][create_connection]") {
  auto listener = test::raw_socket::listening();
  const std::size_t before = test::open_descriptors();
  auto factory = []() -> std::shared_ptr<test::recorder> { throw test::boom(); };
  const std::string how =
      co_await ending(loop.create_connection(factory, "127.0.0.1", listener.port()));
  CHECK(how == "boom");
  CHECK(test::open_descriptors() == before);
}

AIO_NET_TEST(
    "create_server: a factory that throws refuses one connection, and is reported",
    "[net][create_server]") {
  int calls = 0;
  auto factory = [&] {
    if (++calls == 1) throw test::boom();
    return std::make_shared<test::recorder>();
  };
  auto server = co_await loop.create_server(factory, "127.0.0.1", 0);
  test::raw_socket first = test::raw_socket::connected_to(server.port());
  const auto is_reported = [&] { return reports.count() == 1; };
  co_await test::until(is_reported);
  CHECK(reports.take() == "boom");
  CHECK(first.receive().empty());
  test::raw_socket second = test::raw_socket::connected_to(server.port());
  const auto is_served = [&] { return calls == 2; };
  co_await test::until(is_served);
}
