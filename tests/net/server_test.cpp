// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/server.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>

#include <aio/net.hpp>
#include <aio/task/with.hpp>

#include <netdb.h>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

/// Greets, and stays until the client has closed.
aio::coro<> greet_and_stay(aio::stream_reader reader, aio::stream_writer writer) {
  writer.write("hello\n");
  static_cast<void>(co_await reader.read());
}

aio::coro<aio::server> start(aio::server_options options = {}) {
  return aio::start_server(greet_and_stay, "127.0.0.1", 0, options);
}

/// The first line that the server says; then it hangs up.
aio::coro<std::string> first_line(std::string host, std::uint16_t port) {
  auto [reader, writer] = co_await aio::open_connection(host, port);
  std::string line = co_await reader.readline();
  writer.close();
  co_await writer.wait_closed();
  co_return line;
}

bool is_refused(const std::string& how) {
  return how.find("refused") != std::string::npos;
}

bool can_resolve(const char* host) {
  addrinfo* found = nullptr;
  const bool known = ::getaddrinfo(host, nullptr, nullptr, &found) == 0;
  if (known) ::freeaddrinfo(found);
  return known;
}

}  // namespace

// ----- its life -----

AIO_NET_TEST("server: port 0 picks a port, and it says which", "[net][server]") {
  auto server = co_await start();
  CHECK(server);
  CHECK(server.is_serving());
  CHECK(server.port() != 0);
  REQUIRE(server.endpoints().size() == 1);
  CHECK(server.endpoints()[0].address() == "127.0.0.1");
  CHECK(&server.get_loop() == &loop);
  const std::string line = co_await first_line("127.0.0.1", server.port());
  CHECK(line == "hello\n");
}

AIO_NET_TEST("server: with start_serving off it binds, and waits to be started",
             "[net][server]") {
  auto server = co_await start({.start_serving = false});
  const std::uint16_t port = server.port();
  CHECK_FALSE(server.is_serving());
  CHECK(server.endpoints().size() == 1);
  const std::string early = co_await ending(first_line("127.0.0.1", port));
  CHECK(is_refused(early));
  co_await server.start_serving();
  co_await server.start_serving();  // may be repeated
  CHECK(server.is_serving());
  const std::string line = co_await first_line("127.0.0.1", port);
  CHECK(line == "hello\n");
}

AIO_NET_TEST("server: closed it refuses connections and has no address",
             "[net][server]") {
  auto server = co_await start();
  const std::uint16_t port = server.port();
  server.close();
  server.close();  // may be repeated
  CHECK_FALSE(server.is_serving());
  CHECK(server.endpoints().empty());
  CHECK(server.port() == 0);
  co_await server.wait_closed();
  const std::string how = co_await ending(first_line("127.0.0.1", port));
  CHECK(is_refused(how));
  const std::string again = co_await ending(server.start_serving());
  CHECK(again == "usage");
}

AIO_NET_TEST("server: close leaves open connections alone, wait_closed waits for them",
             "[net][server]") {
  auto server = co_await start();
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string line = co_await reader.readline();
  CHECK(line == "hello\n");
  server.close();
  auto waiting = aio::create_task(ending(server.wait_closed()));
  co_await test::polls(5);
  CHECK_FALSE(waiting.done());
  CHECK_FALSE(writer.is_closing());
  writer.close();
  const std::string how = co_await waiting;
  CHECK(how == "returned");
}

AIO_NET_TEST("server: wait_closed waits also for the close itself", "[net][server]") {
  auto server = co_await start();
  const std::string line = co_await first_line("127.0.0.1", server.port());
  auto waiting = aio::create_task(ending(server.wait_closed()));
  co_await test::polls(5);
  CHECK_FALSE(waiting.done());
  server.close();
  const std::string how = co_await waiting;
  CHECK(how == "returned");
}

AIO_NET_TEST("server: a cancelled wait_closed changes nothing", "[net][server]") {
  auto server = co_await start();
  const std::string how = co_await ending(aio::wait_for(server.wait_closed(), 2ms));
  CHECK(how == "timeout");
  const std::string line = co_await first_line("127.0.0.1", server.port());
  CHECK(line == "hello\n");
}

AIO_NET_TEST("server: connections that were not accepted yet end with it",
             "[net][server]") {
  auto server = co_await start();
  test::raw_socket waiting = test::raw_socket::connected_to(server.port());
  server.close();
  co_await server.wait_closed();
  co_await test::polls(2);
  CHECK(waiting.receive_now().empty());
  CHECK((waiting.is_at_end() || waiting.error() == ECONNRESET));
}

// ----- clients -----

AIO_NET_TEST("server: close_clients closes all, after what they had to send",
             "[net][server]") {
  std::size_t written = 0;
  auto handler = [&](aio::stream_reader reader,
                     aio::stream_writer writer) -> aio::coro<> {
    const std::string chunk(64 * 1024, 'c');
    written = 0;
    while (writer.transport().get_write_buffer_size() < 256 * 1024) {
      writer.write(chunk);
      written += chunk.size();
    }
    static_cast<void>(co_await ending(reader.read()));
    co_await aio::sleep(0s);
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  static_cast<void>(co_await reader.readexactly(1));
  server.close();
  server.close_clients();
  const std::string all = co_await reader.read();
  CHECK(all.size() + 1 == written);
  co_await server.wait_closed();
}

AIO_NET_TEST("server: abort_clients ends all at once", "[net][server]") {
  auto handler = [](aio::stream_reader reader,
                    aio::stream_writer writer) -> aio::coro<> {
    const std::string chunk(64 * 1024, 'c');
    while (writer.transport().get_write_buffer_size() < 256 * 1024) writer.write(chunk);
    static_cast<void>(co_await ending(reader.read()));
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  test::raw_socket one = test::raw_socket::narrow_connected_to(server.port());
  test::raw_socket two = test::raw_socket::narrow_connected_to(server.port());
  co_await test::polls(5);
  server.close();
  auto waiting = aio::create_task(ending(server.wait_closed()));
  co_await test::polls(5);
  CHECK_FALSE(waiting.done());  // they do not read
  server.abort_clients();
  const std::string how = co_await waiting;
  CHECK(how == "returned");
}

// ----- serve_forever -----

AIO_NET_TEST("server: serve_forever starts it, and a cancel closes it",
             "[net][server]") {
  auto server = co_await start({.start_serving = false});
  const std::uint16_t port = server.port();
  auto serving = aio::create_task(server.serve_forever());
  co_await test::turns(1);
  CHECK(server.is_serving());
  for (int i = 0; i < 3; ++i) {
    const std::string line = co_await first_line("127.0.0.1", port);
    CHECK(line == "hello\n");
  }
  const std::string second = co_await ending(server.serve_forever());
  CHECK(second == "usage");
  CHECK(server.is_serving());
  serving.cancel();
  const std::string how = co_await ending(serving);
  CHECK(how == "cancelled");
  CHECK(serving.cancelled());
  CHECK_FALSE(server.is_serving());
  const std::string refused = co_await ending(first_line("127.0.0.1", port));
  CHECK(is_refused(refused));
  const std::string closed = co_await ending(server.serve_forever());
  CHECK(closed == "usage");
}

AIO_NET_TEST("server: serve_forever waits for its connections when it is cancelled",
             "[net][server]") {
  auto server = co_await start();
  auto serving = aio::create_task(server.serve_forever());
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string line = co_await reader.readline();
  serving.cancel("enough");
  co_await test::polls(5);
  CHECK_FALSE(serving.done());
  CHECK_FALSE(server.is_serving());
  writer.close();
  const std::string how = co_await ending(serving);
  CHECK(how == "cancelled: enough");
}

AIO_NET_TEST("server: close from elsewhere ends serve_forever as cancelled",
             "[net][server]") {
  auto server = co_await start();
  auto serving = aio::create_task(server.serve_forever());
  co_await test::turns(1);
  server.close();
  const std::string how = co_await ending(serving);
  CHECK(how == "cancelled");
  CHECK(serving.cancelled());
  CHECK(serving.cancelling() == 0);
}

AIO_NET_TEST("server: closed from elsewhere, serve_forever waits for its connections",
             "[net][server]") {
  auto server = co_await start();
  auto serving = aio::create_task(server.serve_forever());
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string line = co_await reader.readline();
  server.close();
  co_await test::polls(5);
  CHECK_FALSE(serving.done());
  writer.close();
  const std::string how = co_await ending(serving);
  CHECK(how == "cancelled");
}

AIO_NET_TEST("server: serve_forever under a time limit", "[net][server]") {
  auto server = co_await start();
  const std::string how = co_await ending(aio::wait_for(server.serve_forever(), 5ms));
  CHECK(how == "timeout");
  CHECK_FALSE(server.is_serving());
}

AIO_NET_TEST("server: as a resource it is closed at the end of the block",
             "[net][server]") {
  auto server = co_await start();
  auto block = [](aio::server inside) -> aio::coro<std::string> {
    CHECK(inside.is_serving());
    std::string line = co_await first_line("127.0.0.1", inside.port());
    co_return line;
  };
  const std::string line = co_await aio::with(server, block);
  CHECK(line == "hello\n");
  CHECK_FALSE(server.is_serving());
}

// ----- where it listens -----

AIO_NET_TEST("server: an empty host means all interfaces, on one port",
             "[net][server]") {
  auto server = co_await aio::start_server(greet_and_stay, "", 0);
  const std::vector<aio::endpoint> all = server.endpoints();
  REQUIRE_FALSE(all.empty());
  bool v6 = false;
  for (const aio::endpoint& one : all) {
    CHECK(one.port() == server.port());
    v6 = v6 || one.is_v6();
  }
  const std::string line = co_await first_line("127.0.0.1", server.port());
  CHECK(line == "hello\n");
  if (v6) {
    const std::string over_v6 = co_await ending(first_line("::1", server.port()));
    CHECK(over_v6 == "returned");
  }
}

AIO_NET_TEST("server: a host may be a name", "[net][server]") {
  if (!can_resolve("localhost")) {
    WARN("this machine does not know localhost");
    co_return;
  }
  auto server = co_await aio::start_server(greet_and_stay, "localhost", 0);
  REQUIRE_FALSE(server.endpoints().empty());
  const std::string line =
      co_await first_line(server.endpoints()[0].address(), server.port());
  CHECK(line == "hello\n");
  const std::string by_name = co_await ending(first_line("localhost", server.port()));
  CHECK(by_name == "returned");
}

AIO_NET_TEST("server: a port in use is an error that names the address",
             "[net][server]") {
  auto server = co_await start();
  const std::uint16_t port = server.port();
  std::string text;
  bool in_use = false;
  try {
    static_cast<void>(co_await aio::start_server(greet_and_stay, "127.0.0.1", port));
  } catch (const boost::system::system_error& error) {
    in_use = error.code() == boost::system::errc::address_in_use;
    text = error.what();
  }
  CHECK(in_use);
  CHECK_THAT(text,
             ContainsSubstring("cannot bind to 127.0.0.1:" + std::to_string(port)));
  const std::string line = co_await first_line("127.0.0.1", port);
  CHECK(line == "hello\n");
}

AIO_NET_TEST("server: a port whose connections have just ended can be taken again",
             "[net][server]") {
  auto server = co_await start();
  const std::uint16_t port = server.port();
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  static_cast<void>(co_await reader.readline());
  server.close();
  server.close_clients();  // so that our side lingers
  co_await server.wait_closed();
  auto again = co_await aio::start_server(greet_and_stay, "127.0.0.1", port);
  CHECK(again.port() == port);
}

AIO_NET_TEST("server: several may listen on one port if all say so", "[net][server]") {
  auto first = co_await start({.reuse_port = true});
  auto second = co_await aio::start_server(greet_and_stay, "127.0.0.1", first.port(),
                                           {.reuse_port = true});
  CHECK(second.port() == first.port());
}

AIO_NET_TEST("server: an address of another machine is an error that names it",
             "[net][server]") {
  const std::string how =
      co_await ending(aio::start_server(greet_and_stay, "192.0.2.1", 0));
  CHECK_THAT(how, ContainsSubstring("cannot bind to 192.0.2.1"));
}

AIO_NET_TEST("server: a host that does not exist is an error that names it",
             "[net][server]") {
  const std::string host(70, 'x');  // no name has a label as long
  const std::string how = co_await ending(aio::start_server(greet_and_stay, host, 0));
  CHECK_THAT(how, ContainsSubstring("cannot resolve the host '" + host + "'"));
}

AIO_NET_TEST("server: cancelled while its host is looked up nothing listens",
             "[net][server]") {
  auto starting =
      aio::create_task(ending(aio::start_server(greet_and_stay, "localhost", 0)));
  co_await test::turns(1);
  CHECK_FALSE(starting.done());
  starting.cancel();
  const std::string how = co_await starting;
  CHECK(how == "cancelled");
}

// ----- errors of use -----

TEST_CASE("server: an empty one says that it was never started", "[net][server]") {
  const aio::server server;
  CHECK_FALSE(server);
  CHECK_THROWS_AS(server.port(), aio::usage_error);
  CHECK_THROWS_AS(server.close(), aio::usage_error);
  CHECK_THROWS_AS(server.wait_closed(), aio::usage_error);
  CHECK_THROWS_AS(server.serve_forever(), aio::usage_error);
}

TEST_CASE("server: it ends with its loop", "[net][server]") {
  const std::size_t before = test::open_descriptors();
  {
    aio::event_loop loop;
    auto server =
        loop.run_until_complete(loop.create_task([&]() -> aio::coro<aio::server> {
          auto made = co_await start();
          co_return made;
        }));
    test::raw_socket client = test::raw_socket::connected_to(server.port());
    loop.run_until_complete(test::polls(5));
    loop.set_exception_handler(
        [](const aio::exception_context&) {});  // the handler's task
    loop.close();
    CHECK(server.endpoints().empty());
    CHECK(client.receive_now() == "hello\n");
    CHECK((client.is_at_end() || client.error() == ECONNRESET));
  }
  CHECK(test::open_descriptors() == before);
}

AIO_NET_TEST("server: a connection knows its own address, also after its end",
             "[net][server]") {
  // Bound to one address it is the server's; else only the kernel knows.
  for (const char* const host : {"127.0.0.1", "0.0.0.0"}) {
    std::vector<aio::endpoint> names;
    aio::event is_over;
    auto server = co_await aio::start_server(
        [&](aio::stream_reader reader, aio::stream_writer writer) -> aio::coro<> {
          names.push_back(writer.sockname());
          static_cast<void>(co_await reader.read());
          writer.close();
          co_await writer.wait_closed();
          names.push_back(writer.sockname());
          is_over.set();
        },
        host, 0);
    auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
    const aio::endpoint expected = writer.peername();
    writer.close();
    co_await writer.wait_closed();
    co_await is_over.wait();
    CHECK(names == std::vector<aio::endpoint>{expected, expected});
    CHECK(expected.address() == "127.0.0.1");
  }
}
