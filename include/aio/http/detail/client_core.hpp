// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// How a session carries out a request: connection, proxy, retry, redirects.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/http/client_options.hpp>
#include <aio/http/client_response.hpp>
#include <aio/http/cookie_jar.hpp>
#include <aio/http/detail/client_connection.hpp>
#include <aio/http/detail/client_request.hpp>
#include <aio/http/detail/connection_pool.hpp>
#include <aio/http/detail/exchange.hpp>
#include <aio/http/error.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/task/timeout.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::http::detail {

/// What the requests of one session share; it lives as long as one of them.
struct client_core {
  std::shared_ptr<connection_pool> pool;
  cookie_jar jar;
  bool ignore_cookies = false;
  std::string base_url;
  headers fields;
  std::string authorization;
  client_timeout timeout;
  bool raise_for_status = false;
  ssl_context ssl;  ///< made when it is first needed, unless it was given
  std::optional<request_url> proxy;
  std::string proxy_authorization;
  int family = 0;
  std::size_t max_decompressed = 0;
};

using core_ptr = std::shared_ptr<client_core>;

/// Throws: usage_error – there is no TLS in this program
inline ssl_context context_for(client_core& core, const client_request& request) {
  if (!request.url.is_tls) return {};
  if (request.ssl) return request.ssl;
  if (!core.ssl) {
    if (aio::detail::default_client_context == nullptr) {
      throw usage_error("https needs TLS: include <aio/tls.hpp>, or give a context");
    }
    core.ssl = aio::detail::default_client_context();
  }
  return core.ssl;
}

/// What connections that lead to the same have in common.
inline std::string key_of(const client_request& request, const ssl_context& ssl) {
  std::string key;
  if (request.proxy) {
    key = request.proxy->origin() + " " + request.proxy_authorization + " ";
    if (!ssl) return key;
  }
  key += request.url.origin();
  if (ssl) {
    const auto id = reinterpret_cast<std::uintptr_t>(ssl.shared().get());
    key += " " + std::to_string(id) + " " + request.server_hostname;
  }
  return key;
}

/// Asks the proxy for a way to the server, and goes on with TLS on it.
///
/// Throws: client_http_proxy_error; see exchange and ssl_context
inline coro<> open_tunnel(connection_ptr on, const client_request& request,
                          const ssl_context& ssl) {
  const bool is_v6 = request.url.host.find(':') != std::string::npos;
  const std::string target = (is_v6 ? "[" + request.url.host + "]" : request.url.host) +
                             ":" + std::to_string(request.url.port);
  std::string head;
  write_request_line(head, "CONNECT", target);
  write_field(head, "Host", target);
  if (!request.proxy_authorization.empty()) {
    write_field(head, "Proxy-Authorization", request.proxy_authorization);
  }
  end_head(head);
  on->source.write(head);
  head_reader reader(on, "CONNECT");
  auto reading = read_final_head(reader, real_limit(request.timeout.sock_read));
  const response_head answer = co_await std::move(reading);
  if (answer.status / 100 != 2) {
    throw client_http_proxy_error(answer.status, "the proxy refuses: " + answer.reason,
                                  request.proxy->text(), answer.fields);
  }
  std::optional<std::string_view> name;
  if (!request.server_hostname.empty()) name = request.server_hostname;
  auto settings = aio::detail::client_tls(ssl, name, request.url.host, {}, {});
  auto securing = aio::detail::secure_streams(
      intrusive_ptr<aio::detail::stream_connection>(on.get()), std::move(settings));
  try {
    co_await std::move(securing);
  } catch (const ssl_cert_verification_error& e) {
    throw client_connector_certificate_error(e.code(), e.what());
  } catch (const ssl_error& e) {
    throw client_ssl_error(e.code(), e.what());
  } catch (const boost::system::system_error& e) {
    throw client_connector_error(e.code(), e.what());
  }
}

/// A slot with a connection for `request`; a new one if it must not be used before.
///
/// Cancellation: the slot goes to the next.
inline coro<connection_pool::slot> take_connection(core_ptr core,
                                                   const client_request& request,
                                                   bool must_be_new) {
  const ssl_context ssl = context_for(*core, request);
  const std::string key = key_of(request, ssl);
  auto taking = core->pool->take_slot(key);
  connection_pool::slot slot = co_await std::move(taking);
  if (!must_be_new) {
    if (connection_ptr idle = core->pool->take_idle(key)) {
      slot.set_connection(std::move(idle), true);
      co_return slot;
    }
  }
  connect_plan plan;
  const request_url& first = request.proxy ? *request.proxy : request.url;
  plan.host = first.host;
  plan.port = first.port;
  plan.family = core->family;
  if (!request.proxy) {
    plan.ssl = ssl;
    plan.server_hostname = request.server_hostname;
  }
  auto opening = open_client_connection(std::move(plan));
  connection_ptr made;
  const time_limit limit = real_limit(request.timeout.sock_connect);
  if (limit.has_value()) {
    made = co_await aio::wait_for(std::move(opening), limit);
  } else {
    made = co_await std::move(opening);
  }
  slot.set_connection(std::move(made), false);
  if (core->pool->is_closed()) throw usage_error("the client session is closed");
  if (request.proxy && ssl) co_await open_tunnel(slot.connection(), request, ssl);
  co_return slot;
}

/// The same, within the time that it may take.
///
/// Throws: connection_timeout_error
inline coro<connection_pool::slot> take_connection_in_time(
    core_ptr core, const client_request& request, bool must_be_new) {
  const time_limit limit = real_limit(request.timeout.connect);
  auto taking = take_connection(std::move(core), request, must_be_new);
  try {
    if (limit.has_value()) {
      connection_pool::slot slot = co_await aio::wait_for(std::move(taking), limit);
      co_return slot;
    }
    connection_pool::slot slot = co_await std::move(taking);
    co_return slot;
  } catch (const client_error&) {
    throw;
  } catch (const timeout_error&) {
    throw connection_timeout_error("there was no connection to " +
                                   request.url.origin() + " in time");
  }
}

inline std::shared_ptr<response_state> make_response(const client_core& core,
                                                     const client_request& request,
                                                     response_head head,
                                                     connection_pool::slot slot) {
  auto made = std::make_shared<response_state>(std::move(head), std::move(slot));
  made->method = request.method;
  made->url = request.url.text();
  made->sock_read = real_limit(request.timeout.sock_read);
  made->decompress = request.auto_decompress;
  made->max_decompressed = core.max_decompressed;
  made->begin();
  return made;
}

/// One request and the head of its response. One that met a connection which the server
/// had closed meanwhile is repeated once, if that is without harm.
inline coro<std::shared_ptr<response_state>> send(core_ptr core,
                                                  const client_request& request) {
  const auto now = std::chrono::system_clock::now();
  std::string cookies;
  if (!core->ignore_cookies) cookies = core->jar.header_for(request.url, now);
  const bool to_proxy = request.proxy.has_value() && !request.url.is_tls;
  const std::string head = head_of(request, cookies, to_proxy);
  for (bool is_retry = false;; is_retry = true) {
    auto taking = take_connection_in_time(core, request, is_retry);
    connection_pool::slot slot = co_await std::move(taking);
    head_reader reader(slot.connection(), request.method);
    std::optional<response_head> answer;
    try {
      auto exchanging = exchange(reader, request, head);
      answer = co_await std::move(exchanging);
    } catch (const server_timeout_error&) {
      throw;
    } catch (const client_connection_error&) {
      const bool may_repeat = slot.is_reused() && !is_retry && is_repeatable(request) &&
                              !reader.has_begun() && !core->pool->is_closed();
      if (!may_repeat) throw;
    }
    if (!answer) continue;
    if (!core->ignore_cookies) {
      for (const std::string_view one : answer->fields.get_all("Set-Cookie")) {
        core->jar.update(one, request.url, std::chrono::system_clock::now());
      }
    }
    co_return make_response(*core, request, std::move(*answer), std::move(slot));
  }
}

constexpr bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 ||
         status == 308;
}

inline coro<client_response> follow(core_ptr core, client_request& request,
                                    std::optional<time_point> deadline) {
  std::vector<std::shared_ptr<response_state>> history;
  for (;;) {
    auto sending = send(core, request);
    const std::shared_ptr<response_state> state = co_await std::move(sending);
    state->deadline = deadline;
    const int status = state->head().status;
    const auto location = state->head().fields.get("Location");
    if (!request.allow_redirects || !is_redirect(status) || !location) {
      state->history = std::move(history);
      client_response response(state);
      if (request.raise_for_status) response.raise_for_status();
      co_return response;
    }
    state->release();
    history.push_back(state);
    if (history.size() >=
        static_cast<std::size_t>(std::max(request.max_redirects, 1))) {
      throw too_many_redirects(status, "too many redirects", history.front()->url,
                               state->head().fields);
    }
    redirect(request, status, *location);
  }
}

/// All of a request, within its time.
inline coro<client_response> run_request(core_ptr core, client_request request) {
  const time_point now = aio::detail::loop_core::require_running().time();
  const auto deadline = real_limit(request.timeout.total).after(now);
  auto following = follow(std::move(core), request, deadline);
  if (!deadline) co_return co_await std::move(following);
  const auto body = [&] { return std::move(following); };
  try {
    client_response response = co_await aio::timeout_at(deadline, body);
    co_return response;
  } catch (const client_error&) {
    throw;
  } catch (const timeout_error&) {
    throw request_timeout_error("the request took too long");
  }
}

}  // namespace aio::http::detail
