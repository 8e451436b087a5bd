// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/connect.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>

#include <aio/net/open_connection.hpp>
#include <aio/net/start_server.hpp>
#include <aio/task/task.hpp>

#include <sched.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::detail::connect_to_any;
using aio::detail::tcp_endpoints;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

boost::asio::ip::tcp::endpoint local(std::uint16_t port) {
  return {boost::asio::ip::address_v4::loopback(), port};
}

boost::asio::ip::tcp::endpoint refusing() {
  return local(test::raw_socket::listening().port());
}

aio::coro<std::uint16_t> run_race(aio::event_loop& loop, tcp_endpoints candidates,
                                  aio::connect_options options) {
  auto connecting = connect_to_any(loop, std::move(candidates), std::nullopt, options);
  const auto winner = co_await std::move(connecting);
  co_return winner.peer.port();
}

/// The port to which the winner is connected.
template <class... Endpoint>
aio::coro<std::uint16_t> race(aio::event_loop& loop, aio::connect_options options,
                              Endpoint... candidates) {
  return run_race(loop, tcp_endpoints{candidates...}, options);
}

std::string after_interleaving(const std::vector<std::string>& addresses, int first) {
  tcp_endpoints all;
  for (const std::string& one : addresses) {
    all.emplace_back(boost::asio::ip::make_address(one), 0);
  }
  aio::detail::interleave_families(all, first);
  std::string order;
  for (const auto& one : all) order += one.address().to_string() + " ";
  return order;
}

template <class E>
E caught_from(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const E& e) {
    return e;
  }
}

}  // namespace

TEST_CASE("connect: the families take turns, each in the order of the resolver",
          "[net][connect]") {
  const std::vector<std::string> all{"::1", "::2", "::3", "::4", "0.0.0.1", "0.0.0.2"};
  CHECK(after_interleaving(all, 1) == "::1 0.0.0.1 ::2 0.0.0.2 ::3 ::4 ");
  CHECK(after_interleaving(all, 2) == "::1 ::2 0.0.0.1 ::3 0.0.0.2 ::4 ");
  CHECK(after_interleaving(all, 9) == "::1 ::2 ::3 ::4 0.0.0.1 0.0.0.2 ");
  CHECK(after_interleaving({"::2", "::1"}, 1) == "::2 ::1 ");
  CHECK(after_interleaving({"0.0.0.1", "::1", "0.0.0.2"}, 1) == "0.0.0.1 ::1 0.0.0.2 ");
}

AIO_NET_TEST("connect: beside an address that does not answer the next one is tried",
             "[net][connect]") {
  const test::silent_listener silent;
  auto listener = test::raw_socket::listening();
  const std::size_t before = test::open_descriptors();
  const std::uint16_t port =
      co_await race(loop, {.happy_eyeballs = 2ms}, local(silent.listener.port()),
                    local(listener.port()));
  CHECK(port == listener.port());
  CHECK(test::open_descriptors() == before);
}

AIO_NET_TEST("connect: after a failure the next address is tried without delay",
             "[net][connect]") {
  auto listener = test::raw_socket::listening();
  const std::uint16_t raced = co_await race(loop, {.happy_eyeballs = 1h}, refusing(),
                                            refusing(), local(listener.port()));
  CHECK(raced == listener.port());
  const std::uint16_t in_turn = co_await race(loop, {.happy_eyeballs = std::nullopt},
                                              refusing(), local(listener.port()));
  CHECK(in_turn == listener.port());
}

AIO_NET_TEST("connect: without a race an address that does not answer holds it up",
             "[net][connect]") {
  const test::silent_listener silent;
  auto listener = test::raw_socket::listening();
  const std::size_t before = test::open_descriptors();
  const std::vector<aio::time_limit> limits{aio::no_limit, 0s};
  for (const aio::time_limit none : limits) {
    auto connecting = race(loop, {.happy_eyeballs = none},
                           local(silent.listener.port()), local(listener.port()));
    const std::string how = co_await ending(aio::wait_for(std::move(connecting), 5ms));
    CHECK(how == "timeout");
  }
  CHECK(test::open_descriptors() == before);
}

AIO_NET_TEST("connect: cancelled in the middle of a race it closes all sockets",
             "[net][connect]") {
  const test::silent_listener first;
  const test::silent_listener second;
  const std::size_t before = test::open_descriptors();
  auto connecting = aio::create_task(
      ending(race(loop, {.happy_eyeballs = 1ms}, local(first.listener.port()),
                  local(second.listener.port()))));
  co_await test::until([&] { return test::open_descriptors() == before + 2; });
  connecting.cancel();
  const std::string how = co_await connecting;
  CHECK(how == "cancelled");
  CHECK(test::open_descriptors() == before);
}

AIO_NET_TEST("connect: if all addresses fail the error tells of each",
             "[net][connect]") {
  const auto first = refusing();
  const auto second = refusing();
  std::exception_ptr thrown;
  try {
    static_cast<void>(co_await race(loop, {}, first, second));
  } catch (...) {
    thrown = std::current_exception();
  }
  const auto error = caught_from<aio::connect_error>(thrown);
  CHECK(error.code() == boost::system::errc::connection_refused);
  REQUIRE(error.failures().size() == 2);
  CHECK(error.failures()[0].endpoint == aio::endpoint(first));
  CHECK(error.failures()[1].endpoint == aio::endpoint(second));
  CHECK(error.failures()[1].code == boost::system::errc::connection_refused);
  CHECK(std::string(error.what()) ==
        "Multiple exceptions: cannot connect to " + to_string(aio::endpoint(first)) +
            ": Connection refused, cannot connect to " +
            to_string(aio::endpoint(second)) + ": Connection refused");
}

AIO_NET_TEST("connect: equal errors are told once", "[net][connect]") {
  const auto address = refusing();
  const std::string how = co_await ending(race(loop, {}, address, address));
  CHECK(how == "cannot connect to " + to_string(aio::endpoint(address)) +
                   ": Connection refused");
}

AIO_NET_TEST("connect: all_errors throws them as a group", "[net][connect]") {
  std::exception_ptr thrown;
  try {
    static_cast<void>(
        co_await race(loop, {.all_errors = true}, refusing(), refusing()));
  } catch (...) {
    thrown = std::current_exception();
  }
  const auto group = caught_from<aio::exception_group>(thrown);
  CHECK(group.message() == "create_connection failed");
  CHECK(group.exceptions().size() == 2);
  CHECK(group.matches<aio::connect_error>());
}

AIO_NET_TEST("connect: local_addr says where from", "[net][connect]") {
  auto listener = test::raw_socket::listening();
  const std::uint16_t wanted = refusing().port();
  auto [reader, writer] = co_await aio::open_connection(
      "127.0.0.1", listener.port(), {.local_addr = {"127.0.0.1", wanted}});
  CHECK(writer.sockname() == aio::endpoint("127.0.0.1", wanted));
}

AIO_NET_TEST("connect: a local_addr that cannot be is an error", "[net][connect]") {
  auto listener = test::raw_socket::listening();
  const std::string taken = co_await ending(aio::open_connection(
      "127.0.0.1", listener.port(), {.local_addr = {"127.0.0.1", listener.port()}}));
  CHECK_THAT(taken, ContainsSubstring("cannot bind to 127.0.0.1:"));
  const std::string other = co_await ending(
      aio::open_connection("127.0.0.1", listener.port(), {.local_addr = {"::1", 0}}));
  CHECK_THAT(other, ContainsSubstring("no matching local address"));
}

AIO_NET_TEST("connect: a socket that is connected already is taken over",
             "[net][connect]") {
  auto listener = test::raw_socket::listening();
  auto socket = test::raw_socket::connected_to(listener.port());
  auto peer = listener.accept();
  {
    auto [reader, writer] =
        co_await aio::open_connection({.sock = ::dup(socket.fd()), .limit = 100});
    CHECK(writer.peername() == aio::endpoint("127.0.0.1", listener.port()));
    writer.write("hello");
    CHECK(peer.receive() == "hello");
    writer.close();
    co_await writer.wait_closed();
  }
  socket.close();
  CHECK(peer.receive().empty());
}

AIO_NET_TEST("connect: contradictions are refused, and the socket stays the caller's",
             "[net][connect]") {
  auto listener = test::raw_socket::listening();
  auto socket = test::raw_socket::connected_to(listener.port());
  const std::string both = co_await ending(
      aio::open_connection("127.0.0.1", listener.port(), {.sock = socket.fd()}));
  CHECK_THAT(both, ContainsSubstring("not both"));
  const std::string none = co_await ending(aio::open_connection({.limit = 100}));
  CHECK_THAT(none, ContainsSubstring("a host and a port, or a socket"));
  const test::raw_socket datagrams(::socket(AF_INET, SOCK_DGRAM, 0));
  const std::string type =
      co_await ending(aio::open_connection({.sock = datagrams.fd()}));
  CHECK_THAT(type, ContainsSubstring("a stream socket is needed"));
  const std::string family = co_await ending(
      aio::open_connection("127.0.0.1", listener.port(), {.family = AF_INET6}));
  CHECK_THAT(family, ContainsSubstring("cannot resolve the host '127.0.0.1'"));
  socket.send("still open");
}

TEST_CASE("connect: a network that cannot be reached is an error that says so",
          "[net][connect]") {
  // A thread of its own in a network of its own, which leads nowhere.
  bool is_allowed = false;
  std::string text;
  boost::system::error_code code;
  std::thread([&] {
    is_allowed = ::unshare(CLONE_NEWNET) == 0;
    if (!is_allowed) return;
    try {
      aio::run(aio::open_connection("192.0.2.1", 80));
    } catch (const boost::system::system_error& error) {
      code = error.code();
      text = error.what();
    }
  }).join();
  if (!is_allowed) {
    WARN("skipped: no new network namespace is allowed here");
    return;
  }
  CHECK(code == boost::system::errc::network_unreachable);
  CHECK_THAT(text, ContainsSubstring("192.0.2.1:80"));
}

AIO_NET_TEST("connecting: cancelled at any turn, others still get theirs",
             "[net][connect]") {
  int served = 0, begun = 0;
  auto handle = [&](aio::stream_reader reader, aio::stream_writer) -> aio::coro<> {
    ++begun;
    co_await reader.read();
    ++served;
  };
  aio::server server = co_await aio::start_server(handle, "127.0.0.1", 0);
  auto connect = [](std::uint16_t port) -> aio::coro<> {
    auto streams = co_await aio::open_connection("127.0.0.1", port);
    co_await streams.first.read();
  };
  // Which turn is the bad one depends on when the loop looks at the world.
  for (int turns = 0; turns < 300; ++turns) {
    auto connecting = aio::create_task(connect(server.port()));
    co_await test::turns(turns);
    connecting.cancel();
    co_await test::until([&] { return connecting.done(); });
    co_await test::until([&] { return served == begun; });
  }
  server.close();
  server.abort_clients();
  co_await server.wait_closed();
  co_await test::polls(2);
  CHECK(aio::all_tasks().size() == 1);
}
