// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// ssl_context: whom to trust, who we are, and what to agree on.

#pragma once

#include <aio/core/error.hpp>
#include <aio/net/detail/tls_engine.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio {

class ssl_context;

/// Whether the peer must show a certificate. One that is shown is always verified,
/// except with `none`.
enum class ssl_verify : unsigned char { none, optional, required };

enum class tls_version : std::uint16_t { v1_2 = 0x0303, v1_3 = 0x0304 };

/// Called with the name that a client asks for (empty: for none); what it returns serves
/// this connection, an empty context leaves it to the one that was asked.
using sni_callback = std::function<ssl_context(std::string_view name)>;

namespace detail {

/// The settings that all connections of a context share, and a maker of engines.
class tls_context {
 public:
  virtual ~tls_context() = default;

  virtual bool is_server() const noexcept = 0;
  virtual void load_cert_chain(const std::string& cert_file,
                               const std::string& key_file,
                               const std::string& password) = 0;
  virtual void use_cert_chain(std::string_view cert_pem, std::string_view key_pem,
                              const std::string& password) = 0;
  virtual void load_verify_locations(const std::string& path) = 0;
  virtual void use_verify_certificates(std::string_view pem) = 0;
  virtual void set_default_verify_paths() = 0;
  virtual void set_verify_mode(ssl_verify mode) = 0;
  virtual ssl_verify verify_mode() const noexcept = 0;
  virtual void set_check_hostname(bool on) = 0;
  virtual bool check_hostname() const noexcept = 0;
  virtual void set_alpn_protocols(const std::vector<std::string>& names) = 0;
  virtual void set_sni_callback(sni_callback callback) = 0;
  virtual void set_minimum_version(tls_version version) = 0;
  virtual void set_maximum_version(tls_version version) = 0;
  virtual void set_ciphers(const std::string& list) = 0;
  virtual void set_ciphersuites(const std::string& list) = 0;
  virtual void set_session_tickets(std::size_t count) = 0;

  /// `self` keeps the settings alive as long as the engine.
  ///
  /// Throws: ssl_error; std::invalid_argument – a host name is needed and not given
  virtual std::unique_ptr<tls_engine> make_engine(
      const std::shared_ptr<const tls_context>& self,
      const std::string& server_hostname, tls_wire& wire) const = 0;
};

/// ssl_context::client(), where TLS is part of the program; else null.
// Why: who needs a context of his own accord, as for a URL with https, must not need
// OpenSSL for those who have no such URLs. <aio/tls.hpp> sets it before main().
inline ssl_context (*default_client_context)() = nullptr;

}  // namespace detail

/// Whom to trust, who we are, and what to agree on in TLS. A handle, cheap to copy: the
/// copies are one context. Settings hold for connections that are made afterwards.
///
///     auto [reader, writer] = co_await aio::open_connection(
///         "example.org", 443, {.ssl = aio::ssl_context::client()});
///
///     auto context = aio::ssl_context::server("cert.pem", "key.pem");
///     auto server = co_await aio::start_server(handle, "", 443, {.ssl = context});
///
/// The defaults are safe: TLS 1.2 or newer, clients verify the chain, the dates, the
/// purpose and the name of the server. What makes a connection less safe has `insecure`
/// in its name.
///
/// The factories are in <aio/tls.hpp>, which needs OpenSSL and is part of <aio/aio.hpp>
/// where that is installed.
///
/// Throws:  of all that sets something: ssl_error – a file, certificate, key or list
///          that cannot be used; usage_error – an empty context
/// Threads: set it up before several threads share it
/// Like:    ssl.SSLContext
class ssl_context {
 public:
  /// An empty one: to be assigned to.
  ssl_context() noexcept = default;
  explicit ssl_context(std::shared_ptr<detail::tls_context> impl) noexcept
      : impl_(std::move(impl)) {}

  /// For clients: trusts the certificate authorities of the system, and checks that the
  /// server is the host that was asked for.
  ///
  /// Like: ssl.create_default_context()
  static ssl_context client();

  /// As client(), but trusts only the authorities in the file (PEM), or in the folder
  /// as `openssl rehash` makes it.
  ///
  /// Like: ssl.create_default_context(cafile=…)
  static ssl_context client(const std::string& ca_path);

  /// As client(), but trusts only these authorities (PEM).
  ///
  /// Like: ssl.create_default_context(cadata=…)
  static ssl_context client_pem(std::string_view ca_pem);

  /// For clients that accept whatever a server shows: anybody in between can read and
  /// change everything. For tests.
  static ssl_context insecure_client();

  /// For servers: the certificate and those between it and the authority, and the key
  /// (PEM); without `key_file` the key is in the file of the certificate.
  static ssl_context server(const std::string& cert_file,
                            const std::string& key_file = "",
                            const std::string& password = "");

  /// As server(), from memory.
  static ssl_context server_pem(std::string_view cert_pem, std::string_view key_pem,
                                const std::string& password = "");

  explicit operator bool() const noexcept { return static_cast<bool>(impl_); }
  friend bool operator==(const ssl_context&, const ssl_context&) = default;

  /// The certificate to show; clients need one where the server asks.
  ///
  /// Like: SSLContext.load_cert_chain
  void load_cert_chain(const std::string& cert_file, const std::string& key_file = "",
                       const std::string& password = "") const {
    impl().load_cert_chain(cert_file, key_file, password);
  }
  void use_cert_chain(std::string_view cert_pem, std::string_view key_pem,
                      const std::string& password = "") const {
    impl().use_cert_chain(cert_pem, key_pem, password);
  }

  /// Trusts the authorities in a file (PEM) or folder as well.
  void load_verify_locations(const std::string& path) const {
    impl().load_verify_locations(path);
  }
  /// Trusts these authorities as well.
  void use_verify_certificates(std::string_view pem) const {
    impl().use_verify_certificates(pem);
  }
  /// Trusts those of the system as well.
  void set_default_verify_paths() const { impl().set_default_verify_paths(); }

  /// For servers: whether clients must show a certificate (default: none is asked for).
  ///
  /// Throws: std::invalid_argument – less than `required` on a client; see
  ///         insecure_client()
  void set_verify_mode(ssl_verify mode) const { impl().set_verify_mode(mode); }
  ssl_verify verify_mode() const { return impl().verify_mode(); }

  /// For clients: accepts the certificate of any host that a trusted authority has
  /// signed.
  void set_insecure_any_hostname() const { impl().set_check_hostname(false); }
  bool check_hostname() const { return impl().check_hostname(); }

  /// The protocols to agree on, best first: {"h2", "http/1.1"}. The server decides; if
  /// none is common the connection has none.
  void set_alpn_protocols(const std::vector<std::string>& names) const {
    impl().set_alpn_protocols(names);
  }

  /// For servers of several names; see aio::sni_callback. If it throws, the handshake
  /// fails.
  void set_sni_callback(sni_callback callback) const {
    impl().set_sni_callback(std::move(callback));
  }

  void set_minimum_version(tls_version version) const {
    impl().set_minimum_version(version);
  }
  void set_maximum_version(tls_version version) const {
    impl().set_maximum_version(version);
  }

  /// For TLS 1.2, in OpenSSL's notation.
  void set_ciphers(const std::string& list) const { impl().set_ciphers(list); }
  /// For TLS 1.3: "TLS_AES_256_GCM_SHA384:…".
  void set_ciphersuites(const std::string& list) const {
    impl().set_ciphersuites(list);
  }

  /// How many tickets a server gives to a TLS 1.3 client to come back with; 0: no
  /// sessions are taken up, in TLS 1.2 neither.
  void set_session_tickets(std::size_t count) const {
    impl().set_session_tickets(count);
  }

  /// For the machinery.
  detail::tls_context& impl() const {
    if (!impl_) throw usage_error("an empty ssl_context: make one with client()");
    return *impl_;
  }
  const std::shared_ptr<detail::tls_context>& shared() const noexcept { return impl_; }

 private:
  std::shared_ptr<detail::tls_context> impl_;
};

/// An ssl_context in an option, or none: `.ssl = context`, or a pointer that may be null.
/// The function that takes the option keeps the context. An empty one is a usage_error,
/// so that nobody speaks plaintext by mistake.
class ssl_option {
 public:
  constexpr ssl_option() noexcept = default;
  constexpr ssl_option(const ssl_context& context) noexcept : context_(&context) {}
  constexpr ssl_option(const ssl_context* context) noexcept : context_(context) {}

  /// Whether there is to be TLS.
  bool has_value() const noexcept { return context_ != nullptr; }
  /// The context; an empty one if there is to be no TLS.
  ssl_context value() const {
    if (context_ == nullptr) return {};
    static_cast<void>(context_->impl());
    return *context_;
  }

 private:
  const ssl_context* context_ = nullptr;
};

}  // namespace aio
