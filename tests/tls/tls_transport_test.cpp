// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/tls_transport.hpp>

#include <aio/aio.hpp>
#include <aio/testing.hpp>

#include <support/certificates.hpp>
#include <support/protocols.hpp>
#include <support/test.hpp>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// On virtual time and memory transports: what is below is seen byte by byte.

namespace {

using aio::ssl_context;
using aio::detail::intrusive_ptr;
using aio::detail::memory_transport;
using aio::detail::tls_settings;
using aio::detail::tls_transport;
using aio::testing::memory_link;
using aio::testing::memory_streams;
using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;
using test::ending;
using test::recorder;
using test::turns;
using namespace std::chrono_literals;

ssl_context client_context() { return ssl_context::client_pem(test::trusted().cert()); }
ssl_context server_context() {
  return ssl_context::server_pem(test::localhost().cert, test::localhost().key);
}

tls_settings client_settings() {
  return tls_settings(client_context(), "localhost", {}, {});
}
tls_settings server_settings() { return tls_settings(server_context(), "", {}, {}); }

aio::coro<> secure_client(aio::stream_writer writer) {
  co_await writer.start_tls(client_context(), {.server_hostname = "localhost"});
}
aio::coro<> secure_server(aio::stream_writer writer) {
  co_await writer.start_tls(server_context());
}

/// Two streams that speak TLS.
aio::coro<memory_link> tls_streams(std::optional<std::size_t> piece = {}) {
  memory_link made = memory_streams({.piece = piece});
  auto both =
      aio::gather(secure_client(made.client.writer), secure_server(made.server.writer));
  co_await std::move(both);
  co_return made;
}

/// A protocol behind TLS, its transport, and that below.
struct tls_end {
  std::shared_ptr<recorder> protocol = std::make_shared<recorder>();
  intrusive_ptr<memory_transport> below;
  intrusive_ptr<tls_transport> secured;
  std::string handshake = "pending";

  void begin(aio::detail::loop_core& loop, const tls_settings& settings) {
    secured = intrusive_ptr<tls_transport>(new tls_transport(loop, below, settings));
    below->start(secured->link());
    secured->shake_hands([this](std::exception_ptr error) {
      handshake = test::name_of(error);
      if (!error) secured->start(protocol);
    });
  }
};

struct tls_pair {
  explicit tls_pair(aio::testing::virtual_loop& loop,
                    const tls_settings& client_side = client_settings(),
                    const tls_settings& server_side = server_settings(),
                    std::optional<std::size_t> piece = {}) {
    std::tie(client.below, server.below) =
        aio::detail::make_memory_transports(loop.core(), piece);
    server.begin(loop.core(), server_side);
    client.begin(loop.core(), client_side);
  }
  tls_pair(const tls_pair&) = delete;
  tls_pair& operator=(const tls_pair&) = delete;

  aio::coro<> connected() {
    while (client.handshake == "pending" || server.handshake == "pending") {
      co_await turns(1);
    }
  }
  aio::coro<> ended() {
    while (!client.protocol->ended || !server.protocol->ended) co_await turns(1);
  }

  tls_end client;
  tls_end server;
};

/// A client whose server is a plain end without TLS.
struct tls_client {
  explicit tls_client(aio::testing::virtual_loop& loop,
                      const tls_settings& settings = client_settings()) {
    auto both = aio::detail::make_memory_transports(loop.core(), {});
    end.below = both.first;
    peer_transport = both.second;
    peer_transport->start(peer);
    end.begin(loop.core(), settings);
  }

  tls_end end;
  intrusive_ptr<memory_transport> peer_transport;
  std::shared_ptr<recorder> peer = std::make_shared<recorder>();
};

/// A client on OpenSSL alone, which does what ours would not, behind `peer`.
class raw_client {
 public:
  explicit raw_client(std::shared_ptr<recorder> peer)
      : context_(SSL_CTX_new(TLS_client_method())),
        ssl_(SSL_new(context_.get())),
        peer_(std::move(peer)),
        in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())) {
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
  }

  /// Takes what has come, and goes on with the handshake or message under way.
  bool shake_hands() {
    BIO_write(in_, peer_->received.data(), static_cast<int>(peer_->received.size()));
    peer_->received.clear();
    const bool is_done = SSL_do_handshake(ssl_.get()) == 1;
    send();
    return is_done;
  }

  void request_key_update() {
    REQUIRE(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
    REQUIRE(SSL_do_handshake(ssl_.get()) == 1);
    send();
  }

 private:
  void send() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out_, &bytes);
    peer_->transport.write({bytes, static_cast<std::size_t>(size)});
    static_cast<void>(BIO_reset(out_));
  }

  aio::detail::ssl_ctx_ptr context_;
  aio::detail::ssl_ptr ssl_;
  std::shared_ptr<recorder> peer_;
  BIO* in_;
  BIO* out_;
};

}  // namespace

AIO_TEST("tls_transport: lines go both ways, in pieces of a byte", "[tls]") {
  memory_link link = co_await tls_streams(1);
  link.client.writer.write("one\ntwo\n");
  link.server.writer.write("three\n");
  const std::string one = co_await link.server.reader.readline();
  const std::string two = co_await link.server.reader.readline();
  const std::string three = co_await link.client.reader.readline();
  CHECK(one == "one\n");
  CHECK(two == "two\n");
  CHECK(three == "three\n");

  link.client.writer.close();
  co_await link.client.writer.wait_closed();
  co_await link.server.writer.wait_closed();
  CHECK(link.server.reader.at_eof());
  CHECK(link.client.reader.at_eof());
  CHECK(loop.now() == 0s);
}

AIO_TEST("tls_transport: a protocol is told in the usual order", "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  CHECK(pair.client.handshake == "none");
  CHECK(pair.client.protocol->log == "made");
  pair.client.protocol->transport.write("hello");
  pair.client.protocol->transport.close();
  co_await pair.ended();
  CHECK(pair.server.protocol->log == "made data eof lost");
  CHECK(pair.server.protocol->received == "hello");
  CHECK(pair.client.protocol->log == "made lost");
}

AIO_TEST("tls_transport: what eof_received returns does not count", "[tls]") {
  tls_pair pair(loop);
  pair.server.protocol->keep_open = true;
  co_await pair.connected();
  pair.client.protocol->transport.close();
  co_await pair.ended();
  CHECK(pair.server.protocol->log == "made eof lost");
}

AIO_TEST("tls_transport: nothing can be half closed", "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  aio::transport& t = pair.client.protocol->transport;
  CHECK_FALSE(t.can_write_eof());
  CHECK_THROWS_AS(t.write_eof(), aio::usage_error);
  CHECK(t.tls()->version == "TLSv1.3");
  CHECK(t.peername() == pair.client.below->peername());
  CHECK(t.sockname() == pair.client.below->sockname());
  t.abort();
  co_await pair.ended();
}

AIO_TEST("tls_transport: large writes arrive whole, whatever the pieces", "[tls]") {
  for (const std::size_t piece : {std::size_t{977}, std::size_t{100'000}}) {
    memory_link link = co_await tls_streams(piece);
    const std::string large = test::pattern(300'000);
    link.client.writer.write(large);
    link.client.writer.close();
    const std::string got = co_await link.server.reader.read();
    CHECK(got == large);
    co_await link.client.writer.wait_closed();
  }
}

AIO_TEST("tls_transport: a peer that does not read stops the writer", "[tls]") {
  memory_link link = co_await tls_streams();
  aio::transport& t = link.client.writer.transport();
  CHECK(t.get_write_buffer_limits() ==
        std::pair<std::size_t, std::size_t>(131072, 524288));
  const std::string piece = test::pattern(50'000);
  int written = 0;
  auto writing = aio::create_task([&]() -> aio::coro<> {
    for (; written < 100; ++written) {
      link.client.writer.write(piece);
      co_await link.client.writer.drain();
    }
  });
  co_await turns(200);
  CHECK_FALSE(writing.done());
  // The server's reader holds a little as well.
  CHECK(written < 20);
  CHECK(t.get_write_buffer_size() > 131072);
  CHECK(t.get_write_buffer_size() < 524288 + 64 * 1024);
  for (int i = 0; i < 100; ++i) {
    const std::string got = co_await link.server.reader.readexactly(piece.size());
    REQUIRE(got == piece);
  }
  co_await writing;
  CHECK(t.get_write_buffer_size() == 0);
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
}

AIO_TEST("tls_transport: pause and resume alternate, whatever the limits", "[tls]") {
  for (const std::size_t high :
       {std::size_t{0}, std::size_t{1000}, std::size_t{200'000}}) {
    tls_pair pair(loop);
    co_await pair.connected();
    aio::transport& t = pair.client.protocol->transport;
    t.set_write_buffer_limits(high);
    pair.server.protocol->transport.pause_reading();
    for (int i = 0; i < 5; ++i) t.write(std::string(60'000, 'x'));
    CHECK(pair.client.protocol->log == "made pause");
    co_await turns(5);
    CHECK(pair.client.protocol->log == "made pause");
    pair.server.protocol->transport.resume_reading();
    while (pair.server.protocol->received.size() < 300'000) co_await turns(1);
    CHECK(pair.client.protocol->log == "made pause resume");
    CHECK(t.get_write_buffer_size() == 0);
    t.write(std::string(300'000, 'x'));
    CHECK(pair.client.protocol->log == "made pause resume pause");
    t.close();
    co_await pair.ended();
    CHECK(pair.client.protocol->log == "made pause resume pause resume lost");
    CHECK(pair.server.protocol->received.size() == 600'000);
  }
}

AIO_TEST("tls_transport: nothing is delivered while reading is paused", "[tls]") {
  tls_pair pair(loop);
  pair.server.protocol->on_made = [](aio::transport& t) { t.pause_reading(); };
  co_await pair.connected();
  pair.client.protocol->transport.write(std::string(40'000, 'x'));
  co_await turns(5);
  CHECK(pair.server.protocol->log == "made");
  CHECK_FALSE(pair.server.protocol->transport.is_reading());
  pair.server.protocol->transport.resume_reading();
  while (pair.server.protocol->received.size() < 40'000) co_await turns(1);

  // In the middle of what has come: the rest waits.
  pair.server.protocol->on_data = [&](std::string_view) {
    pair.server.protocol->transport.pause_reading();
  };
  pair.client.protocol->transport.write(std::string(300'000, 'y'));
  co_await turns(5);
  const std::size_t first = pair.server.protocol->received.size();
  CHECK(first > 40'000);
  CHECK(first < 340'000);
  pair.server.protocol->on_data = nullptr;
  pair.server.protocol->transport.resume_reading();
  while (pair.server.protocol->received.size() < 340'000) co_await turns(1);
  pair.client.protocol->transport.close();
  co_await pair.ended();
  CHECK(pair.server.protocol->log == "made data eof lost");
}

AIO_TEST("tls_transport: one that has paused reading can close", "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  pair.server.protocol->on_data = [&](std::string_view) {
    pair.server.protocol->transport.pause_reading();
  };
  pair.client.protocol->transport.write(std::string(300'000, 'y'));
  co_await turns(5);
  const std::size_t before = pair.server.protocol->received.size();
  pair.server.protocol->transport.close();
  co_await pair.ended();
  CHECK(pair.server.protocol->received.size() == before);
  CHECK(pair.server.protocol->log == "made data lost");
  CHECK(pair.client.protocol->log == "made eof lost");
  CHECK(loop.now() == 0s);
}

AIO_TEST("tls_transport: what was written before the peer's end still leaves",
         "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  // More than there is room for below.
  pair.server.protocol->transport.write(std::string(500'000, 'x'));
  pair.server.protocol->on_eof = [&] {
    pair.server.protocol->transport.write("and a last word");
  };
  pair.client.protocol->transport.close();
  co_await pair.ended();
  CHECK(pair.server.protocol->log == "made eof lost");
  CHECK(pair.client.protocol->log == "made lost");
}

AIO_TEST("tls_transport: after close() nothing is written, and nothing received",
         "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  pair.client.protocol->transport.close();
  CHECK(pair.client.protocol->transport.is_closing());
  pair.client.protocol->transport.write("too late");
  pair.server.protocol->transport.write("crossing");
  co_await pair.ended();
  CHECK(pair.server.protocol->received == "");
  CHECK(pair.client.protocol->received == "");
  CHECK(pair.client.protocol->log == "made lost");
}

AIO_TEST("tls_transport: a connection that is cut off is no end of the stream",
         "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  pair.client.protocol->transport.write("the beginning of");
  co_await turns(3);
  pair.client.below->write_eof();  // a FIN without close_notify
  while (!pair.server.protocol->ended) co_await turns(1);
  CHECK(pair.server.protocol->log == "made data lost with an error");
  CHECK(pair.server.protocol->received == "the beginning of");
  CHECK_THAT(test::name_of(pair.server.protocol->error),
             ContainsSubstring("may be cut off"));
  try {
    std::rethrow_exception(pair.server.protocol->error);
  } catch (const aio::ssl_eof_error& e) {
    CHECK(e.code() == aio::ssl_errc::truncated);
  }
  co_await pair.ended();
}

AIO_TEST("tls_transport: a reader that is cut off throws", "[tls]") {
  tls_pair unused(loop);
  co_await unused.connected();
  memory_link link = co_await tls_streams();
  auto reading = aio::create_task(ending(link.server.reader.read()));
  link.client.writer.write("the beginning");
  co_await turns(3);
  link.client.writer.transport().abort();
  const std::string how = co_await reading;
  CHECK_THAT(how, ContainsSubstring("may be cut off"));
  const std::string closed = co_await ending(link.server.writer.wait_closed());
  CHECK(closed == how);
  unused.client.protocol->transport.close();
  co_await unused.ended();
}

AIO_TEST("tls_transport: what came before the cut can be read", "[tls]") {
  memory_link link = co_await tls_streams();
  link.client.writer.write("head\nbody");
  co_await turns(3);
  link.client.writer.transport().abort();
  co_await turns(3);
  CHECK(link.server.reader.exception());
  const std::string head = co_await link.server.reader.readline();
  CHECK(head == "head\n");
  const std::string body = co_await link.server.reader.readexactly(4);
  CHECK(body == "body");
  const std::string rest = co_await ending(link.server.reader.read(10));
  CHECK_THAT(rest, ContainsSubstring("may be cut off"));
}

AIO_TEST("tls_transport: abort() ends it at once, on both sides", "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  pair.client.protocol->transport.write(std::string(1'000'000, 'x'));
  pair.client.protocol->transport.abort();
  co_await pair.ended();
  CHECK(pair.client.protocol->log == "made pause lost");
  CHECK(pair.server.protocol->log == "made lost with an error");
}

AIO_TEST("tls_transport: a peer that does not answer the end has its time", "[tls]") {
  for (const seconds limit : {30s, 5s}) {
    const bool is_usual = limit == 30s;
    const tls_settings settings(client_context(), "localhost", {},
                                is_usual ? aio::time_limit() : aio::time_limit(limit));
    tls_pair pair(loop, settings);
    co_await pair.connected();
    pair.server.below->pause_reading();
    const aio::duration start = loop.now();
    pair.client.protocol->transport.close();
    while (!pair.client.protocol->ended) co_await aio::sleep(1s);
    CHECK(loop.now() - start >= limit);
    CHECK(loop.now() - start <= limit + 1s);
    CHECK(pair.client.protocol->log == "made lost with an error");
    CHECK(test::name_of(pair.client.protocol->error) == "timeout");
    pair.server.below->abort();
    co_await pair.ended();
  }
}

AIO_TEST("tls_transport: who does not want to wait for the peer's end aborts",
         "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  pair.server.below->pause_reading();
  pair.client.protocol->transport.close();
  co_await turns(3);
  CHECK(pair.client.protocol->log == "made");
  pair.client.protocol->transport.abort();
  pair.server.below->resume_reading();
  co_await pair.ended();
  CHECK(pair.client.protocol->log == "made lost");
  CHECK(loop.now() == 0s);
}

AIO_TEST("tls_transport: a peer that says nothing fails the handshake in time",
         "[tls]") {
  tls_client client(loop, tls_settings(client_context(), "localhost", 10s, {}));
  while (client.end.handshake == "pending") co_await aio::sleep(1s);
  CHECK(loop.now() >= 10s);
  CHECK(loop.now() <= 11s);
  CHECK_THAT(client.end.handshake, ContainsSubstring("took too long"));
  CHECK(client.end.protocol->log == "");
  while (!client.peer->ended) co_await turns(1);
}

AIO_TEST("tls_transport: a peer that leaves during the handshake fails it", "[tls]") {
  tls_client client(loop);
  co_await turns(2);
  client.peer_transport->close();
  while (client.end.handshake == "pending") co_await turns(1);
  CHECK_THAT(client.end.handshake, ContainsSubstring("during the SSL handshake"));
  CHECK(client.end.protocol->log == "");
  CHECK(loop.now() == 0s);
}

AIO_TEST("tls_transport: a refused peer is told why", "[tls]") {
  tls_pair pair(loop, tls_settings(client_context(), "example.org", {}, {}));
  co_await pair.connected();
  CHECK_THAT(pair.client.handshake,
             ContainsSubstring("certificate is not valid for 'example.org'"));
  CHECK(pair.server.handshake == "SSL handshake failed: sslv3 alert bad certificate");
  CHECK(pair.client.protocol->log == "");
  CHECK(pair.server.protocol->log == "");
  co_await turns(3);
  CHECK(pair.client.below->is_lost());
  CHECK(pair.server.below->is_lost());
}

AIO_TEST("tls_transport: plaintext from the peer fails the handshake", "[tls]") {
  tls_client client(loop);
  client.peer_transport->write("220 mail.example ESMTP\r\n");
  while (client.end.handshake == "pending") co_await turns(1);
  CHECK(client.end.handshake == "SSL handshake failed: wrong version number");
  while (!client.peer->ended) co_await turns(1);
}

AIO_TEST("tls_transport: rubbish in an open connection ends it with the reason",
         "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  co_await turns(3);
  pair.client.below->write("rubbish\n");
  co_await pair.ended();
  CHECK_THAT(test::name_of(pair.server.protocol->error),
             ContainsSubstring("TLS connection failed: "));
  // The client was told, but of what it does not know that it has sent.
  CHECK(pair.client.protocol->log == "made lost with an error");
}

AIO_TEST("tls_transport: answers that a peer does not read are not collected for ever",
         "[tls]") {
  auto both = aio::detail::make_memory_transports(loop.core(), {});
  tls_end server;
  server.below = both.second;
  server.begin(loop.core(), server_settings());
  const auto peer = std::make_shared<recorder>();
  both.first->start(peer);
  raw_client client(peer);
  while (!client.shake_hands()) co_await turns(1);
  while (server.handshake == "pending") co_await turns(1);

  peer->transport.pause_reading();
  std::size_t most = 0;
  for (int i = 0; i < 10'000 && !peer->transport.is_closing(); ++i) {
    client.request_key_update();
    most = std::max(most, server.below->get_write_buffer_size());
    if (i % 100 == 0) co_await turns(1);
  }
  while (!server.protocol->ended) co_await turns(1);
  CHECK(most > 64 * 1024);
  CHECK(most < 256 * 1024);
  CHECK_THAT(test::name_of(server.protocol->error),
             ContainsSubstring("wants answers that it does not read"));
}

AIO_TEST("tls_transport: a client may leave at any moment", "[tls]") {
  for (const bool abort : {false, true}) {
    for (int moment = 0; moment < 12; ++moment) {
      tls_pair pair(loop, client_settings(), server_settings(), 300);
      co_await turns(moment);
      abort ? pair.client.below->abort() : pair.client.below->close();
      while (!pair.server.below->is_lost()) co_await turns(1);
      co_await turns(3);
      CHECK(pair.server.handshake != "pending");
      CHECK((pair.server.handshake == "none") == pair.server.protocol->ended);
    }
  }
}

AIO_TEST("tls_transport: a protocol that throws ends its connection", "[tls]") {
  test::reports reports(loop);
  tls_pair pair(loop);
  co_await pair.connected();
  pair.server.protocol->on_data = [](std::string_view) { throw test::boom(); };
  pair.client.protocol->transport.write("x");
  co_await pair.ended();
  CHECK(reports.take() == "boom");
  CHECK(test::name_of(pair.server.protocol->error) == "boom");
}

AIO_TEST("tls_transport: a protocol may close or abort in any callback", "[tls]") {
  for (const bool abort : {false, true}) {
    for (const bool early : {true, false}) {
      tls_pair pair(loop);
      const auto end = [abort](aio::transport& t) { abort ? t.abort() : t.close(); };
      if (early) {
        pair.server.protocol->on_made = end;
      } else {
        pair.server.protocol->on_data = [&](std::string_view) {
          end(pair.server.protocol->transport);
        };
      }
      co_await pair.connected();
      pair.client.protocol->transport.write(std::string(200'000, 'x'));
      co_await pair.ended();
      CHECK(pair.server.protocol->received.size() < 200'000);
      CHECK(pair.server.protocol->error == nullptr);
    }
  }
}

AIO_TEST("tls_transport: a protocol can be given another place", "[tls]") {
  tls_pair pair(loop);
  co_await pair.connected();
  const auto second = std::make_shared<recorder>();
  pair.server.protocol->transport.set_protocol(second);
  CHECK(pair.server.protocol->transport.get_protocol() == second);
  pair.client.protocol->transport.write("for the second");
  pair.client.protocol->transport.close();
  while (!second->ended) co_await turns(1);
  CHECK(second->received == "for the second");
  CHECK(pair.server.protocol->received == "");
}

AIO_TEST("start_tls: what was received before belongs to the handshake", "[tls]") {
  // A client that sends a line, and its first message of TLS in the same breath.
  memory_link link = memory_streams();
  auto server = aio::create_task([&]() -> aio::coro<std::string> {
    std::string line = co_await link.server.reader.readline();
    co_await turns(5);
    CHECK(link.server.reader.buffered() > 100);
    co_await secure_server(link.server.writer);
    CHECK(link.server.reader.buffered() == 0);
    line += co_await link.server.reader.readline();
    co_return line;
  });
  link.client.writer.write("PROXY TCP4\n");
  co_await secure_client(link.client.writer);
  link.client.writer.write("secret\n");
  const std::string both = co_await server;
  CHECK(both == "PROXY TCP4\nsecret\n");
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
}

AIO_TEST("start_tls: plaintext that was slipped in does not pass as secured", "[tls]") {
  memory_link link = memory_streams();
  link.server.writer.write("220 ready\nfake answer\n");
  const std::string line = co_await link.client.reader.readline();
  CHECK(line == "220 ready\n");
  CHECK(link.client.reader.buffered() == 12);
  auto server = aio::create_task(ending(secure_server(link.server.writer)));
  const std::string how = co_await ending(secure_client(link.client.writer));
  CHECK(how == "SSL handshake failed: wrong version number");
  const std::string read = co_await ending(link.client.reader.readline());
  CHECK(read == how);
  CHECK(link.client.reader.buffered() == 0);
  const std::string closed = co_await ending(link.client.writer.wait_closed());
  CHECK(closed == how);
  co_await server;
}

AIO_TEST("start_tls: what is written meanwhile waits, and leaves encrypted", "[tls]") {
  memory_link link = memory_streams();
  auto client = aio::create_task(secure_client(link.client.writer));
  co_await turns(2);
  CHECK_FALSE(link.client.writer.transport().tls());
  link.client.writer.write("early\n");
  CHECK(link.client.writer.transport().get_write_buffer_size() > 0);
  co_await secure_server(link.server.writer);
  co_await client;
  const std::string line = co_await link.server.reader.readline();
  CHECK(line == "early\n");
  CHECK(link.client.writer.transport().tls()->version == "TLSv1.3");
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
}

AIO_TEST("start_tls: sends what was written in plaintext first", "[tls]") {
  memory_link link = memory_streams({.piece = 1000});
  const std::string large = test::pattern(60'000) + "\n";
  link.client.writer.write(large);
  auto client = aio::create_task(secure_client(link.client.writer));
  const std::string line = co_await link.server.reader.readline();
  CHECK(line == large);
  co_await secure_server(link.server.writer);
  co_await client;
  link.server.writer.close();
  co_await link.server.writer.wait_closed();
}

AIO_TEST("start_tls: over TLS again", "[tls]") {
  memory_link link = co_await tls_streams(5000);
  auto both =
      aio::gather(secure_client(link.client.writer), secure_server(link.server.writer));
  co_await std::move(both);
  const std::string large = test::pattern(200'000) + "\n";
  auto reading = aio::create_task(link.server.reader.readexactly(large.size()));
  link.client.writer.write(large);
  const std::string got = co_await reading;
  CHECK(got == large);
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
  co_await link.server.writer.wait_closed();
  CHECK(link.server.reader.at_eof());
}

AIO_TEST("start_tls: given up, the connection is gone", "[tls]") {
  memory_link link = memory_streams();
  auto client = aio::create_task(secure_client(link.client.writer));
  co_await turns(3);
  client.cancel();
  const std::string how = co_await ending(client);
  CHECK(how == "cancelled");
  const std::string read = co_await ending(link.client.reader.readline());
  CHECK_THAT(read, ContainsSubstring("closed during the SSL handshake"));
  // What the server has got of it is no line, and no end in order for TLS.
  const std::string server = co_await ending(secure_server(link.server.writer));
  CHECK_THAT(server, ContainsSubstring("closed"));
}

AIO_TEST("start_tls: refuses what does not go together", "[tls]") {
  memory_link link = memory_streams();
  aio::stream_writer& writer = link.client.writer;
  CHECK_THROWS_AS(writer.start_tls(client_context()), std::invalid_argument);
  CHECK_THROWS_AS(writer.start_tls(client_context(), {.server_hostname = ""}),
                  std::invalid_argument);
  CHECK_THROWS_AS(writer.start_tls(server_context(), {.server_hostname = "localhost"}),
                  std::invalid_argument);
  CHECK_THROWS_AS(writer.start_tls(server_context(), {.server_side = false,
                                                      .server_hostname = "localhost"}),
                  std::invalid_argument);
  CHECK_THROWS_AS(writer.start_tls(client_context(), {.server_side = true}),
                  std::invalid_argument);
  CHECK_THROWS_AS(writer.start_tls(client_context(), {.server_hostname = "localhost",
                                                      .ssl_handshake_timeout = 0s}),
                  std::invalid_argument);
  CHECK_THROWS_AS(writer.start_tls(client_context(), {.server_hostname = "localhost",
                                                      .ssl_shutdown_timeout = -1s}),
                  std::invalid_argument);
  CHECK_THROWS_AS(writer.start_tls(ssl_context()), aio::usage_error);

  writer.close();
  const std::string closing = co_await ending(secure_client(writer));
  CHECK_THAT(closing, ContainsSubstring("lost") || ContainsSubstring("usage"));
}

TEST_CASE("tls_transport: cancelled anywhere, nothing is left behind", "[tls]") {
  int ended = 0;
  const int cancels = aio::testing::cancel_at_every_await(
      []() -> aio::coro<> {
        memory_link link = co_await tls_streams(200);
        link.client.writer.write("ping\n");
        co_await link.server.reader.readline();
        link.client.writer.close();
        co_await link.client.writer.wait_closed();
      },
      [&](auto& task) {
        CHECK(task.cancelled());
        ++ended;
      });
  CHECK(cancels > 10);
  CHECK(ended == cancels);
}
