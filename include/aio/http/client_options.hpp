// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What may be said about a session and about a request.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/coro/async_generator.hpp>
#include <aio/http/form_data.hpp>
#include <aio/http/headers.hpp>
#include <aio/http/parameters.hpp>
#include <aio/net/ssl_context.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace aio::http {

/// How long things may take; zero or less: as long as they like.
///
/// Like: aiohttp.ClientTimeout
struct client_timeout {
  /// All of it: waiting for a connection, redirects, reading the body.
  time_limit total = std::chrono::minutes(5);
  /// Until there is a connection, with the wait for a free one.
  time_limit connect = {};
  /// Making a new connection: look-up, TCP and TLS.
  time_limit sock_connect = {};
  /// Between one arrival of bytes and the next.
  time_limit sock_read = {};
};

/// A user and a password, sent as Basic: `.auth = {"user", "secret"}`. Use TLS.
class basic_auth {
 public:
  constexpr basic_auth() noexcept = default;
  constexpr basic_auth(std::string_view user, std::string_view password = "") noexcept
      : user_(user), password_(password), has_value_(true) {}

  constexpr bool has_value() const noexcept { return has_value_; }
  constexpr std::string_view user() const noexcept { return user_; }
  constexpr std::string_view password() const noexcept { return password_; }

 private:
  std::string_view user_;
  std::string_view password_;
  bool has_value_ = false;
};

/// Something of the caller's in an option, or nothing. It is looked at during the call,
/// so a temporary will do.
template <class T>
class option_ref {
 public:
  constexpr option_ref() noexcept = default;
  constexpr option_ref(const T& value) noexcept : value_(&value) {}

  constexpr explicit operator bool() const noexcept { return value_ != nullptr; }
  constexpr const T& operator*() const noexcept { return *value_; }

 private:
  const T* value_ = nullptr;
};

/// A value in an option that becomes JSON: whatever `serialize(value)` makes text of, as
/// it does of a boost::json::value.
class json_option {
 public:
  constexpr json_option() noexcept = default;
  template <class Value>
  requires(!std::is_same_v<Value, json_option>) constexpr json_option(
      const Value& value) noexcept
      : value_(&value), write_([](const void* of) -> std::string {
          return std::string(serialize(*static_cast<const Value*>(of)));
        }) {}

  constexpr explicit operator bool() const noexcept { return value_ != nullptr; }
  std::string text() const { return write_(value_); }

 private:
  const void* value_ = nullptr;
  std::string (*write_)(const void*) = nullptr;
};

/// The pieces of a body that is made while it is sent. It stays with the caller.
using body_generator = async_generator<std::string>;

/// Options are named in this order. Of data, form, multipart, json and stream at
/// most one is given.
///
///     auto resp = co_await session.post(url, {.data = "text", .timeout = {{.total = 5s}}});
///
/// Like: the keyword arguments of ClientSession.request
struct request_options {
  /// Added to the query of the URL.
  option_ref<parameters> params = {};
  /// They override those of the session, and what would be sent otherwise.
  option_ref<http::headers> headers = {};
  /// The body, as it is.
  std::optional<std::string_view> data = {};
  /// The body is a form.
  option_ref<parameters> form = {};
  /// The body is a form with files.
  option_ref<form_data> multipart = {};
  /// The body is JSON: `.json = value`, a boost::json::value.
  json_option json = {};
  /// The body is made while it is sent, in chunks: `.stream = &generator`.
  body_generator* stream = nullptr;
  /// Sent besides those of the session, which do not keep them.
  option_ref<parameters> cookies = {};
  basic_auth auth = {};
  std::optional<client_timeout> timeout = {};
  bool allow_redirects = true;
  int max_redirects = 10;
  /// Throw if the status is 400 or above; if not given, what the session says.
  std::optional<bool> raise_for_status = {};
  /// For https: whom to trust.
  ssl_option ssl = {};
  /// For https: whose certificate it must be, if not that of the host.
  std::string_view server_hostname = {};
  /// "http://proxy:3128": the way to the server; if not given, that of the session.
  std::string_view proxy = {};
  basic_auth proxy_auth = {};
  /// Send a body only once the server has asked for it, or said nothing for a second.
  bool expect100 = false;
  /// Decompress bodies that are gzip or deflate, where zlib is.
  bool auto_decompress = true;
};

/// Options are named in this order.
///
/// Like: the arguments of ClientSession and TCPConnector
struct session_options {
  /// Relative URLs are meant below this one; end it in / to keep its last part.
  std::string_view base_url = {};
  option_ref<http::headers> headers = {};
  basic_auth auth = {};
  client_timeout timeout = {};
  bool raise_for_status = false;
  ssl_option ssl = {};
  std::string_view proxy = {};
  basic_auth proxy_auth = {};
  /// Connections in use at once; 0: no limit.
  std::size_t limit = 100;
  /// The same for one host, port and kind of TLS.
  std::size_t limit_per_host = 0;
  /// How long a connection is kept for another request.
  duration keepalive_timeout = std::chrono::seconds(15);
  /// Close a connection after each request.
  bool force_close = false;
  /// AF_INET or AF_INET6: only such addresses. 0: both.
  int family = 0;
  /// Keep no cookies.
  bool ignore_cookies = false;
  /// Keep cookies of IP addresses too; for tests.
  bool unsafe_cookies = false;
  /// What a compressed body may become.
  std::size_t max_decompressed = 128 * 1024 * 1024;
};

// g++ 12 destroys the temporaries of an awaited call twice, if there is anything to do.
static_assert(std::is_trivially_destructible_v<request_options>);
static_assert(std::is_trivially_destructible_v<session_options>);

}  // namespace aio::http
