// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The TLS engine on OpenSSL.

#pragma once

#include <aio/net/detail/tls_engine.hpp>
#include <aio/net/ssl_context.hpp>
#include <aio/net/ssl_error.hpp>
#include <aio/tls/openssl_bio.hpp>
#include <aio/tls/openssl_certificate.hpp>
#include <aio/tls/openssl_error.hpp>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// At rest it holds an SSL object without buffers: OpenSSL takes them for a record at a
/// time, and gives them back.
class openssl_engine final : public tls_engine {
 public:
  /// `ssl` has its role and its checks; `context` is what it belongs to.
  openssl_engine(ssl_ptr ssl, std::shared_ptr<const tls_context> context,
                 std::string host, tls_wire& wire)
      : context_(std::move(context)),
        host_(std::move(host)),
        bio_{wire},
        ssl_(std::move(ssl)) {
    BIO* const bio = bio_.make().release();
    SSL_set_bio(ssl_.get(), bio, bio);  // takes it
    SSL_set_app_data(ssl_.get(), this);
  }

  status handshake() override {
    forget_errors();
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1) return stopped(result);
    is_connected_ = true;
    host_ = std::string();
    sni_error_ = nullptr;
    return status::ok;
  }

  progress read(std::span<char> room) override {
    forget_errors();
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &size);
    if (result != 1) return {stopped(result)};
    return {status::ok, size};
  }

  progress next_record() override {
    forget_errors();
    char first = 0;
    std::size_t size = 0;
    const int result = SSL_peek_ex(ssl_.get(), &first, 1, &size);
    if (result != 1) return {stopped(result)};
    return {status::ok, static_cast<std::size_t>(SSL_pending(ssl_.get()))};
  }

  progress write(std::string_view plaintext) override {
    forget_errors();
    std::size_t size = 0;
    const int result =
        SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &size);
    if (result != 1) return {stopped(result)};
    return {status::ok, size};
  }

  void send_close() noexcept override {
    // After a failure, or within the handshake, there is nobody to tell.
    if (error_ || !is_connected_) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  std::exception_ptr error() const noexcept override { return error_; }

  tls_info info() const override {
    tls_info made;
    made.version = SSL_get_version(ssl_.get());
    if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get())) {
      made.cipher = SSL_CIPHER_get_name(cipher);
      made.cipher_bits = SSL_CIPHER_get_bits(cipher, nullptr);
    }
    const unsigned char* alpn = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &alpn, &size);
    made.alpn.assign(alpn, alpn + size);
    if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) {
      made.server_name = name;
    }
    made.is_resumed = SSL_session_reused(ssl_.get()) == 1;
    if (X509* shown = SSL_get0_peer_certificate(ssl_.get())) {
      made.peer_certificate = describe(shown);
    }
    return made;
  }

  // ----- for the callbacks of the context -----

  static openssl_engine& of(const SSL* ssl) noexcept {
    return *static_cast<openssl_engine*>(SSL_get_app_data(ssl));
  }

  /// The connection goes on with the settings of another context.
  void switch_to(std::shared_ptr<const tls_context> other, SSL_CTX* native) noexcept {
    SSL_set_SSL_CTX(ssl_.get(), native);
    chosen_ = std::move(other);
  }

  void sni_failed(std::exception_ptr why) noexcept { sni_error_ = std::move(why); }

 private:
  // What somebody else has left in the queue of this thread would be taken for ours.
  // (Clearing an empty queue takes longer than everything else here.)
  static void forget_errors() noexcept {
    if (ERR_peek_error() != 0) ERR_clear_error();
  }

  status stopped(int result) {
    if (error_) return status::failed;  // OpenSSL takes it for an end the second time
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        give_buffers_back();
        return status::needs_input;
      case SSL_ERROR_ZERO_RETURN:
        return status::closed;
      default:
        error_ = reason();
        return status::failed;
    }
  }

  // A client that was given tickets would keep a buffer for answers. Where a part of a
  // record has come ("read body") OpenSSL would forget it; it checks the rest itself.
  void give_buffers_back() noexcept {
    if (!is_connected_) return;
    const std::string_view state = SSL_rstate_string(ssl_.get());
    if (state == "RH") SSL_free_buffers(ssl_.get());
  }

  std::exception_ptr reason() {
    if (bio_.error) return std::exchange(bio_.error, nullptr);
    if (sni_error_) return std::exchange(sni_error_, nullptr);
    const unsigned long code = ERR_peek_error();
    const std::string doing =
        is_connected_ ? "TLS connection failed: " : "SSL handshake failed: ";
    if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
        ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      ERR_clear_error();
      return verification_error();
    }
    return std::make_exception_ptr(
        ssl_error(ssl_errc::protocol, doing + take_openssl_reason()));
  }

  std::exception_ptr verification_error() const {
    const long code = SSL_get_verify_result(ssl_.get());
    std::string why;
    if (code == X509_V_ERR_HOSTNAME_MISMATCH) {
      why = "Hostname mismatch, certificate is not valid for '" + host_ + "'";
    } else if (code == X509_V_ERR_IP_ADDRESS_MISMATCH) {
      why = "IP address mismatch, certificate is not valid for '" + host_ + "'";
    } else {
      why = X509_verify_cert_error_string(code);
    }
    return std::make_exception_ptr(ssl_cert_verification_error(
        "SSL handshake failed on verifying the certificate: certificate verify "
        "failed: " +
            why,
        static_cast<int>(code)));
  }

  std::shared_ptr<const tls_context> context_;
  std::shared_ptr<const tls_context> chosen_;  ///< by the name that the client asks for
  std::string host_;  ///< what the server is checked for; empty after the handshake
  openssl_bio bio_;
  std::exception_ptr error_;
  std::exception_ptr sni_error_;
  bool is_connected_ = false;
  ssl_ptr ssl_;  // the first to go
};

}  // namespace aio::detail
