// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What TLS costs both ends together, between streams within the process. Nearly all of
// it is OpenSSL's arithmetic.

#include "in_loop.hpp"

#include <aio/testing.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using namespace bench;

namespace {

template <class Write>
std::string pem(Write write) {
  BIO* const memory = BIO_new(BIO_s_mem());
  write(memory);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  std::string made(text, static_cast<std::size_t>(size));
  BIO_free(memory);
  return made;
}

/// A server with a certificate of its own.
aio::ssl_context server_context() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_sign(cert, key, EVP_sha256());
  const auto made = aio::ssl_context::server_pem(
      pem([&](BIO* to) { PEM_write_bio_X509(to, cert); }), pem([&](BIO* to) {
        PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
      }));
  X509_free(cert);
  EVP_PKEY_free(key);
  return made;
}

struct contexts {
  aio::ssl_context server = server_context();
  aio::ssl_context client = aio::ssl_context::insecure_client();
};

aio::coro<> secure(aio::stream_writer writer, aio::ssl_context context) {
  co_await writer.start_tls(context);
}

aio::coro<> secure(aio::testing::memory_link& link, const contexts& with) {
  auto server = aio::create_task(secure(link.server.writer, with.server));
  co_await link.client.writer.start_tls(with.client, {.server_hostname = "x"});
  co_await server;
}

aio::coro<> shake_hands(benchmark::State& state) {
  const contexts with;
  while (state.KeepRunning()) {
    auto link = aio::testing::memory_streams();
    co_await secure(link, with);
    link.client.writer.transport().abort();
    link.server.writer.transport().abort();
  }
}

aio::coro<> there_and_back(benchmark::State& state) {
  const contexts with;
  auto link = aio::testing::memory_streams();
  co_await secure(link, with);
  const std::string question(100, 'q');
  std::vector<std::byte> room(1000);
  while (state.KeepRunning()) {
    link.client.writer.write(question);
    const std::size_t asked = co_await link.server.reader.read_some(room);
    link.server.writer.write({reinterpret_cast<const char*>(room.data()), asked});
    co_await link.client.reader.read_some(room);
  }
  link.client.writer.transport().abort();
}

aio::coro<> one_way(benchmark::State& state) {
  const contexts with;
  auto link = aio::testing::memory_streams();
  co_await secure(link, with);
  const std::string data(16 * 1024, 'd');
  std::vector<std::byte> room(data.size());
  while (state.KeepRunning()) {
    link.client.writer.write(data);
    std::size_t rest = data.size();
    while (rest > 0) rest -= co_await link.server.reader.read_some(room);
  }
  link.client.writer.transport().abort();
}

}  // namespace

BENCHMARK(in_loop<shake_hands>)->Name("TLS handshake");
BENCHMARK(in_loop<there_and_back>)->Name("100 bytes there and back in TLS");
BENCHMARK(in_loop<one_way>)->Name("16 KiB one way in TLS");
