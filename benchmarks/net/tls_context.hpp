// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the servers that call OpenSSL themselves have in common.

#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "server.hpp"

namespace bench {

struct free_ssl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

using unique_ssl = std::unique_ptr<SSL, free_ssl>;

inline SSL_CTX* make_tls_context(const tls_address& where) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // A record is received with its header, not after it.
  SSL_CTX_set_read_ahead(context, 1);
  if (SSL_CTX_use_certificate_chain_file(context, where.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, where.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    die("the certificate");
  }
  return context;
}

}  // namespace bench
