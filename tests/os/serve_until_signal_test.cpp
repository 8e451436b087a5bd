// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/os/serve_until_signal.hpp>

#include <support/streams.hpp>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using test::ending;

namespace {

/// A server that sends "ready", and ends a connection only when the client does.
aio::coro<aio::server> start_silent_server(bool at_once = true) {
  auto handle = [](aio::stream_reader reader,
                   aio::stream_writer writer) -> aio::coro<> {
    writer.write("ready\n");
    static_cast<void>(co_await reader.read());
  };
  co_return co_await aio::start_server(handle, "127.0.0.1", 0,
                                       {.start_serving = at_once});
}

/// A server that sends more than a connection holds.
aio::coro<aio::server> start_flooding_server() {
  auto handle = [](aio::stream_reader reader,
                   aio::stream_writer writer) -> aio::coro<> {
    writer.write(std::string(16 * 1024 * 1024, 'x'));
    static_cast<void>(co_await reader.read());
  };
  co_return co_await aio::start_server(handle, "127.0.0.1", 0);
}

}  // namespace

AIO_NET_TEST("serve_until_signal: an idle client is let go, and all is over at once",
             "[os][serve_until_signal]") {
  for (const int number : {SIGINT, SIGTERM}) {
    auto server = co_await start_silent_server();
    auto serving = aio::create_task(aio::serve_until_signal(server));
    auto client = co_await aio::open_connection("127.0.0.1", server.port());
    const std::string line = co_await client.first.readline();
    CHECK(line == "ready\n");
    ::raise(number);
    const int came = co_await serving;
    CHECK(came == number);
    CHECK(server.endpoints().empty());
    const std::string rest = co_await client.first.read();
    CHECK(rest.empty());
  }
}

AIO_NET_TEST("serve_until_signal: takes signals from the call on",
             "[os][serve_until_signal]") {
  auto server = co_await start_silent_server();
  auto serving = aio::serve_until_signal(server, {.signals = {SIGUSR1}});
  ::raise(SIGUSR1);
  const int came = co_await std::move(serving);
  CHECK(came == SIGUSR1);
}

AIO_NET_TEST("serve_until_signal: a server that does not serve yet begins to",
             "[os][serve_until_signal]") {
  auto server = co_await start_silent_server(false);
  CHECK_FALSE(server.is_serving());
  auto serving =
      aio::create_task(aio::serve_until_signal(server, {.signals = {SIGUSR1}}));
  co_await test::turns(2);
  CHECK(server.is_serving());
  ::raise(SIGUSR1);
  static_cast<void>(co_await serving);
}

AIO_NET_TEST("serve_until_signal: who does not read is aborted after the grace time",
             "[os][serve_until_signal]") {
  auto server = co_await start_flooding_server();
  auto serving = aio::create_task(
      aio::serve_until_signal(server, {.signals = {SIGUSR1}, .grace = 20ms}));
  auto client = co_await aio::open_connection("127.0.0.1", server.port(), {.limit = 1});
  static_cast<void>(co_await client.first.readexactly(1));
  ::raise(SIGUSR1);
  const aio::time_point start = loop.time();
  const int came = co_await serving;
  CHECK(came == SIGUSR1);
  CHECK(loop.time() - start >= 20ms);
  client.second.transport().abort();
}

AIO_NET_TEST("serve_until_signal: a second signal ends the grace time",
             "[os][serve_until_signal]") {
  auto server = co_await start_flooding_server();
  auto serving = aio::create_task(
      aio::serve_until_signal(server, {.signals = {SIGUSR1}, .grace = 1h}));
  auto client = co_await aio::open_connection("127.0.0.1", server.port(), {.limit = 1});
  static_cast<void>(co_await client.first.readexactly(1));
  ::raise(SIGUSR1);
  const auto is_closed = [&] { return server.endpoints().empty(); };
  co_await test::until(is_closed);
  co_await test::polls(3);
  CHECK_FALSE(serving.done());
  ::raise(SIGUSR1);
  const int came = co_await serving;
  CHECK(came == SIGUSR1);
  client.second.transport().abort();
}

AIO_NET_TEST("serve_until_signal: cancelled, the server is closed",
             "[os][serve_until_signal]") {
  auto server = co_await start_silent_server();
  auto serving = aio::create_task(aio::serve_until_signal(server));
  auto client = co_await aio::open_connection("127.0.0.1", server.port());
  static_cast<void>(co_await client.first.readline());
  serving.cancel();
  const std::string how = co_await ending(serving);
  CHECK(how == "cancelled");
  CHECK(server.endpoints().empty());
  server.close_clients();
  co_await server.wait_closed();

  const std::string closed = co_await ending(aio::serve_until_signal(server));
  CHECK(closed == "usage");
}

AIO_NET_TEST("serve_until_signal: cancelled in the grace time, clients are aborted",
             "[os][serve_until_signal]") {
  auto server = co_await start_flooding_server();
  auto serving = aio::create_task(
      aio::serve_until_signal(server, {.signals = {SIGUSR1}, .grace = aio::no_limit}));
  auto client = co_await aio::open_connection("127.0.0.1", server.port(), {.limit = 1});
  static_cast<void>(co_await client.first.readexactly(1));
  ::raise(SIGUSR1);
  const auto is_closed = [&] { return server.endpoints().empty(); };
  co_await test::until(is_closed);
  co_await test::turns(3);
  serving.cancel();
  const std::string how = co_await ending(serving);
  CHECK(how == "cancelled");
  co_await server.wait_closed();
  client.second.transport().abort();
}
