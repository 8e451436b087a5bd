// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The factories of ssl_context, on OpenSSL.

#pragma once

#include <aio/net/ssl_context.hpp>
#include <aio/tls/openssl_context.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace aio {

inline ssl_context ssl_context::client() {
  auto made = std::make_shared<detail::openssl_context>(false);
  made->set_default_verify_paths();
  return ssl_context(std::move(made));
}

inline ssl_context ssl_context::client(const std::string& ca_path) {
  auto made = std::make_shared<detail::openssl_context>(false);
  made->load_verify_locations(ca_path);
  return ssl_context(std::move(made));
}

inline ssl_context ssl_context::client_pem(std::string_view ca_pem) {
  auto made = std::make_shared<detail::openssl_context>(false);
  made->use_verify_certificates(ca_pem);
  return ssl_context(std::move(made));
}

inline ssl_context ssl_context::insecure_client() {
  auto made = std::make_shared<detail::openssl_context>(false);
  made->trust_anybody();
  return ssl_context(std::move(made));
}

inline ssl_context ssl_context::server(const std::string& cert_file,
                                       const std::string& key_file,
                                       const std::string& password) {
  auto made = std::make_shared<detail::openssl_context>(true);
  made->load_cert_chain(cert_file, key_file, password);
  return ssl_context(std::move(made));
}

inline ssl_context ssl_context::server_pem(std::string_view cert_pem,
                                           std::string_view key_pem,
                                           const std::string& password) {
  auto made = std::make_shared<detail::openssl_context>(true);
  made->use_cert_chain(cert_pem, key_pem, password);
  return ssl_context(std::move(made));
}

namespace detail {

inline const bool knows_default_client_context = [] {
  default_client_context = [] { return ssl_context::client(); };
  return true;
}();

}  // namespace detail
}  // namespace aio
