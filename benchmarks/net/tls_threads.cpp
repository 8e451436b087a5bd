// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Thread-per-connection in TLS: OpenSSL on blocking sockets.

#include <openssl/ssl.h>

#include <array>

#include "server.hpp"
#include "threads.hpp"
#include "tls_context.hpp"

namespace {

SSL_CTX* context;

bool write_all(SSL* ssl, const char* data, int size) {
  while (size > 0) {
    const int n = SSL_write(ssl, data, size);
    if (n <= 0) return false;
    data += n;
    size -= n;
  }
  return true;
}

void echo(int fd) {
  const bench::unique_ssl ssl(SSL_new(context));
  SSL_set_fd(ssl.get(), fd);
  if (SSL_accept(ssl.get()) != 1) return;
  std::array<char, SSL3_RT_MAX_PLAIN_LENGTH> buffer;  // one record: it yields no more
  for (;;) {
    const int n = SSL_read(ssl.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (n <= 0 || !write_all(ssl.get(), buffer.data(), n)) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::tls_address where = bench::start_up_tls(argc, argv);
  context = bench::make_tls_context(where);
  bench::serve_in_threads<echo>(bench::listen_on(where));
}
