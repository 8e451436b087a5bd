// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/tls/make_context.hpp>

#include <support/certificates.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using aio::ssl_context;
using aio::tls_version;
using aio::detail::tls_engine;
using status = tls_engine::status;

/// What goes between two engines.
struct wire final : aio::detail::tls_wire {
  std::size_t take_ciphertext(std::span<char> room) override {
    const std::size_t n = std::min(room.size(), arrived.size());
    std::copy_n(arrived.data(), n, room.data());
    arrived.erase(0, n);
    return n;
  }
  void send_ciphertext(std::string_view bytes) override {
    ++sends;
    if (is_broken) throw std::runtime_error("broken wire");
    sent += bytes;
  }

  std::string arrived;
  std::string sent;
  int sends = 0;
  bool is_broken = false;
};

ssl_context client_context() { return ssl_context::client_pem(test::trusted().cert()); }
ssl_context server_context(const test::identity& who = test::localhost()) {
  return ssl_context::server_pem(who.cert, who.key);
}

/// A client and a server, and what is between them.
class tunnel {
 public:
  tunnel(const ssl_context& ours, const ssl_context& theirs,
         const std::string& host = "localhost")
      : c(ours.impl().make_engine(ours.shared(), host, client_wire)),
        s(theirs.impl().make_engine(theirs.shared(), "", server_wire)) {}

  /// Moves up to `most` bytes in each direction; false: there were none.
  bool exchange(std::size_t most = std::string::npos) {
    return move(client_wire.sent, server_wire.arrived, most) +
               move(server_wire.sent, client_wire.arrived, most) >
           0;
  }

  /// Until both are done, or one has failed and the other was told.
  void shake_hands(std::size_t piece = std::string::npos) {
    do {
      step(*c, client);
      step(*s, server);
    } while (exchange(piece) && (!is_over(client) || !is_over(server)));
  }

  bool is_connected() const { return client == status::ok && server == status::ok; }

  wire client_wire;
  wire server_wire;
  status client = status::needs_input;
  status server = status::needs_input;
  std::unique_ptr<tls_engine> c;
  std::unique_ptr<tls_engine> s;

 private:
  static void step(tls_engine& engine, status& at) {
    if (at == status::needs_input) at = engine.handshake();
  }
  static bool is_over(status at) { return at != status::needs_input; }
  static std::size_t move(std::string& from, std::string& to, std::size_t most) {
    const std::size_t n = std::min(most, from.size());
    to += from.substr(0, n);
    from.erase(0, n);
    return n;
  }
};

void write_all(tls_engine& engine, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto step = engine.write(bytes);
    REQUIRE(step.how == status::ok);
    bytes.remove_prefix(step.size);
  }
}

/// All that can be read, and what ended it.
std::pair<std::string, status> read_all(tls_engine& engine) {
  std::string all;
  std::array<char, 1000> room;
  for (;;) {
    const auto step = engine.read(room);
    if (step.how != status::ok) return {all, step.how};
    all.append(room.data(), step.size);
  }
}

std::string reason(const tls_engine& engine) {
  try {
    if (engine.error()) std::rethrow_exception(engine.error());
  } catch (const std::exception& e) {
    return e.what();
  }
  return "none";
}

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

template <class F>
std::string failure(F call) {
  try {
    call();
  } catch (...) {
    return reason_of(std::current_exception());
  }
  return "none";
}

/// What a client says of a server with such a certificate.
std::string verdict(const test::certificate_request& request,
                    const std::string& host = "localhost") {
  tunnel l(client_context(), server_context(test::trusted().issue(request)), host);
  l.shake_hands();
  CHECK((l.client == status::ok) == (reason(*l.c) == "none"));
  if (l.client != status::ok) {
    CHECK(l.server == status::failed);  // it was told
  }
  return reason(*l.c);
}

}  // namespace

using Catch::Matchers::ContainsSubstring;

TEST_CASE("openssl_engine: carries bytes both ways, in TLS 1.2 and 1.3", "[tls]") {
  const auto version = GENERATE(tls_version::v1_2, tls_version::v1_3);
  const ssl_context client = client_context();
  client.set_maximum_version(version);
  tunnel l(client, server_context());
  l.shake_hands();
  REQUIRE(l.is_connected());

  const std::string large(100'000, 'x');
  write_all(*l.c, "question");
  write_all(*l.s, large);
  l.exchange();
  CHECK(read_all(*l.s) == std::pair(std::string("question"), status::needs_input));
  CHECK(read_all(*l.c) == std::pair(large, status::needs_input));

  const aio::tls_info info = l.c->info();
  CHECK(info.version == (version == tls_version::v1_2 ? "TLSv1.2" : "TLSv1.3"));
  CHECK(!info.cipher.empty());
  CHECK(info.cipher_bits >= 128);
  CHECK(info.server_name == "localhost");
  CHECK_FALSE(info.is_resumed);
  REQUIRE(info.peer_certificate);
  CHECK(info.peer_certificate->subject == "CN=localhost");
  CHECK(info.peer_certificate->issuer == "CN=authority of the tests");
  CHECK(info.peer_certificate->names ==
        std::vector<std::string>{"localhost", "127.0.0.1"});
  CHECK(info.peer_certificate->der.size() > 200);
  CHECK_THAT(info.peer_certificate->not_after, ContainsSubstring("GMT"));
  CHECK(l.s->info().server_name == "localhost");
  CHECK_FALSE(l.s->info().peer_certificate);
}

TEST_CASE("openssl_engine: it does not matter where the handshake is cut", "[tls]") {
  const auto version = GENERATE(tls_version::v1_2, tls_version::v1_3);
  const ssl_context client = client_context();
  client.set_maximum_version(version);
  const ssl_context server = server_context();
  for (std::size_t piece = 1; piece < 3000; piece = piece * 3 / 2 + 1) {
    tunnel l(client, server);
    l.shake_hands(piece);
    REQUIRE(l.is_connected());
    // What has come since, such as tickets, comes in the same pieces.
    write_all(*l.s, "after");
    std::string got;
    while (l.exchange(piece)) {
      const auto [some, how] = read_all(*l.c);
      REQUIRE(how == status::needs_input);
      got += some;
    }
    CHECK(got == "after");
  }
}

TEST_CASE("openssl_engine: a record that came in part is kept, whatever part",
          "[tls]") {
  tunnel l(client_context(), server_context());
  l.shake_hands();
  REQUIRE(l.is_connected());
  l.exchange();
  static_cast<void>(read_all(*l.c));
  for (std::size_t cut = 1; cut < 34; ++cut) {
    write_all(*l.s, "in two parts");
    l.exchange(cut);
    CHECK(read_all(*l.c).second == status::needs_input);
    l.exchange();
    CHECK(read_all(*l.c).first == "in two parts");
  }
}

TEST_CASE("openssl_engine: next_record tells how much can be read", "[tls]") {
  tunnel l(client_context(), server_context());
  l.shake_hands();
  REQUIRE(l.is_connected());
  write_all(*l.c, "12345");
  write_all(*l.c, "678");
  l.exchange();
  const auto first = l.s->next_record();
  CHECK(first.how == status::ok);
  CHECK(first.size == 5);
  CHECK(read_all(*l.s).first == "12345678");
  CHECK(l.s->next_record().how == status::needs_input);
}

TEST_CASE("openssl_engine: a write ends with its record", "[tls]") {
  tunnel l(client_context(), server_context());
  l.shake_hands();
  REQUIRE(l.is_connected());
  l.client_wire.sends = 0;
  const std::string large(50'000, 'x');
  const auto step = l.c->write(large);
  CHECK(step.how == status::ok);
  CHECK(step.size == 16'384);
  CHECK(l.client_wire.sends == 1);
}

TEST_CASE("openssl_engine: the end is announced, and what was written comes before",
          "[tls]") {
  tunnel l(client_context(), server_context());
  l.shake_hands();
  write_all(*l.c, "last words");
  l.c->send_close();
  l.exchange();
  CHECK(read_all(*l.s) == std::pair(std::string("last words"), status::closed));
  // The other direction stays open.
  write_all(*l.s, "an answer");
  l.s->send_close();
  l.exchange();
  CHECK(read_all(*l.c) == std::pair(std::string("an answer"), status::closed));
}

TEST_CASE("openssl_engine: a certificate is refused with the reason", "[tls]") {
  CHECK(verdict({}) == "none");
  CHECK(verdict({}, "127.0.0.1") == "none");

  CHECK_THAT(
      verdict({}, "example.org"),
      ContainsSubstring("certificate verify failed: Hostname mismatch, certificate "
                        "is not valid for 'example.org'"));
  CHECK_THAT(verdict({}, "127.0.0.2"),
             ContainsSubstring("IP address mismatch, certificate is not valid for "
                               "'127.0.0.2'"));
  CHECK_THAT(verdict({.valid_from = -7200, .valid_to = -3600}),
             ContainsSubstring("certificate has expired"));
  CHECK_THAT(verdict({.valid_from = 3600, .valid_to = 7200}),
             ContainsSubstring("certificate is not yet valid"));
  CHECK_THAT(verdict({.usage = "clientAuth"}), ContainsSubstring("purpose"));
  // A name in the subject alone has not counted for long.
  CHECK_THAT(verdict({.subject = "localhost", .names = ""}),
             ContainsSubstring("Hostname mismatch"));
  CHECK(verdict({.names = "DNS:*.example.org"}, "www.example.org") == "none");
  CHECK_THAT(verdict({.names = "DNS:*.example.org"}, "a.b.example.org"),
             ContainsSubstring("Hostname mismatch"));
  CHECK_THAT(verdict({.names = "DNS:127.0.0.1"}, "127.0.0.1"),
             ContainsSubstring("IP address mismatch"));
}

TEST_CASE("openssl_engine: IPv6 addresses are names as well", "[tls]") {
  CHECK(verdict({.names = "IP:2001:db8::f0"}, "2001:DB8::F0") == "none");
  CHECK_THAT(verdict({.names = "IP:2001:db8::f0"}, "2001:db8::f1"),
             ContainsSubstring("IP address mismatch"));
  tunnel l(ssl_context::insecure_client(),
           server_context(test::trusted().issue({.names = "IP:2001:db8::f0"})), "");
  l.shake_hands();
  CHECK(l.c->info().peer_certificate->names ==
        std::vector<std::string>{"2001:DB8:0:0:0:0:0:F0"});
}

TEST_CASE("openssl_engine: a stranger's certificate is refused", "[tls]") {
  const test::authority stranger("a stranger");
  tunnel l(client_context(), server_context(stranger.issue()));
  l.shake_hands();
  CHECK(l.client == status::failed);
  CHECK_THAT(reason(*l.c), ContainsSubstring("unable to get local issuer certificate"));
  try {
    std::rethrow_exception(l.c->error());
  } catch (const aio::ssl_cert_verification_error& e) {
    CHECK(e.code() == aio::ssl_errc::verification);
    CHECK(e.verify_code() == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  }

  tunnel accepting(ssl_context::insecure_client(), server_context(stranger.issue()),
                   "");
  accepting.shake_hands();
  CHECK(accepting.is_connected());
}

TEST_CASE("openssl_engine: a self-signed certificate is refused, unless it is trusted",
          "[tls]") {
  const test::identity self = test::self_signed();
  const auto verdict_of = [&](const ssl_context& client) {
    tunnel l(client, server_context(self));
    l.shake_hands();
    return reason(*l.c);
  };
  CHECK_THAT(verdict_of(client_context()),
             ContainsSubstring("self-signed certificate"));
  CHECK(verdict_of(ssl_context::client_pem(self.cert)) == "none");
}

TEST_CASE("openssl_engine: any host will do only if that was asked for", "[tls]") {
  const ssl_context client = client_context();
  CHECK(client.check_hostname());
  CHECK_THAT(failure([&] { tunnel(client, server_context(), ""); }),
             ContainsSubstring("server_hostname"));
  CHECK_THAT(failure([&] {
               tunnel(client, server_context(), std::string("localhost\0.evil", 15));
             }),
             ContainsSubstring("null byte"));
  client.set_insecure_any_hostname();
  CHECK_FALSE(client.check_hostname());
  tunnel l(client, server_context(), "example.org");
  l.shake_hands();
  CHECK(l.is_connected());
}

TEST_CASE("openssl_engine: clients show certificates where they are asked to",
          "[tls]") {
  const ssl_context server = server_context();
  server.use_verify_certificates(test::trusted().cert());
  const ssl_context nobody = client_context();
  nobody.set_maximum_version(tls_version::v1_2);
  const ssl_context known = client_context();
  const test::identity ann = test::trusted().issue({.subject = "ann", .names = ""});
  known.use_cert_chain(ann.cert, ann.key);

  server.set_verify_mode(aio::ssl_verify::required);
  CHECK(server.verify_mode() == aio::ssl_verify::required);
  {
    tunnel l(known, server);
    l.shake_hands();
    CHECK(l.is_connected());
    CHECK(l.s->info().peer_certificate->subject == "CN=ann");
  }
  {
    tunnel l(nobody, server);
    l.shake_hands();
    CHECK_THAT(reason(*l.s), ContainsSubstring("peer did not return a certificate"));
    CHECK_THAT(reason(*l.c), ContainsSubstring("handshake failure"));
  }
  {
    // In TLS 1.3 the client is through before the server looks.
    tunnel l(client_context(), server);
    l.shake_hands();
    CHECK(l.client == status::ok);
    CHECK(l.server == status::failed);
    l.exchange();
    CHECK(read_all(*l.c).second == status::failed);
    CHECK_THAT(reason(*l.c), ContainsSubstring("certificate required"));
  }
  server.set_verify_mode(aio::ssl_verify::optional);
  {
    tunnel l(nobody, server);
    l.shake_hands();
    CHECK(l.is_connected());
    CHECK_FALSE(l.s->info().peer_certificate);
  }
  {
    const test::authority stranger("a stranger");
    const test::identity eve = stranger.issue({.subject = "eve"});
    const ssl_context wrong = client_context();
    wrong.use_cert_chain(eve.cert, eve.key);
    tunnel l(wrong, server);
    l.shake_hands();
    CHECK(l.server == status::failed);
    CHECK_THAT(reason(*l.s), ContainsSubstring("certificate verify failed"));
  }
  CHECK_THROWS_AS(known.set_verify_mode(aio::ssl_verify::none), std::invalid_argument);
}

TEST_CASE("openssl_engine: the server picks the protocol", "[tls]") {
  const auto agreed = [](std::vector<std::string> client,
                         std::vector<std::string> server) {
    const ssl_context c = client_context();
    c.set_alpn_protocols(client);
    const ssl_context s = server_context();
    if (!server.empty()) s.set_alpn_protocols(server);
    tunnel l(c, s);
    l.shake_hands();
    CHECK(l.is_connected());
    CHECK(l.c->info().alpn == l.s->info().alpn);
    return l.c->info().alpn;
  };
  CHECK(agreed({"http/1.1", "h2"}, {"h2", "http/1.1"}) == "h2");
  CHECK(agreed({"http/1.1"}, {"h2", "http/1.1"}) == "http/1.1");
  CHECK(agreed({"ftp"}, {"h2"}) == "");
  CHECK(agreed({"h2"}, {}) == "");
  CHECK_THROWS_AS(client_context().set_alpn_protocols({""}), std::invalid_argument);
}

TEST_CASE("openssl_engine: a server of several names", "[tls]") {
  const ssl_context server = server_context();
  std::vector<std::string> asked;
  {
    const ssl_context other =
        server_context(test::trusted().issue({.names = "DNS:other.example"}));
    other.set_alpn_protocols({"other"});
    server.set_sni_callback([&asked, other](std::string_view name) {
      asked.emplace_back(name);
      if (name == "bad.example") throw std::runtime_error("no such name here");
      return name == "other.example" ? other : ssl_context();
    });
  }
  const ssl_context client = client_context();
  client.set_alpn_protocols({"other"});
  {
    tunnel l(client, server, "other.example");
    l.shake_hands();
    CHECK(l.is_connected());
    CHECK(l.c->info().alpn == "other");
  }
  {
    tunnel l(client, server, "localhost");
    l.shake_hands();
    CHECK(l.is_connected());
    CHECK(l.c->info().alpn == "");
  }
  {
    tunnel l(client, server, "bad.example");
    l.shake_hands();
    CHECK(reason(*l.s) == "no such name here");
    CHECK_THAT(reason(*l.c), ContainsSubstring("unrecognized name"));
  }
  CHECK(asked == std::vector<std::string>{"other.example", "localhost", "bad.example"});
}

TEST_CASE("openssl_engine: versions and ciphers are agreed on, or not", "[tls]") {
  const ssl_context old = client_context();
  old.set_maximum_version(tls_version::v1_2);
  const ssl_context modern = server_context();
  modern.set_minimum_version(tls_version::v1_3);
  tunnel l(old, modern);
  l.shake_hands();
  CHECK_THAT(reason(*l.s), ContainsSubstring("unsupported protocol"));
  CHECK_THAT(reason(*l.c), ContainsSubstring("protocol version"));

  const ssl_context picky = client_context();
  picky.set_ciphersuites("TLS_CHACHA20_POLY1305_SHA256");
  tunnel chosen(picky, server_context());
  chosen.shake_hands();
  CHECK(chosen.c->info().cipher == "TLS_CHACHA20_POLY1305_SHA256");

  old.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384");
  tunnel older(old, server_context());
  older.shake_hands();
  CHECK(older.c->info().cipher == "ECDHE-ECDSA-AES256-GCM-SHA384");
  CHECK_THAT(failure([&] { old.set_ciphers("nonsense"); }),
             ContainsSubstring("no cipher of 'nonsense' can be used"));
}

TEST_CASE("openssl_engine: what is no TLS is refused", "[tls]") {
  const auto answer = [](std::string bytes) {
    tunnel l(client_context(), server_context());
    l.server_wire.arrived = std::move(bytes);
    const status how = l.s->handshake();
    return std::pair(how, reason(*l.s));
  };
  CHECK(answer("GET / HTTP/1.0\r\n\r\n") ==
        std::pair(status::failed, std::string("SSL handshake failed: http request")));
  CHECK(answer(std::string(100, '\0')).second ==
        "SSL handshake failed: wrong version number");
  CHECK(answer("\x16\x03\x01").first == status::needs_input);

  tunnel l(client_context(), server_context());
  CHECK(l.c->handshake() == status::needs_input);
  l.client_wire.arrived = "220 mail.example ESMTP\r\n";
  CHECK(l.c->handshake() == status::failed);
  CHECK(reason(*l.c) == "SSL handshake failed: wrong version number");
}

TEST_CASE("openssl_engine: a changed byte ends the connection", "[tls]") {
  tunnel l(client_context(), server_context());
  l.shake_hands();
  l.exchange();
  static_cast<void>(read_all(*l.c));
  write_all(*l.s, "pay 100");
  l.server_wire.sent.back() = static_cast<char>(l.server_wire.sent.back() ^ 1);
  l.exchange();
  CHECK(read_all(*l.c) == std::pair(std::string(), status::failed));
  CHECK_THAT(reason(*l.c), ContainsSubstring("TLS connection failed: "));
  // The other side is told.
  l.exchange();
  CHECK(read_all(*l.s).second == status::failed);
  CHECK_THAT(reason(*l.s), ContainsSubstring("bad record mac"));
}

TEST_CASE("openssl_engine: no bytes of a peer make it crash or hang", "[tls]") {
  std::minstd_rand random(7);
  const ssl_context client = client_context();
  const ssl_context server = server_context();
  for (int round = 0; round < 300; ++round) {
    tunnel l(client, server);
    const unsigned long flips_at = random() % 6;
    unsigned long flight = 0;
    do {
      if (l.client == status::needs_input) l.client = l.c->handshake();
      if (l.server == status::needs_input) l.server = l.s->handshake();
      std::string& bytes = random() % 2 == 0 ? l.client_wire.sent : l.server_wire.sent;
      if (flight++ == flips_at && !bytes.empty()) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
        if (random() % 3 == 0) bytes.resize(random() % bytes.size());
      }
    } while (l.exchange() && flight < 20);
    if (l.client == status::failed) CHECK(reason(*l.c) != "none");
    if (l.server == status::failed) CHECK(reason(*l.s) != "none");
    CHECK(flight < 20);
  }
}

TEST_CASE("openssl_engine: an error of the wire comes out as it is", "[tls]") {
  tunnel l(client_context(), server_context());
  l.client_wire.is_broken = true;
  CHECK(l.c->handshake() == status::failed);
  CHECK(reason(*l.c) == "broken wire");
}

TEST_CASE("openssl_engine: a context is kept by its connections", "[tls]") {
  std::optional<tunnel> l;
  {
    const ssl_context client = client_context();
    const ssl_context server = server_context();
    server.set_alpn_protocols({"x"});
    client.set_alpn_protocols({"x"});
    l.emplace(client, server);
  }
  l->shake_hands();
  CHECK(l->is_connected());
  CHECK(l->c->info().alpn == "x");
}

TEST_CASE("ssl_context: files that cannot be used are refused by name", "[tls]") {
  const test::scratch_folder folder;
  const std::string cert = folder.file("cert.pem", test::localhost().cert);
  const std::string key = folder.file("key.pem", test::localhost().key);
  const std::string both =
      folder.file("both.pem", test::localhost().cert + test::localhost().key);
  const std::string ca = folder.file("ca.pem", test::trusted().cert());
  const std::string other = folder.file("other.pem", test::trusted().issue().key);

  tunnel l(ssl_context::client(ca), ssl_context::server(cert, key));
  l.shake_hands();
  CHECK(l.is_connected());
  CHECK(failure([&] { ssl_context::server(both); }) == "none");

  CHECK_THAT(failure([&] { ssl_context::server(folder.path("none.pem"), key); }),
             ContainsSubstring("none.pem'") && ContainsSubstring("No such file"));
  CHECK_THAT(failure([&] { ssl_context::server(key, key); }),
             ContainsSubstring("cannot load the certificate") &&
                 ContainsSubstring("no start line"));
  CHECK_THAT(failure([&] { ssl_context::server(cert, other); }),
             ContainsSubstring("key values mismatch"));
  CHECK_THAT(failure([&] { ssl_context::client(folder.path("none.pem")); }),
             ContainsSubstring("cannot load the authorities in"));
  CHECK_THAT(failure([&] { ssl_context::client_pem("rubbish"); }),
             ContainsSubstring("no start line"));
  CHECK_THAT(failure([&] { ssl_context().set_ciphers("x"); }),
             ContainsSubstring("empty ssl_context"));
}

TEST_CASE("ssl_context: trusts the authorities in a folder", "[tls]") {
  const test::scratch_folder folder;
  const std::string pem = test::trusted().cert();
  BIO* const text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  const aio::detail::x509_ptr cert(PEM_read_bio_X509(text, nullptr, nullptr, nullptr));
  BIO_free(text);
  // The name that `openssl rehash` would give it.
  char name[16];
  std::snprintf(name, sizeof name, "%08lx.0", X509_subject_name_hash(cert.get()));
  folder.file(name, pem);
  tunnel l(ssl_context::client(folder.path("")), server_context());
  l.shake_hands();
  CHECK(l.is_connected());
}

TEST_CASE("ssl_context: keys with a password", "[tls]") {
  const test::scratch_folder folder;
  const std::string cert = folder.file("cert.pem", test::localhost().cert);
  const std::string locked = test::locked(test::localhost().key, "sesame");
  const std::string key = folder.file("key.pem", locked);
  CHECK(failure([&] { ssl_context::server(cert, key, "sesame"); }) == "none");
  CHECK(failure([&] {
          ssl_context::server_pem(test::localhost().cert, locked, "sesame");
        }) == "none");
  // Nobody is asked on the terminal.
  CHECK_THAT(failure([&] { ssl_context::server(cert, key); }),
             ContainsSubstring("cannot load the private key"));
  CHECK_THAT(failure([&] { ssl_context::server(cert, key, "guess"); }),
             ContainsSubstring("cannot load the private key"));
}
