// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What can go wrong with TLS, beyond what can go wrong with a connection.

#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <type_traits>

namespace aio {

/// The kinds of ssl_error.
enum class ssl_errc {
  protocol = 1,      ///< the peer does not speak TLS, or nothing that both sides accept
  verification = 2,  ///< the certificate of the peer is not to be trusted
  truncated = 3,     ///< the connection ended without the peer having said so in TLS
  configuration = 4  ///< a certificate, key or option that cannot be used
};

namespace detail {

class ssl_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ssl"; }
  std::string message(int kind) const override {
    switch (static_cast<ssl_errc>(kind)) {
      case ssl_errc::protocol:
        return "TLS protocol error";
      case ssl_errc::verification:
        return "certificate verify failed";
      case ssl_errc::truncated:
        return "the connection was cut off";
      case ssl_errc::configuration:
        return "unusable TLS configuration";
    }
    return "unknown TLS error";
  }
};

}  // namespace detail

inline boost::system::error_code make_error_code(ssl_errc kind) noexcept {
  static const detail::ssl_category category;
  return {static_cast<int>(kind), category};
}

/// TLS failed; what() gives the reason. It is also an error of the system, as every
/// error of a connection: `code()` tells the kind.
///
/// Like: ssl.SSLError (an OSError)
class ssl_error : public boost::system::system_error {
 public:
  ssl_error(ssl_errc kind, std::string reason)
      : system_error(make_error_code(kind), reason), reason_(std::move(reason)) {}

  const char* what() const noexcept override { return reason_.c_str(); }

 private:
  std::string reason_;
};

/// The certificate of the peer was refused: its chain, dates, purpose or names.
///
/// Like: ssl.SSLCertVerificationError
class ssl_cert_verification_error : public ssl_error {
 public:
  ssl_cert_verification_error(const std::string& reason, int verify_code)
      : ssl_error(ssl_errc::verification, reason), verify_code_(verify_code) {}

  /// The number of the TLS library, X509_V_ERR_….
  int verify_code() const noexcept { return verify_code_; }

 private:
  int verify_code_;
};

/// The connection ended in the middle: what came so far may be cut off, by whoever is
/// between us and the peer. An orderly end is announced within TLS. Readers hand out what
/// has come first.
///
/// Like: ssl.SSLEOFError
class ssl_eof_error final : public ssl_error {
 public:
  explicit ssl_eof_error(std::string reason)
      : ssl_error(ssl_errc::truncated, std::move(reason)) {}
};

}  // namespace aio

template <>
struct boost::system::is_error_code_enum<aio::ssl_errc> : std::true_type {};
