// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// OpenSSL's way to a tls_wire.

#pragma once

#include <aio/net/detail/tls_engine.hpp>
#include <aio/tls/openssl_error.hpp>

#include <openssl/bio.h>

#include <cstddef>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

namespace aio::detail {

/// What OpenSSL reads from and writes to: copies nothing and keeps nothing. An exception
/// of the wire must not pass through OpenSSL; it waits in `error`.
struct openssl_bio {
  tls_wire& wire;
  std::exception_ptr error = nullptr;

  /// A BIO that refers to this.
  bio_ptr make() {
    bio_ptr made(BIO_new(method()));
    if (!made) throw std::bad_alloc();
    BIO_set_data(made.get(), this);
    BIO_set_init(made.get(), 1);
    return made;
  }

  static openssl_bio& of(BIO* bio) noexcept {
    return *static_cast<openssl_bio*>(BIO_get_data(bio));
  }

 private:
  static int read(BIO* bio, char* room, std::size_t size, std::size_t* taken) {
    openssl_bio& self = of(bio);
    BIO_clear_retry_flags(bio);
    try {
      *taken = self.wire.take_ciphertext({room, size});
    } catch (...) {
      self.error = std::current_exception();
      *taken = 0;
      return 0;
    }
    if (*taken > 0) return 1;
    BIO_set_retry_read(bio);
    return 0;
  }

  static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* sent) {
    openssl_bio& self = of(bio);
    BIO_clear_retry_flags(bio);
    *sent = 0;
    try {
      self.wire.send_ciphertext({bytes, size});
    } catch (...) {
      self.error = std::current_exception();
      return 0;
    }
    *sent = size;
    return 1;
  }

  static long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // One for the process; OpenSSL wants it to outlive the last BIO.
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m =
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "aio transport");
      if (m == nullptr) throw std::bad_alloc();
      BIO_meth_set_read_ex(m, &openssl_bio::read);
      BIO_meth_set_write_ex(m, &openssl_bio::write);
      BIO_meth_set_ctrl(m, &openssl_bio::control);
      return m;
    }();
    return made;
  }
};

}  // namespace aio::detail
