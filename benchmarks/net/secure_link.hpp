// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// TLS for the load generator: OpenSSL directly on a socket.

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

struct ssl_st;

namespace bench {

/// The client's end of TLS on a connected socket. It trusts any certificate, and insists
/// on one cipher (AES-128-GCM in TLS 1.3), so that all servers do the same arithmetic.
class secure_link {
 public:
  /// Shakes hands on a blocking socket, which it leaves without blocking.
  ///
  /// Throws: load_error – the server does not speak TLS, or not like this
  explicit secure_link(int fd);

  /// Says goodbye, as TLS wants it.
  ~secure_link();

  /// Like send and recv: -1 with errno EAGAIN when it would block, 0 at the end.
  ssize_t send(const char* data, std::size_t size);
  ssize_t receive(char* data, std::size_t size);

  /// Returns: whether something has been received from the socket that receive() has
  ///          not returned yet
  bool has_pending() const;

 private:
  struct free_ssl {
    void operator()(ssl_st* ssl) const;
  };
  ssize_t result_of(int result);

  std::unique_ptr<ssl_st, free_ssl> ssl_;
};

/// A key and a certificate for it, as PEM files in a folder that ends with this object.
class temporary_certificate {
 public:
  /// Throws: std::runtime_error – they cannot be made, or not be written
  temporary_certificate();
  ~temporary_certificate();
  temporary_certificate(const temporary_certificate&) = delete;
  temporary_certificate& operator=(const temporary_certificate&) = delete;

  std::string certificate() const { return folder_ + "/certificate.pem"; }
  std::string key() const { return folder_ + "/key.pem"; }

 private:
  std::string folder_;
};

}  // namespace bench
