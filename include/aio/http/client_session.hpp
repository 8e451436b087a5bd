// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// client_session: requests of HTTP.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/http/client_options.hpp>
#include <aio/http/client_response.hpp>
#include <aio/http/cookie_jar.hpp>
#include <aio/http/detail/client_core.hpp>
#include <aio/http/detail/client_request.hpp>
#include <aio/http/detail/connection_pool.hpp>
#include <aio/http/detail/request_url.hpp>
#include <aio/http/error.hpp>
#include <aio/http/headers.hpp>
#include <aio/http/websocket_message.hpp>
#include <aio/task/sleep.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::http {

class client_websocket;

/// Requests of HTTP, which share connections, cookies and settings. Have one for all of
/// the program rather than one for each request.
///
///     aio::http::client_session session;
///     auto resp = co_await session.get("http://example.org/");
///     std::string page = co_await resp.text();
///
/// The connections are closed with the session, also those of responses whose body was
/// not read yet. close() or aio::with do so where one can wait for it.
///
/// Cancellation: of a request: its connection is closed, and the next in line may go.
/// Throws:       of a request: client_error, see error.hpp; at the call: invalid_url,
///               invalid_header, std::invalid_argument – options that contradict each
///               other, usage_error – the session is closed
/// Like:         aiohttp.ClientSession
class client_session {
 public:
  /// Throws: invalid_url – base_url or proxy
  explicit client_session(session_options options = {});
  client_session(client_session&&) noexcept = default;
  client_session& operator=(client_session&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~client_session() {
    if (core_) core_->pool->close();
  }

  /// Sends a request and yields the response once its head is there.
  ///
  /// Takes:        a URL: http, https (with <aio/tls.hpp>), or relative to base_url
  /// Cancellation, Throws: see the class
  coro<client_response> request(std::string_view method, std::string_view url,
                                request_options options = {}) {
    return detail::run_request(core_, make_request(method, url, options));
  }

  /// Cancellation, Throws: see the class
  coro<client_response> get(std::string_view url, request_options options = {}) {
    return request("GET", url, options);
  }
  /// Cancellation, Throws: see the class
  coro<client_response> post(std::string_view url, request_options options = {}) {
    return request("POST", url, options);
  }
  /// Cancellation, Throws: see the class
  coro<client_response> put(std::string_view url, request_options options = {}) {
    return request("PUT", url, options);
  }
  /// Cancellation, Throws: see the class
  coro<client_response> patch(std::string_view url, request_options options = {}) {
    return request("PATCH", url, options);
  }
  /// `delete` is a keyword.
  ///
  /// Cancellation, Throws: see the class
  coro<client_response> delete_(std::string_view url, request_options options = {}) {
    return request("DELETE", url, options);
  }
  /// Follows no redirects.
  ///
  /// Cancellation, Throws: see the class
  coro<client_response> head(std::string_view url, request_options options = {}) {
    options.allow_redirects = false;
    return request("HEAD", url, options);
  }
  /// Cancellation, Throws: see the class
  coro<client_response> options(std::string_view url, request_options options = {}) {
    return request("OPTIONS", url, options);
  }

  /// Asks for a websocket; needs <aio/http/ws_connect.hpp>, which <aio/http.hpp> has.
  ///
  ///     auto ws = co_await session.ws_connect("ws://localhost:8080/chat");
  ///     co_await ws.send_str("hello");
  ///     while (auto message = co_await ws.next()) use(message->data);
  ///
  /// Takes:        ws, wss, http and https URLs; in `how` what a request has besides
  /// Cancellation: gives it up.
  /// Throws:       ws_server_handshake_error – no websocket is there; see the class
  /// Lifetime:     the websocket is on its own, and may outlive the session
  /// Like:         aiohttp.ClientSession.ws_connect
  coro<client_websocket> ws_connect(std::string_view url,
                                    const ws_options& options = {},
                                    request_options how = {});

  /// Closes all connections, in use or not. May be repeated.
  ///
  /// Cancellation: they are closed all the same.
  coro<> close() {
    core_->pool->close();
    return closed_soon();
  }
  bool closed() const noexcept { return core_->pool->is_closed(); }

  /// What servers have asked to have sent back.
  http::cookie_jar& cookie_jar() noexcept { return core_->jar; }

  /// Connections that carry a request, and that wait for one.
  std::size_t connections_in_use() const noexcept { return core_->pool->in_use(); }
  std::size_t idle_connections() const noexcept { return core_->pool->idle(); }

  // As a resource of aio::with.

  /// Cancellation: does not wait, so nothing is stopped.
  coro<client_session&> enter() { co_return *this; }
  /// Cancellation: see close
  coro<> exit(std::exception_ptr) { return close(); }

 private:
  static coro<> closed_soon() { co_await sleep(std::chrono::seconds(0)); }
  inline detail::client_request make_request(std::string_view method,
                                             std::string_view url,
                                             const request_options& options) const;

  detail::core_ptr core_;
};

namespace detail {

/// With a host; a proxy is spoken to in plaintext.
///
/// Throws: invalid_url
inline request_url parse_proxy(std::string_view text) {
  request_url proxy = parse_url(text);
  if (proxy.is_tls) throw invalid_url("only proxies of http can be used");
  return proxy;
}

inline std::string proxy_authorization(const basic_auth& auth,
                                       const request_url& proxy) {
  if (auth.has_value()) return basic_authorization(auth.user(), auth.password());
  if (!proxy.has_userinfo) return {};
  return basic_authorization(proxy.user, proxy.password);
}

}  // namespace detail

inline client_session::client_session(session_options options)
    : core_(std::make_shared<detail::client_core>()) {
  core_->pool = std::make_shared<detail::connection_pool>(
      detail::pool_limits{options.limit, options.limit_per_host,
                          options.keepalive_timeout, options.force_close});
  core_->jar = http::cookie_jar(options.unsafe_cookies);
  core_->ignore_cookies = options.ignore_cookies;
  if (!options.base_url.empty()) {
    core_->base_url = detail::parse_url(options.base_url).text();
  }
  if (options.headers) core_->fields = *options.headers;
  if (options.auth.has_value()) {
    core_->authorization =
        detail::basic_authorization(options.auth.user(), options.auth.password());
  }
  core_->timeout = options.timeout;
  core_->raise_for_status = options.raise_for_status;
  core_->ssl = options.ssl.value();
  if (!options.proxy.empty()) {
    core_->proxy = detail::parse_proxy(options.proxy);
    core_->proxy_authorization =
        detail::proxy_authorization(options.proxy_auth, *core_->proxy);
  }
  core_->family = options.family;
  core_->max_decompressed = options.max_decompressed;
}

inline detail::client_request client_session::make_request(
    std::string_view method, std::string_view url,
    const request_options& options) const {
  if (closed()) throw usage_error("the client session is closed");
  if (!detail::is_token(method)) {
    throw invalid_header("not a method: " + detail::quoted(method));
  }
  detail::client_request made;
  made.method = method;
  made.url = detail::parse_url(url, core_->base_url);
  if (options.params && !(*options.params).empty()) {
    made.url.target += made.url.target.find('?') == std::string::npos ? "?" : "&";
    made.url.target += (*options.params).encoded();
  }
  made.fields = core_->fields;
  if (options.headers) {
    for (const auto& field : *options.headers) made.fields.remove(field.name);
    for (const auto& [name, value] : *options.headers) made.fields.add(name, value);
  }
  detail::set_body(made, options);
  if (options.cookies) {
    for (const auto& [name, value] : *options.cookies) {
      if (!made.cookies.empty()) made.cookies += "; ";
      made.cookies += name + "=" + value;
    }
    detail::check_field_value("Cookie", made.cookies);
  }
  made.authorization = core_->authorization;
  if (options.auth.has_value()) {
    made.authorization =
        detail::basic_authorization(options.auth.user(), options.auth.password());
  } else if (made.url.has_userinfo) {
    made.authorization = detail::basic_authorization(made.url.user, made.url.password);
  }
  made.timeout = options.timeout.value_or(core_->timeout);
  made.allow_redirects = options.allow_redirects;
  made.max_redirects = options.max_redirects;
  made.raise_for_status = options.raise_for_status.value_or(core_->raise_for_status);
  made.ssl = options.ssl.value();
  made.server_hostname = options.server_hostname;
  made.proxy = core_->proxy;
  made.proxy_authorization = core_->proxy_authorization;
  if (!options.proxy.empty()) {
    made.proxy = detail::parse_proxy(options.proxy);
    made.proxy_authorization =
        detail::proxy_authorization(options.proxy_auth, *made.proxy);
  }
  made.expect100 = options.expect100;
  made.auto_decompress = options.auto_decompress;
  static_cast<void>(detail::given_length(made));
  return made;
}

}  // namespace aio::http
