// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The settings of TLS connections on OpenSSL.

#pragma once

#include <aio/net/ssl_context.hpp>
#include <aio/tls/openssl_engine.hpp>
#include <aio/tls/openssl_error.hpp>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::detail {

class openssl_context final : public tls_context {
 public:
  explicit openssl_context(bool is_server)
      : is_server_(is_server),
        native_(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method())) {
    if (!native_) throw_openssl_error("a new SSL context");
    SSL_CTX* const c = native_.get();
    SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    // A client could make us compute by asking for handshakes without end.
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Sessions come back with tickets, which cost us no memory.
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(c, &openssl_context::give_password);
    X509_VERIFY_PARAM* const checks = SSL_CTX_get0_param(c);
    X509_VERIFY_PARAM_set_flags(checks,
                                X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_server) {
      SSL_CTX_set_dh_auto(c, 1);
      const auto self = reinterpret_cast<std::uintptr_t>(this);
      SSL_CTX_set_session_id_context(c, reinterpret_cast<const unsigned char*>(&self),
                                     sizeof self);
    } else {
      set_mode(ssl_verify::required);
    }
  }

  bool is_server() const noexcept override { return is_server_; }

  // ----- who we are -----

  void load_cert_chain(const std::string& cert_file, const std::string& key_file,
                       const std::string& password) override {
    ERR_clear_error();
    const std::string& key = key_file.empty() ? cert_file : key_file;
    check_openssl(
        SSL_CTX_use_certificate_chain_file(native_.get(), cert_file.c_str()) == 1,
        "cannot load the certificate '" + cert_file + "'");
    const password_scope given(native_.get(), password);
    check_openssl(
        SSL_CTX_use_PrivateKey_file(native_.get(), key.c_str(), SSL_FILETYPE_PEM) == 1,
        "cannot load the private key '" + key + "'");
    check_key();
  }

  void use_cert_chain(std::string_view cert_pem, std::string_view key_pem,
                      const std::string& password) override {
    ERR_clear_error();
    const std::vector<x509_ptr> chain = read_certificates(cert_pem);
    check_openssl(SSL_CTX_use_certificate(native_.get(), chain.front().get()) == 1,
                  "cannot use the certificate");
    SSL_CTX_clear_chain_certs(native_.get());
    for (std::size_t i = 1; i < chain.size(); ++i) {
      check_openssl(SSL_CTX_add1_chain_cert(native_.get(), chain[i].get()) == 1,
                    "cannot use the certificate chain");
    }
    const bio_ptr source = memory(key_pem);
    const evp_pkey_ptr key(
        PEM_read_bio_PrivateKey(source.get(), nullptr, &openssl_context::give_password,
                                const_cast<std::string*>(&password)));
    check_openssl(key && SSL_CTX_use_PrivateKey(native_.get(), key.get()) == 1,
                  "cannot use the private key");
    check_key();
  }

  // ----- whom to trust -----

  void load_verify_locations(const std::string& path) override {
    ERR_clear_error();
    struct stat kind {};
    const bool is_folder =
        ::stat(path.c_str(), &kind) == 0 && (kind.st_mode & S_IFMT) == S_IFDIR;
    const int loaded = is_folder
                           ? SSL_CTX_load_verify_dir(native_.get(), path.c_str())
                           : SSL_CTX_load_verify_file(native_.get(), path.c_str());
    check_openssl(loaded == 1, "cannot load the authorities in '" + path + "'");
  }

  void use_verify_certificates(std::string_view pem) override {
    ERR_clear_error();
    X509_STORE* const store = SSL_CTX_get_cert_store(native_.get());
    for (const x509_ptr& one : read_certificates(pem)) {
      check_openssl(X509_STORE_add_cert(store, one.get()) == 1,
                    "cannot use the authority");
    }
  }

  void set_default_verify_paths() override {
    ERR_clear_error();
    check_openssl(SSL_CTX_set_default_verify_paths(native_.get()) == 1,
                  "cannot load the authorities of the system");
    ERR_clear_error();
  }

  void set_verify_mode(ssl_verify mode) override {
    if (!is_server_ && mode != ssl_verify::required) {
      throw std::invalid_argument(
          "a client verifies its server; if it must not, use "
          "ssl_context::insecure_client()");
    }
    set_mode(mode);
  }
  ssl_verify verify_mode() const noexcept override { return verify_; }

  void set_check_hostname(bool on) override { check_hostname_ = on; }
  bool check_hostname() const noexcept override {
    return !is_server_ && check_hostname_ && verify_ == ssl_verify::required;
  }

  /// For insecure_client().
  void trust_anybody() { set_mode(ssl_verify::none); }

  // ----- what to agree on -----

  void set_alpn_protocols(const std::vector<std::string>& names) override {
    std::string wire;
    for (const std::string& name : names) {
      if (name.empty() || name.size() > 255) {
        throw std::invalid_argument("ALPN: a name has 1 to 255 bytes");
      }
      wire += static_cast<char>(name.size());
      wire += name;
    }
    alpn_ = std::move(wire);
    const auto* bytes = reinterpret_cast<const unsigned char*>(alpn_.data());
    SSL_CTX_set_alpn_protos(native_.get(), bytes, static_cast<unsigned>(alpn_.size()));
    SSL_CTX_set_alpn_select_cb(native_.get(), &openssl_context::select_alpn, this);
  }

  void set_sni_callback(sni_callback callback) override {
    on_sni_ = std::move(callback);
    SSL_CTX_set_tlsext_servername_callback(native_.get(), &openssl_context::choose);
    SSL_CTX_set_tlsext_servername_arg(native_.get(), this);
  }

  void set_minimum_version(tls_version version) override {
    check_openssl(
        SSL_CTX_set_min_proto_version(native_.get(), static_cast<int>(version)) == 1,
        "cannot set the minimum version");
  }
  void set_maximum_version(tls_version version) override {
    check_openssl(
        SSL_CTX_set_max_proto_version(native_.get(), static_cast<int>(version)) == 1,
        "cannot set the maximum version");
  }

  void set_ciphers(const std::string& list) override {
    ERR_clear_error();
    check_openssl(SSL_CTX_set_cipher_list(native_.get(), list.c_str()) == 1,
                  "no cipher of '" + list + "' can be used");
  }
  void set_ciphersuites(const std::string& list) override {
    ERR_clear_error();
    check_openssl(SSL_CTX_set_ciphersuites(native_.get(), list.c_str()) == 1,
                  "cannot use the cipher suites '" + list + "'");
  }

  void set_session_tickets(std::size_t count) override {
    SSL_CTX_set_num_tickets(native_.get(), count);
    if (count == 0) {
      SSL_CTX_set_options(native_.get(), SSL_OP_NO_TICKET);
    } else {
      SSL_CTX_clear_options(native_.get(), SSL_OP_NO_TICKET);
    }
  }

  // ----- connections -----

  std::unique_ptr<tls_engine> make_engine(
      const std::shared_ptr<const tls_context>& self,
      const std::string& server_hostname, tls_wire& wire) const override {
    ssl_ptr made(SSL_new(native_.get()));
    if (!made) throw_openssl_error("a new TLS connection");
    if (is_server_) {
      SSL_set_accept_state(made.get());
    } else {
      SSL_set_connect_state(made.get());
      expect_host(made.get(), server_hostname);
    }
    return std::make_unique<openssl_engine>(std::move(made), self, server_hostname,
                                            wire);
  }

 private:
  /// The password for a key that is loaded while this lives.
  class password_scope {
   public:
    password_scope(SSL_CTX* native, const std::string& password) noexcept
        : native_(native) {
      SSL_CTX_set_default_passwd_cb_userdata(native,
                                             const_cast<std::string*>(&password));
    }
    password_scope(const password_scope&) = delete;
    password_scope& operator=(const password_scope&) = delete;
    ~password_scope() { SSL_CTX_set_default_passwd_cb_userdata(native_, nullptr); }

   private:
    SSL_CTX* native_;
  };

  // Without it OpenSSL would ask on the terminal.
  static int give_password(char* room, int size, int, void* given) {
    const auto* password = static_cast<const std::string*>(given);
    if (password == nullptr || password->empty()) return -1;
    const std::size_t n = std::min(password->size(), static_cast<std::size_t>(size));
    std::memcpy(room, password->data(), n);
    return static_cast<int>(n);
  }

  void check_key() const {
    check_openssl(SSL_CTX_check_private_key(native_.get()) == 1,
                  "the private key does not belong to the certificate");
  }

  static bio_ptr memory(std::string_view bytes) {
    if (bytes.size() > std::numeric_limits<int>::max()) {
      throw std::invalid_argument("PEM: too long");
    }
    bio_ptr made(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!made) throw std::bad_alloc();
    return made;
  }

  /// At least one.
  static std::vector<x509_ptr> read_certificates(std::string_view pem) {
    const bio_ptr source = memory(pem);
    std::vector<x509_ptr> all;
    while (X509* one = PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)) {
      all.emplace_back(one);
    }
    check_openssl(!all.empty(), "cannot read a certificate (PEM)");
    // The end of the text ends the loop with an error.
    const unsigned long last = ERR_peek_last_error();
    check_openssl(
        ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE,
        "cannot read all certificates (PEM)");
    ERR_clear_error();
    return all;
  }

  void set_mode(ssl_verify mode) {
    verify_ = mode;
    constexpr std::array<int, 3> native_modes{
        SSL_VERIFY_NONE, SSL_VERIFY_PEER,
        SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};
    SSL_CTX_set_verify(native_.get(), native_modes[static_cast<std::size_t>(mode)],
                       nullptr);
  }

  static bool is_ip_address(const std::string& host) noexcept {
    in6_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
  }

  void expect_host(SSL* ssl, const std::string& host) const {
    // A part would be checked, and another one connected to.
    if (host.find('\0') != std::string::npos) {
      throw std::invalid_argument("server_hostname: a null byte");
    }
    if (host.empty()) {
      if (!check_hostname()) return;
      throw std::invalid_argument(
          "server_hostname: the name to check the certificate for is missing");
    }
    const bool is_ip = is_ip_address(host);
    if (!is_ip) {
      check_openssl(SSL_set_tlsext_host_name(ssl, host.c_str()) == 1,
                    "server_hostname '" + host + "'");
    }
    if (!check_hostname()) return;
    X509_VERIFY_PARAM* const checks = SSL_get0_param(ssl);
    const int accepted =
        is_ip ? X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str())
              : X509_VERIFY_PARAM_set1_host(checks, host.data(), host.size());
    check_openssl(accepted == 1, "server_hostname '" + host + "'");
  }

  // ----- called by OpenSSL -----

  // Our order decides. Without a common one there is none, as in Python.
  static int select_alpn(SSL*, const unsigned char** chosen, unsigned char* size,
                         const unsigned char* offered, unsigned offered_size,
                         void* context) {
    const std::string& ours = static_cast<openssl_context*>(context)->alpn_;
    unsigned char* found = nullptr;
    const int how = SSL_select_next_proto(
        &found, size, reinterpret_cast<const unsigned char*>(ours.data()),
        static_cast<unsigned>(ours.size()), offered, offered_size);
    if (how != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
  }

  static int choose(SSL* ssl, int* alert, void* context) {
    const auto& self = *static_cast<const openssl_context*>(context);
    openssl_engine& engine = openssl_engine::of(ssl);
    try {
      const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      const ssl_context chosen = self.on_sni_(name != nullptr ? name : "");
      if (chosen) {
        const auto* other = dynamic_cast<const openssl_context*>(&chosen.impl());
        if (other == nullptr || !other->is_server_) {
          throw std::invalid_argument("the SNI callback must return a server context");
        }
        engine.switch_to(chosen.shared(), other->native_.get());
        const auto mode = SSL_CTX_get_verify_mode(other->native_.get());
        SSL_set_verify(ssl, mode, nullptr);
      }
      return SSL_TLSEXT_ERR_OK;
    } catch (...) {
      engine.sni_failed(std::current_exception());
      *alert = SSL_AD_UNRECOGNIZED_NAME;
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
  }

  const bool is_server_;
  ssl_ctx_ptr native_;
  std::string alpn_;
  sni_callback on_sni_;
  ssl_verify verify_ = ssl_verify::none;
  bool check_hostname_ = true;
};

}  // namespace aio::detail
