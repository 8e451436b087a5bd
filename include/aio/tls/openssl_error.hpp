// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// OpenSSL's objects with their ends, and its errors as exceptions.

#pragma once

#include <aio/net/ssl_error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstring>
#include <exception>
#include <memory>
#include <string>

namespace aio::detail {

/// Calls the OpenSSL function `End` on what is held.
template <auto End>
struct openssl_end {
  template <class T>
  void operator()(T* object) const noexcept {
    End(object);
  }
};

using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, openssl_end<&SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, openssl_end<&SSL_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_end<&BIO_free_all>>;
using x509_ptr = std::unique_ptr<X509, openssl_end<&X509_free>>;
using evp_pkey_ptr = std::unique_ptr<EVP_PKEY, openssl_end<&EVP_PKEY_free>>;

/// The reason of the oldest error in this thread's queue, which is emptied. The oldest is
/// the cause, later ones tell who passed it on.
inline std::string take_openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
#if defined(ERR_SYSTEM_ERROR)
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
#endif
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  return "error " + std::to_string(code);
}

/// Something that was given to a context cannot be used.
[[noreturn]] inline void throw_openssl_error(const std::string& doing) {
  throw ssl_error(ssl_errc::configuration, doing + ": " + take_openssl_reason());
}

inline void check_openssl(bool succeeded, const std::string& doing) {
  if (!succeeded) throw_openssl_error(doing);
}

}  // namespace aio::detail
