// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The TLS part of options, checked and owned.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/net/detail/tls_engine.hpp>
#include <aio/net/ssl_context.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// How to secure a connection; empty: not at all.
class tls_settings {
 public:
  tls_settings() = default;
  tls_settings(ssl_context context, std::string host, time_limit for_handshake,
               time_limit for_shutdown)
      : handshake_timeout(positive(for_handshake, std::chrono::seconds(60))),
        shutdown_timeout(positive(for_shutdown, std::chrono::seconds(30))),
        context_(std::move(context)),
        host_(std::move(host)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(context_); }

  std::unique_ptr<tls_engine> make_engine(tls_wire& wire) const {
    return context_.impl().make_engine(context_.shared(), host_, wire);
  }

  duration handshake_timeout{};
  duration shutdown_timeout{};

 private:
  static duration positive(time_limit given, duration otherwise) {
    if (!given.has_value()) return otherwise;
    if (given.value() <= duration::zero()) {
      throw std::invalid_argument("a TLS timeout must be greater than zero");
    }
    return given.value();
  }

  ssl_context context_;
  std::string host_;
};

template <class Options>
void check_no_tls_timeouts(const Options& options) {
  if (options.ssl_handshake_timeout.has_value()) {
    throw std::invalid_argument("ssl_handshake_timeout is only meaningful with ssl");
  }
  if (options.ssl_shutdown_timeout.has_value()) {
    throw std::invalid_argument("ssl_shutdown_timeout is only meaningful with ssl");
  }
}

/// For the side that asks: `name`, if it is given, else `host` must be in the
/// certificate.
inline tls_settings client_tls(const ssl_context& context,
                               std::optional<std::string_view> name,
                               std::string_view host, time_limit handshake_timeout,
                               time_limit shutdown_timeout) {
  if (context.impl().is_server()) {
    throw std::invalid_argument("a server's ssl_context cannot be used for a client");
  }
  if (!name && host.empty()) {
    throw std::invalid_argument(
        "server_hostname must be given when ssl is used without a host");
  }
  const std::string_view checked = name.value_or(host);
  if (checked.empty() && context.check_hostname()) {
    throw std::invalid_argument(
        "an empty server_hostname: to accept any, use "
        "ssl_context::set_insecure_any_hostname()");
  }
  return tls_settings(context, std::string(checked), handshake_timeout,
                      shutdown_timeout);
}

/// Of connect_options, for a connection to `host` (empty: there is none).
///
/// Throws: std::invalid_argument – options that do not go together
template <class Options>
tls_settings client_tls(const Options& options, std::string_view host) {
  if (options.ssl.has_value()) {
    return client_tls(options.ssl.value(), options.server_hostname, host,
                      options.ssl_handshake_timeout, options.ssl_shutdown_timeout);
  }
  if (options.server_hostname) {
    throw std::invalid_argument("server_hostname is only meaningful with ssl");
  }
  check_no_tls_timeouts(options);
  return {};
}

inline tls_settings server_tls(const ssl_context& context, time_limit handshake_timeout,
                               time_limit shutdown_timeout) {
  if (!context.impl().is_server()) {
    throw std::invalid_argument("a client's ssl_context cannot be used for a server");
  }
  return tls_settings(context, {}, handshake_timeout, shutdown_timeout);
}

/// Of server_options.
///
/// Throws: std::invalid_argument – options that do not go together
template <class Options>
tls_settings server_tls(const Options& options) {
  if (options.ssl.has_value()) {
    return server_tls(options.ssl.value(), options.ssl_handshake_timeout,
                      options.ssl_shutdown_timeout);
  }
  check_no_tls_timeouts(options);
  return {};
}

}  // namespace aio::detail
