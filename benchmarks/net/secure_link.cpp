// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "secure_link.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "load.hpp"

namespace bench {
namespace {

SSL_CTX* make_context() {
  // OpenSSL writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  return context;
}

SSL_CTX* shared_context() {
  static SSL_CTX* const context = make_context();
  return context;
}

template <class Write>
void write_file(const std::string& name, Write write) {
  std::FILE* const file = std::fopen(name.c_str(), "w");
  const bool written = file != nullptr && write(file) == 1;
  if (file == nullptr || std::fclose(file) != 0 || !written) {
    throw std::runtime_error("cannot write to " + name);
  }
}

}  // namespace

void secure_link::free_ssl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

secure_link::secure_link(int fd) : ssl_(SSL_new(shared_context())) {
  SSL_set_fd(ssl_.get(), fd);
  if (SSL_connect(ssl_.get()) != 1) {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    throw load_error(std::string("no TLS handshake: ") +
                     (reason != nullptr ? reason : "the connection ended"));
  }
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

secure_link::~secure_link() {
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

ssize_t secure_link::send(const char* data, std::size_t size) {
  const auto most = static_cast<int>(std::min<std::size_t>(size, INT_MAX));
  return result_of(SSL_write(ssl_.get(), data, most));
}

ssize_t secure_link::receive(char* data, std::size_t size) {
  const auto most = static_cast<int>(std::min<std::size_t>(size, INT_MAX));
  return result_of(SSL_read(ssl_.get(), data, most));
}

bool secure_link::has_pending() const { return SSL_has_pending(ssl_.get()) == 1; }

ssize_t secure_link::result_of(int result) {
  if (result > 0) return result;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      if (errno == 0) errno = ECONNRESET;
      break;
    default:
      errno = EPROTO;
  }
  ERR_clear_error();
  return -1;
}

temporary_certificate::temporary_certificate() {
  std::string folder = std::filesystem::temp_directory_path() / "aio-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  folder_ = folder;
  EVP_PKEY* const pair = EVP_EC_gen("P-256");
  X509* const cert = X509_new();
  X509_set_version(cert, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
  X509_set_pubkey(cert, pair);
  X509_sign(cert, pair, EVP_sha256());
  write_file(certificate(),
             [&](std::FILE* file) { return PEM_write_X509(file, cert); });
  write_file(key(), [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, pair, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(cert);
  EVP_PKEY_free(pair);
}

temporary_certificate::~temporary_certificate() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace bench
