// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/create_datagram_endpoint.hpp>
#include <aio/net/udp_socket.hpp>
#include <aio/task/task.hpp>

#include <support/folder.hpp>
#include <support/net.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using Catch::Matchers::ContainsSubstring;

namespace {

class listener : public aio::datagram_protocol {
 public:
  void connection_made(aio::datagram_transport& t) override {
    transport = t;
    log += "made";
  }
  void datagram_received(std::string_view data, const aio::endpoint& sender) override {
    received.emplace_back(data);
    from = sender;
    if (echoes) transport.sendto(data, sender);
  }
  void error_received(std::exception_ptr error) override { errors.push_back(error); }
  void pause_writing() override { log += " pause"; }
  void resume_writing() override { log += " resume"; }
  void connection_lost(std::exception_ptr error) override {
    log += error ? " lost with an error" : " lost";
    ended = true;
  }

  aio::datagram_transport transport;
  std::string log;
  std::vector<std::string> received;
  std::vector<std::exception_ptr> errors;
  aio::endpoint from;
  bool echoes = false;
  bool ended = false;
};

using listener_ptr = std::shared_ptr<listener>;

aio::coro<listener_ptr> open(aio::event_loop& loop, aio::datagram_options options) {
  const auto make = [] { return std::make_unique<listener>(); };
  auto made = co_await loop.create_datagram_endpoint(make, options);
  co_return made.second;
}

/// On a free port.
aio::coro<listener_ptr> bound(aio::event_loop& loop) {
  return open(loop, {.local_addr = {"127.0.0.1", 0}});
}

aio::coro<listener_ptr> connected(aio::event_loop& loop, aio::endpoint to) {
  const std::string host = to.address();
  listener_ptr made =
      co_await open(loop, aio::datagram_options{.remote_addr = {host, to.port()}});
  co_return made;
}

aio::coro<> has_received(listener_ptr who, std::size_t count) {
  return test::until([who, count] { return who->received.size() >= count; });
}

aio::coro<> end(listener_ptr who) {
  who->transport.close();
  return test::until([who] { return who->ended; });
}

boost::system::error_code code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code();
  }
}

}  // namespace

AIO_NET_TEST("datagrams: there and back", "[net][datagram]") {
  const listener_ptr server = co_await bound(loop);
  server->echoes = true;
  const aio::endpoint address = server->transport.sockname();
  CHECK(address.port() != 0);
  CHECK(server->transport.peername().empty());
  const listener_ptr client = co_await connected(loop, address);
  CHECK(client->transport.peername() == address);
  client->transport.sendto("one");
  client->transport.sendto("two", address);
  client->transport.sendto("");
  co_await has_received(client, 3);
  CHECK(server->received == std::vector<std::string>{"one", "two", ""});
  CHECK(client->received == std::vector<std::string>{"one", "two", ""});
  CHECK(client->from == address);
  CHECK(server->from == client->transport.sockname());
  co_await end(client);
  co_await end(server);
  CHECK(client->log == "made lost");
  CHECK(client->transport.native_handle() == -1);
}

AIO_NET_TEST("datagrams: many at once, in order and whole", "[net][datagram]") {
  const listener_ptr server = co_await bound(loop);
  const listener_ptr client = co_await connected(loop, server->transport.sockname());
  // A few batches, and the longest that there is.
  std::vector<std::string> sent;
  for (int i = 0; i < 40; ++i) sent.push_back("number " + std::to_string(i));
  sent.push_back(test::pattern(65507));
  for (const auto& one : sent) client->transport.sendto(one);
  co_await has_received(server, sent.size());
  CHECK(server->received == sent);
  co_await end(client);
  co_await end(server);
}

AIO_NET_TEST("datagrams: where to must be clear", "[net][datagram]") {
  const listener_ptr server = co_await bound(loop);
  const listener_ptr client = co_await connected(loop, server->transport.sockname());
  CHECK_THROWS_AS(server->transport.sendto("x"), std::invalid_argument);
  CHECK_THROWS_AS(client->transport.sendto("x", aio::endpoint("127.0.0.1", 1)),
                  std::invalid_argument);
  co_await end(client);
  co_await end(server);
  client->transport.sendto("dropped");
}

AIO_NET_TEST("datagrams: errors are told, and the endpoint goes on",
             "[net][datagram]") {
  const listener_ptr server = co_await bound(loop);
  const aio::endpoint address = server->transport.sockname();
  const listener_ptr client = co_await connected(loop, address);
  client->transport.sendto(std::string(70'000, 'x'));
  REQUIRE(client->errors.size() == 1);
  CHECK(code_of(client->errors[0]) == boost::system::errc::message_size);
  co_await end(server);
  client->transport.sendto("nobody there");
  auto told = test::until([&] { return client->errors.size() == 2; });
  co_await std::move(told);
  CHECK(code_of(client->errors[1]) == boost::system::errc::connection_refused);

  listener_ptr again = co_await open(
      loop, aio::datagram_options{.local_addr = {"127.0.0.1", address.port()}});
  client->transport.sendto("back");
  co_await has_received(again, 1);
  co_await end(client);
  co_await end(again);
}

AIO_NET_TEST("datagrams: a callback that throws is reported, the next one comes",
             "[net][datagram]") {
  struct failing : listener {
    void datagram_received(std::string_view data,
                           const aio::endpoint& sender) override {
      listener::datagram_received(data, sender);
      if (data == "bad") throw std::runtime_error("bad datagram");
    }
  };
  auto protocol = std::make_shared<failing>();
  const auto make = [&] { return protocol; };
  const aio::datagram_options options{.local_addr = {"127.0.0.1", 0}};
  co_await loop.create_datagram_endpoint(make, options);
  const listener_ptr client = co_await connected(loop, protocol->transport.sockname());
  client->transport.sendto("bad");
  client->transport.sendto("good");
  co_await has_received(protocol, 2);
  CHECK(reports.take() == "bad datagram");
  co_await end(client);
  co_await end(protocol);
}

AIO_NET_TEST("datagrams: water marks, and closing sends what is queued",
             "[net][datagram]") {
  // A unix socket whose peer does not read makes the sender wait.
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
  const listener_ptr client =
      co_await open(loop, aio::datagram_options{.sock = pair[0]});
  client->transport.set_write_buffer_limits(1000, 100);
  const std::string chunk(300, 'c');
  std::size_t sent = 0;
  while (client->log == "made") {
    client->transport.sendto(chunk);
    ++sent;
  }
  CHECK(client->log == "made pause");
  CHECK(client->transport.get_write_buffer_size() == 4 * 308);
  client->transport.close();
  CHECK_FALSE(client->ended);
  std::size_t received = 0;
  char room[400];
  for (; received < sent; ++received) {
    ssize_t n = ::recv(pair[1], room, sizeof room, MSG_DONTWAIT);
    while (n < 0) {
      co_await test::polls(1);
      n = ::recv(pair[1], room, sizeof room, MSG_DONTWAIT);
    }
    CHECK(n == 300);
  }
  auto over = test::until([&] { return client->ended; });
  co_await std::move(over);
  CHECK(client->log == "made pause resume lost");
  ::close(pair[1]);
}

AIO_NET_TEST("datagrams: abort drops what is queued", "[net][datagram]") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
  const listener_ptr client =
      co_await open(loop, aio::datagram_options{.sock = pair[0]});
  while (client->transport.get_write_buffer_size() == 0) {
    client->transport.sendto("x");
  }
  client->transport.abort();
  CHECK(client->transport.get_write_buffer_size() == 0);
  auto over = test::until([&] { return client->ended; });
  co_await std::move(over);
  ::close(pair[1]);
}

AIO_NET_TEST("datagrams: over unix sockets", "[net][datagram]") {
  const test::folder at;
  const std::string path = at / "server";
  const std::string mine = at / "client";
  const aio::datagram_options at_path{.local_addr = {path, 0}, .family = AF_UNIX};
  listener_ptr server = co_await open(loop, at_path);
  co_await end(server);
  server = co_await open(loop, at_path);  // the file is still there
  server->echoes = true;
  const listener_ptr client = co_await open(
      loop, aio::datagram_options{
                .local_addr = {mine, 0}, .remote_addr = {path, 0}, .family = AF_UNIX});
  client->transport.sendto(test::pattern(100'000));
  co_await has_received(client, 1);
  CHECK(client->received[0] == test::pattern(100'000));
  CHECK(server->from.path() == mine);
  co_await end(client);
  co_await end(server);
  ::unlink(path.c_str());
  ::unlink(mine.c_str());
}

AIO_NET_TEST("datagrams: broadcasts only where they are allowed", "[net][datagram]") {
  const aio::endpoint everybody("127.255.255.255", 9);
  const listener_ptr without =
      co_await open(loop, aio::datagram_options{.family = AF_INET});
  without->transport.sendto("x", everybody);
  REQUIRE(without->errors.size() == 1);
  CHECK(code_of(without->errors[0]) == boost::system::errc::permission_denied);

  const listener_ptr hears =
      co_await open(loop, aio::datagram_options{.local_addr = {"0.0.0.0", 0}});
  const std::uint16_t port = hears->transport.sockname().port();
  const listener_ptr with = co_await open(
      loop, aio::datagram_options{.remote_addr = {"127.255.255.255", port},
                                  .allow_broadcast = true});
  with->transport.sendto("to all");
  co_await has_received(hears, 1);
  CHECK(hears->received[0] == "to all");
  // The answer comes from another address than was sent to.
  hears->transport.sendto("answer", hears->from);
  co_await has_received(with, 1);
  co_await end(without);
  co_await end(with);
  co_await end(hears);
}

AIO_NET_TEST("datagrams: options that do not go together", "[net][datagram]") {
  const auto make = [] { return std::make_unique<listener>(); };
  const auto refused = [&](aio::datagram_options options) {
    try {
      static_cast<void>(loop.create_datagram_endpoint(make, options));
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  CHECK(refused({}));
  CHECK(refused({.local_addr = {"127.0.0.1", 0}, .sock = 0}));
  CHECK(refused({.reuse_port = true, .sock = 0}));

  bool has_no_family = false;
  try {
    co_await open(loop, aio::datagram_options{.local_addr = {"127.0.0.1", 0},
                                              .remote_addr = {"::1", 1}});
  } catch (const std::invalid_argument&) {
    has_no_family = true;
  }
  CHECK(has_no_family);
  const int stream = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_refused = false;
  try {
    co_await open(loop, aio::datagram_options{.sock = stream});
  } catch (const std::invalid_argument&) {
    is_refused = true;
  }
  CHECK(is_refused);
  CHECK(::close(stream) == 0);
}

AIO_NET_TEST("datagrams: an address in use is an error that names it",
             "[net][datagram]") {
  const listener_ptr first = co_await bound(loop);
  const std::uint16_t port = first->transport.sockname().port();
  std::string text;
  try {
    co_await open(loop, aio::datagram_options{.local_addr = {"127.0.0.1", port}});
  } catch (const boost::system::system_error& error) {
    text = error.what();
  }
  CHECK_THAT(text, ContainsSubstring("cannot bind to 127.0.0.1:"));
  co_await end(first);
}

AIO_NET_TEST("datagrams: one port for several sockets", "[net][datagram]") {
  const aio::datagram_options any{.local_addr = {"127.0.0.1", 0}, .reuse_port = true};
  const listener_ptr first = co_await open(loop, any);
  const std::uint16_t port = first->transport.sockname().port();
  const listener_ptr second = co_await open(
      loop,
      aio::datagram_options{.local_addr = {"127.0.0.1", port}, .reuse_port = true});
  CHECK(second->transport.sockname() == first->transport.sockname());
  co_await end(first);
  co_await end(second);
}

AIO_NET_TEST("datagrams: close() in a callback ends the rest of the batch",
             "[net][datagram]") {
  struct once : listener {
    void datagram_received(std::string_view data,
                           const aio::endpoint& sender) override {
      listener::datagram_received(data, sender);
      transport.close();
    }
  };
  auto protocol = std::make_shared<once>();
  const auto make = [&] { return protocol; };
  const aio::datagram_options options{.local_addr = {"127.0.0.1", 0}};
  co_await loop.create_datagram_endpoint(make, options);
  const listener_ptr client = co_await connected(loop, protocol->transport.sockname());
  for (int i = 0; i < 5; ++i) client->transport.sendto("x");
  auto over = test::until([&] { return protocol->ended; });
  co_await std::move(over);
  CHECK(protocol->received.size() == 1);
  co_await end(client);
}

// ----- udp_socket -----

AIO_NET_TEST("udp_socket: there and back", "[net][udp]") {
  const aio::udp_socket server = co_await aio::udp_socket::bind("127.0.0.1", 0);
  const aio::udp_socket client =
      co_await aio::udp_socket::connect("127.0.0.1", server.sockname().port());
  CHECK(client.peername() == server.sockname());
  co_await client.send("question");
  const aio::datagram asked = co_await server.recv_from();
  CHECK(asked.data == "question");
  CHECK(asked.from == client.sockname());
  co_await server.send_to("answer", asked.from);
  const std::string answer = co_await client.recv();
  CHECK(answer == "answer");
}

AIO_NET_TEST("udp_socket: who waits is woken by a datagram, or the end", "[net][udp]") {
  const aio::udp_socket server = co_await aio::udp_socket::bind("127.0.0.1", 0);
  const aio::udp_socket client =
      co_await aio::udp_socket::connect("127.0.0.1", server.sockname().port());
  auto first = aio::create_task(server.recv());
  auto second = aio::create_task(server.recv());
  auto given_up = aio::create_task(server.recv());
  co_await test::polls(1);
  given_up.cancel();
  co_await client.send("1");
  co_await client.send("2");
  const std::string one = co_await first;
  const std::string two = co_await second;
  CHECK(one == "1");
  CHECK(two == "2");
  auto late = aio::create_task(server.recv());
  co_await test::polls(1);
  server.close();
  boost::system::error_code error;
  try {
    co_await late;
  } catch (const boost::system::system_error& e) {
    error = e.code();
  }
  CHECK(error == boost::system::errc::bad_file_descriptor);
  CHECK_THROWS_AS(server.send_to("x", client.sockname()), boost::system::system_error);
}

AIO_NET_TEST("udp_socket: more than it keeps waits in the kernel", "[net][udp]") {
  const aio::udp_socket server = co_await aio::udp_socket::bind("127.0.0.1", 0);
  const aio::udp_socket client =
      co_await aio::udp_socket::connect("127.0.0.1", server.sockname().port());
  // In pieces that fit into the buffer of the kernel.
  for (int i = 0; i < 400; ++i) {
    co_await client.send(std::to_string(i));
    if (i % 50 == 49) co_await test::polls(3);
  }
  for (int i = 0; i < 400; ++i) {
    const std::string data = co_await server.recv();
    REQUIRE(data == std::to_string(i));
  }
}

AIO_NET_TEST("udp_socket: nobody at the port", "[net][udp]") {
  std::uint16_t port = 0;
  {
    const aio::udp_socket gone = co_await aio::udp_socket::bind("127.0.0.1", 0);
    port = gone.sockname().port();
  }
  co_await test::polls(2);
  const aio::udp_socket client = co_await aio::udp_socket::connect("127.0.0.1", port);
  co_await client.send("x");
  boost::system::error_code error;
  try {
    co_await client.recv();
  } catch (const boost::system::system_error& e) {
    error = e.code();
  }
  CHECK(error == boost::system::errc::connection_refused);
}
