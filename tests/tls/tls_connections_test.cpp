// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <support/certificates.hpp>
#include <support/net.hpp>
#include <support/protocols.hpp>
#include <support/raw_socket.hpp>

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// TLS as users have it: options of connections and servers, on sockets.

namespace {

using aio::ssl_context;
using aio::tls_version;
using Catch::Matchers::ContainsSubstring;
using test::ending;
using test::polls;
using test::raw_socket;
using test::recorder;
using test::until;
using namespace std::chrono_literals;

ssl_context client_context() { return ssl_context::client_pem(test::trusted().cert()); }
ssl_context server_context(const test::identity& who = test::localhost()) {
  return ssl_context::server_pem(who.cert, who.key);
}

// What g++ 12 destroys twice in an awaited expression has nothing to destroy.
static_assert(std::is_trivially_destructible_v<aio::connect_options>);
static_assert(std::is_trivially_destructible_v<aio::server_options>);
static_assert(std::is_trivially_destructible_v<aio::start_tls_options>);

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string data = co_await reader.read(65536);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

/// One line there and back.
aio::coro<std::string> ask(std::uint16_t port, aio::connect_options options) {
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port, options);
  writer.write("ping\n");
  const std::string line = co_await reader.readline();
  writer.close();
  co_await writer.wait_closed();
  co_return line;
}

aio::coro<std::string> ask(std::uint16_t port, ssl_context context) {
  const std::string line = co_await ask(port, {.ssl = context});
  co_return line;
}

aio::coro<> end(aio::server server) {
  server.close();
  co_await server.wait_closed();
}

}  // namespace

AIO_NET_TEST("tls: an echo server, and facts about the connection", "[tls]") {
  auto server =
      co_await aio::start_server(echo, "127.0.0.1", 0, {.ssl = server_context()});
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port(),
                                                        {.ssl = client_context()});
  writer.write("hello\n");
  const std::string line = co_await reader.readline();
  CHECK(line == "hello\n");
  const aio::tls_info info = writer.transport().tls().value();
  CHECK(info.peer_certificate->subject == "CN=localhost");
  CHECK(writer.peername().port() == server.port());
  CHECK_FALSE(writer.can_write_eof());
  writer.close();
  co_await writer.wait_closed();
  CHECK(reader.at_eof());
  CHECK(writer.peername().port() == server.port());
  co_await end(server);
}

AIO_NET_TEST("tls: much in both directions at once", "[tls]") {
  auto server =
      co_await aio::start_server(echo, "127.0.0.1", 0, {.ssl = server_context()});
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port(),
                                                        {.ssl = client_context()});
  const std::string large = test::pattern(4'000'000);
  auto reading = aio::create_task(reader.readexactly(large.size()));
  for (std::size_t at = 0; at < large.size(); at += 100'000) {
    writer.write(std::string_view(large).substr(at, 100'000));
    co_await writer.drain();
  }
  const std::string back = co_await reading;
  CHECK(back == large);
  writer.close();
  co_await writer.wait_closed();
  co_await end(server);
}

AIO_NET_TEST("tls: the wrong server is refused, with the reason", "[tls]") {
  const auto how = [](test::certificate_request request,
                      std::string name) -> aio::coro<std::string> {
    const ssl_context bad = server_context(test::trusted().issue(request));
    auto server = co_await aio::start_server(echo, "127.0.0.1", 0, {.ssl = bad});
    const ssl_context context = client_context();
    aio::connect_options options;
    options.ssl = context;
    options.server_hostname = name;
    const std::string text = co_await ending(ask(server.port(), options));
    co_await end(server);
    co_return text;
  };
  const test::certificate_request good;
  const std::string wrong_host = co_await how(good, "example.org");
  CHECK_THAT(wrong_host,
             ContainsSubstring("Hostname mismatch, certificate is not valid for "
                               "'example.org'"));
  const test::certificate_request old{.valid_from = -7200, .valid_to = -60};
  const std::string expired = co_await how(old, "localhost");
  CHECK_THAT(expired, ContainsSubstring("certificate has expired"));
  const test::certificate_request client{.usage = "clientAuth"};
  const std::string wrong_usage = co_await how(client, "localhost");
  CHECK_THAT(wrong_usage, ContainsSubstring("purpose"));

  // The authorities of the system know nothing of ours.
  auto server =
      co_await aio::start_server(echo, "127.0.0.1", 0, {.ssl = server_context()});
  const std::string unknown =
      co_await ending(ask(server.port(), ssl_context::client()));
  CHECK_THAT(unknown, ContainsSubstring("certificate verify failed"));
  const std::string accepted =
      co_await ask(server.port(), ssl_context::insecure_client());
  CHECK(accepted == "ping\n");
  co_await end(server);
}

AIO_NET_TEST("tls: protocols connect and serve", "[tls]") {
  const auto server_side = std::make_shared<recorder>();
  const auto client_side = std::make_shared<recorder>();
  auto server = co_await loop.create_server([&] { return server_side; }, "127.0.0.1", 0,
                                            {.ssl = server_context()});
  auto [transport, protocol] = co_await loop.create_connection(
      [&] { return client_side; }, "127.0.0.1", server.port(),
      aio::connect_options{.ssl = client_context(), .server_hostname = "localhost"});
  CHECK(protocol == client_side);
  CHECK(client_side->log == "made");
  transport.write("hello");
  co_await until([&] { return server_side->received == "hello"; });
  server_side->transport.write("goodbye");
  server_side->transport.close();
  co_await until([&] { return client_side->ended && server_side->ended; });
  CHECK(client_side->log == "made data eof lost");
  CHECK(server_side->log == "made data lost");
  co_await end(server);
}

AIO_NET_TEST("tls: over unix sockets", "[tls]") {
  const test::scratch_folder folder;
  const std::string path = folder.path("socket");
  auto server = co_await aio::start_unix_server(echo, path, {.ssl = server_context()});
  auto [reader, writer] = co_await aio::open_unix_connection(
      path, {.ssl = client_context(), .server_hostname = "localhost"});
  writer.write("hello\n");
  const std::string line = co_await reader.readline();
  CHECK(line == "hello\n");
  writer.close();
  co_await writer.wait_closed();
  const std::string nameless = test::ending_of(
      [&] { return aio::open_unix_connection(path, {.ssl = client_context()}); });
  CHECK_THAT(nameless, ContainsSubstring("server_hostname must be given"));
  co_await end(server);
}

AIO_NET_TEST("tls: options that do not go together are refused", "[tls]") {
  const ssl_context client = client_context();
  const ssl_context server = server_context();
  const auto connect = [](aio::connect_options options) {
    return test::ending_of(
        [&] { return aio::open_connection("127.0.0.1", 1, options); });
  };
  CHECK_THAT(connect({.server_hostname = "x"}),
             ContainsSubstring("server_hostname is only meaningful with ssl"));
  CHECK_THAT(connect({.ssl_handshake_timeout = 1s}),
             ContainsSubstring("ssl_handshake_timeout is only meaningful with ssl"));
  CHECK_THAT(connect({.ssl_shutdown_timeout = 1s}),
             ContainsSubstring("ssl_shutdown_timeout is only meaningful with ssl"));
  CHECK_THAT(connect({.ssl = client, .ssl_handshake_timeout = 0s}),
             ContainsSubstring("greater than zero"));
  CHECK_THAT(connect({.ssl = client, .ssl_shutdown_timeout = -1s}),
             ContainsSubstring("greater than zero"));
  CHECK_THAT(connect({.ssl = client, .server_hostname = ""}),
             ContainsSubstring("set_insecure_any_hostname"));
  CHECK_THAT(connect({.ssl = server}),
             ContainsSubstring("server's ssl_context cannot be used for a client"));
  CHECK(connect({.ssl = ssl_context()}) == "usage");
  CHECK_THAT(
      test::ending_of([&] { return aio::open_connection("", 1, {.ssl = client}); }),
      ContainsSubstring("server_hostname must be given"));

  const auto serve = [](aio::server_options options) {
    return test::ending_of(
        [&] { return aio::start_server(echo, "127.0.0.1", 0, options); });
  };
  CHECK_THAT(serve({.ssl = client}),
             ContainsSubstring("client's ssl_context cannot be used for a server"));
  CHECK_THAT(serve({.ssl_handshake_timeout = 1s}),
             ContainsSubstring("only meaningful with ssl"));
  CHECK_THAT(serve({.ssl = server, .ssl_shutdown_timeout = 0s}),
             ContainsSubstring("greater than zero"));
  co_return;
}

AIO_NET_TEST("tls: the context of an option need not outlive the call", "[tls]") {
  auto starting = aio::start_server(echo, "127.0.0.1", 0, {.ssl = server_context()});
  auto server = co_await std::move(starting);
  std::string name = "localhost";
  auto connecting = aio::open_connection(
      "127.0.0.1", server.port(), {.ssl = client_context(), .server_hostname = name});
  name = "something else";
  auto [reader, writer] = co_await std::move(connecting);
  writer.write("x");
  const std::string back = co_await reader.readexactly(1);
  CHECK(back == "x");
  writer.close();
  co_await writer.wait_closed();
  co_await end(server);
}

AIO_NET_TEST("tls: clients that fail do not disturb a server", "[tls]") {
  auto server = co_await aio::start_server(
      echo, "127.0.0.1", 0, {.ssl = server_context(), .ssl_handshake_timeout = 300ms});
  raw_socket silent = raw_socket::connected_to(server.port());
  raw_socket rubbish = raw_socket::connected_to(server.port());
  rubbish.send("GET / HTTP/1.0\r\n\r\n");
  raw_socket leaving = raw_socket::connected_to(server.port());
  leaving.send("\x16\x03\x01");
  leaving.close();
  raw_socket resetting = raw_socket::connected_to(server.port());
  resetting.send("\x16");
  resetting.reset();
  const std::string stranger =
      co_await ending(ask(server.port(), ssl_context::client()));
  CHECK_THAT(stranger, ContainsSubstring("verify failed"));

  const std::string line = co_await ask(server.port(), client_context());
  CHECK(line == "ping\n");
  // Rubbish gets an alert, silence an end.
  co_await until([&] { return (rubbish.receive_now(), rubbish.is_at_end()); });
  co_await until([&] { return (silent.receive_now(), silent.is_at_end()); });
  CHECK(reports.count() == 0);

  // In debug mode they are worth a word.
  loop.set_debug(true);
  const std::string again = co_await ending(ask(server.port(), ssl_context::client()));
  CHECK(again == stranger);
  co_await until([&] { return reports.count() > 0; });
  CHECK(reports[0].message == "the SSL handshake of a client failed");
  CHECK_THAT(reports.take(), ContainsSubstring("alert"));
  loop.set_debug(false);
  co_await end(server);
}

AIO_NET_TEST("tls: a protocol that cannot be made ends its connection only", "[tls]") {
  auto server = co_await loop.create_server(
      []() -> std::unique_ptr<recorder> { throw test::boom(); }, "127.0.0.1", 0,
      {.ssl = server_context()});
  for (int i = 0; i < 2; ++i) {
    const std::string how = co_await ending(ask(server.port(), client_context()));
    CHECK(how != "returned");
  }
  co_await until([&] { return reports.count() == 2; });
  CHECK(reports.take() == "boom,boom");
  co_await end(server);
}

AIO_NET_TEST("tls: a server closes its clients in order, or at once", "[tls]") {
  for (const bool abort : {false, true}) {
    auto server =
        co_await aio::start_server(echo, "127.0.0.1", 0, {.ssl = server_context()});
    auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port(),
                                                          {.ssl = client_context()});
    raw_socket midway = raw_socket::connected_to(server.port());
    midway.send("\x16\x03\x01");
    co_await polls(5);
    server.close();
    abort ? server.abort_clients() : server.close_clients();
    const std::string how = co_await ending(reader.read());
    if (abort) {
      CHECK_THAT(how, ContainsSubstring("may be cut off"));
    } else {
      CHECK(how == "returned");
    }
    static_cast<void>(co_await ending(writer.wait_closed()));
    co_await server.wait_closed();
    static_cast<void>(midway.receive_all());
    static_cast<void>(reports.take());  // of the handler whose connection was aborted
  }
}

AIO_NET_TEST("tls: a connection that is given up within the handshake is closed",
             "[tls]") {
  const raw_socket listening = raw_socket::listening();
  auto connecting = aio::create_task(ask(listening.port(), client_context()));
  co_await polls(3);
  raw_socket accepted = listening.accept();
  std::string hello;
  co_await until([&] { return (hello += accepted.receive_now()).size() > 100; });
  connecting.cancel();
  const std::string how = co_await ending(connecting);
  CHECK(how == "cancelled");
  co_await until([&] {
    accepted.receive_now();
    return accepted.is_at_end() || accepted.error() == ECONNRESET;
  });
}

AIO_NET_TEST("tls: an upgrade of protocols", "[tls]") {
  const auto link = co_await test::connect_protocols(loop);
  const ssl_context server = server_context();
  auto upgrading =
      aio::create_task(loop.start_tls(link.server->transport, link.server, server));
  auto secured =
      co_await loop.start_tls(link.client->transport, link.client, client_context(),
                              aio::start_tls_options{.server_hostname = "localhost"});
  auto served = co_await upgrading;
  CHECK(secured.tls()->version == "TLSv1.3");
  secured.write("hello");
  co_await until([&] { return link.server->received == "hello"; });
  served.write("good day");
  co_await until([&] { return link.client->received == "good day"; });
  secured.close();
  co_await until([&] { return link.client->ended && link.server->ended; });
  CHECK(link.client->log == "made data lost");
  CHECK(link.server->log == "made data eof lost");
  const std::string again =
      co_await ending(loop.start_tls(secured, link.client, server));
  CHECK(again == "usage");
}

AIO_NET_TEST("tls: an upgrade that fails is told to the protocol", "[tls]") {
  const auto link = co_await test::connect_protocols(loop);
  auto upgrading = aio::create_task(
      ending(loop.start_tls(link.client->transport, link.client, client_context(),
                            aio::start_tls_options{.server_hostname = "localhost"})));
  co_await until([&] { return !link.server->received.empty(); });
  link.server->transport.write("what?");
  const std::string how = co_await upgrading;
  CHECK(how == "SSL handshake failed: wrong version number");
  co_await until([&] { return link.client->ended && link.server->ended; });
  CHECK(link.client->log == "made lost with an error");
  CHECK(test::name_of(link.client->error) == how);
}

AIO_NET_TEST("tls: an upgrade of streams, on both sides", "[tls]") {
  const ssl_context context = server_context();
  auto handler = [context](aio::stream_reader reader,
                           aio::stream_writer writer) -> aio::coro<> {
    const std::string line = co_await reader.readline();
    CHECK(line == "STARTTLS\n");
    writer.write("go ahead\n");
    co_await writer.start_tls(context);
    co_await echo(reader, writer);
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  writer.write("STARTTLS\n");
  const std::string ready = co_await reader.readline();
  CHECK(ready == "go ahead\n");
  co_await writer.start_tls(client_context(), {.server_hostname = "localhost"});
  writer.write("secret\n");
  const std::string line = co_await reader.readline();
  CHECK(line == "secret\n");
  CHECK(writer.transport().tls());
  writer.close();
  co_await writer.wait_closed();
  co_await end(server);
}

AIO_NET_TEST("tls: a server closes upgraded connections in TLS", "[tls]") {
  auto handler = [](aio::stream_reader reader,
                    aio::stream_writer writer) -> aio::coro<> {
    co_await writer.start_tls(server_context());
    co_await echo(reader, writer);
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  co_await writer.start_tls(client_context(), {.server_hostname = "localhost"});
  writer.write("x");
  const std::string back = co_await reader.readexactly(1);
  CHECK(back == "x");
  server.close();
  server.close_clients();
  const std::string rest = co_await reader.read();
  CHECK(rest == "");
  co_await writer.wait_closed();
  co_await server.wait_closed();
}

AIO_NET_TEST("tls: a loop that ends takes everything with it", "[tls]") {
  // Held by nothing but the loop when this returns: an open connection, one that is
  // closing, one within the handshake from each side, and one within an upgrade.
  auto server = co_await loop.create_server([] { return std::make_unique<recorder>(); },
                                            "127.0.0.1", 0, {.ssl = server_context()});
  const auto open = std::make_shared<recorder>();
  static_cast<void>(
      co_await loop.create_connection([&] { return open; }, "127.0.0.1", server.port(),
                                      aio::connect_options{.ssl = client_context()}));
  const auto closing = std::make_shared<recorder>();
  static_cast<void>(co_await loop.create_connection(
      [&] { return closing; }, "127.0.0.1", server.port(),
      aio::connect_options{.ssl = client_context()}));
  closing->transport.write(std::string(100'000, 'x'));
  closing->transport.close();
  const raw_socket midway = raw_socket::connected_to(server.port());
  const raw_socket listening = raw_socket::listening();
  aio::create_task(ask(listening.port(), client_context()));
  auto plain = co_await loop.create_connection(
      [] { return std::make_unique<recorder>(); }, "127.0.0.1", listening.port());
  aio::create_task(loop.start_tls(plain.first, plain.second, client_context(),
                                  aio::start_tls_options{.server_hostname = "x"}));
  co_await polls(2);
}

AIO_NET_TEST("tls: clients that do not read hold what the limits allow", "[tls]") {
  constexpr int clients = 10;
  std::vector<std::size_t> queued(clients, 0);
  int ended = 0;
  auto handler = [&](aio::stream_reader, aio::stream_writer writer) -> aio::coro<> {
    static int next = 0;
    std::size_t& mine = queued.at(static_cast<std::size_t>(next++ % clients));
    const std::string piece(64 * 1024, 'x');
    writer.transport().set_write_buffer_limits(64 * 1024);
    for (int i = 0; i < 1024; ++i) {
      writer.write(piece);
      mine = std::max(mine, writer.transport().get_write_buffer_size());
      co_await writer.drain();
    }
    ++ended;
  };
  auto server =
      co_await aio::start_server(handler, "127.0.0.1", 0, {.ssl = server_context()});
  std::vector<aio::stream_pair> refusing;
  for (int i = 0; i < clients; ++i) {
    auto pair = co_await aio::open_connection("127.0.0.1", server.port(),
                                              {.ssl = client_context()});
    pair.second.transport().pause_reading();
    refusing.push_back(std::move(pair));
  }
  co_await polls(50);
  CHECK(ended == 0);
  for (const std::size_t most : queued) {
    CHECK(most > 64 * 1024);
    CHECK(most < 64 * 1024 + 128 * 1024 + 1024);
  }
  for (auto& one : refusing) one.second.transport().abort();
  server.close();
  server.abort_clients();
  co_await server.wait_closed();
  co_await polls(5);
  static_cast<void>(reports.take());
}

#if !defined(AIO_TEST_SANITIZED)

AIO_NET_TEST("tls: a connection at rest takes little memory", "[tls]") {
  const auto heap = [] {
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
  };
  constexpr std::size_t count = 250;
  for (const tls_version version : {tls_version::v1_2, tls_version::v1_3}) {
    const ssl_context client = client_context();
    client.set_maximum_version(version);
    std::vector<aio::stream_pair> all;
    all.reserve(count + 10);
    std::vector<aio::stream_pair> served;
    served.reserve(count + 10);
    const auto keep = [&](aio::stream_reader reader, aio::stream_writer writer) {
      served.emplace_back(std::move(reader), std::move(writer));
    };
    auto server =
        co_await aio::start_server(keep, "127.0.0.1", 0, {.ssl = server_context()});
    std::size_t before = 0;
    for (std::size_t i = 0; i < count + 10; ++i) {
      if (i == 10) before = heap();  // what is made once is there
      auto pair =
          co_await aio::open_connection("127.0.0.1", server.port(), {.ssl = client});
      pair.second.write("question\n");
      co_await until([&] { return served.size() == i + 1; });
      const std::string question = co_await served[i].first.readline();
      CHECK(question == "question\n");
      served[i].second.write("answer\n");
      const std::string answer = co_await pair.first.readline();
      CHECK(answer == "answer\n");
      all.push_back(std::move(pair));
    }
    const std::size_t both_ends = (heap() - before) / count;
    INFO("heap of both ends of a connection: " << both_ends);
    CHECK(both_ends < 2 * 24 * 1024);
    for (auto& one : all) one.second.transport().abort();
    all.clear();
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
    served.clear();
    co_await polls(3);
    // All of it comes back.
    CHECK(heap() < before + count * 500);
  }
  static_cast<void>(reports.take());
}

#endif

AIO_NET_TEST("tls: sendfile reads the file, as the kernel cannot encrypt it", "[tls]") {
  auto server =
      co_await aio::start_server(echo, "127.0.0.1", 0, {.ssl = server_context()});
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port(),
                                                        {.ssl = client_context()});
  const std::string content = test::pattern(200'000);
  const int file = ::memfd_create("content", MFD_CLOEXEC);
  REQUIRE(::write(file, content.data(), content.size()) ==
          static_cast<ssize_t>(content.size()));
  const std::string refused =
      co_await ending(loop.sendfile(writer.transport(), file, {.fallback = false}));
  CHECK(refused == "usage");
  auto reading = aio::create_task(reader.readexactly(content.size()));
  const std::size_t sent = co_await loop.sendfile(writer.transport(), file);
  CHECK(sent == content.size());
  const std::string back = co_await reading;
  CHECK(back == content);
  ::close(file);
  writer.close();
  co_await writer.wait_closed();
  co_await end(server);
}
