// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A request as the client keeps it, and as it is sent.

#pragma once

#include <aio/core/config.hpp>
#include <aio/http/client_options.hpp>
#include <aio/http/detail/base64.hpp>
#include <aio/http/detail/head_writer.hpp>
#include <aio/http/detail/inflate.hpp>
#include <aio/http/detail/request_url.hpp>
#include <aio/http/error.hpp>
#include <aio/http/headers.hpp>
#include <aio/net/ssl_context.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aio::http::detail {

inline constexpr std::string_view user_agent = "aio/0.1";

/// Owns all that the options of a request referred to.
struct client_request {
  std::string method;
  request_url url;
  headers fields;  ///< those of the session and the request
  std::string body;
  bool has_body = false;
  body_generator* stream = nullptr;
  std::string content_type;   ///< of the body, if nothing else is said
  std::string cookies;        ///< of this request only
  std::string authorization;  ///< empty: none
  client_timeout timeout;
  bool allow_redirects = true;
  int max_redirects = 10;
  bool raise_for_status = false;
  ssl_context ssl;  ///< empty: the usual one
  std::string server_hostname;
  std::optional<request_url> proxy;
  std::string proxy_authorization;
  bool expect100 = false;
  bool auto_decompress = true;
};

inline std::string basic_authorization(std::string_view user,
                                       std::string_view password) {
  if (user.find(':') != user.npos) {
    throw std::invalid_argument("a user name with a colon cannot be sent as Basic");
  }
  return "Basic " + base64(std::string(user).append(":").append(password));
}

/// Throws: std::invalid_argument – more than one
inline void set_body(client_request& to, const request_options& options) {
  const int given = int(options.data.has_value()) + int(bool(options.form)) +
                    int(bool(options.multipart)) + int(bool(options.json)) +
                    int(options.stream != nullptr);
  if (given > 1) {
    throw std::invalid_argument(
        "only one body is allowed: data, form, multipart, json or stream");
  }
  to.has_body = given == 1;
  to.stream = options.stream;
  if (options.data) {
    to.body = *options.data;
    to.content_type = "application/octet-stream";
  } else if (options.form) {
    to.body = (*options.form).encoded();
    to.content_type = "application/x-www-form-urlencoded";
  } else if (options.multipart) {
    to.body = (*options.multipart).body();
    to.content_type = (*options.multipart).content_type();
  } else if (options.json) {
    to.body = options.json.text();
    to.content_type = "application/json";
  } else if (options.stream != nullptr) {
    to.content_type = "application/octet-stream";
  }
}

/// The length that the program gives for a body that is made while it is sent.
///
/// Throws: std::invalid_argument – what is given contradicts the body
inline std::optional<std::uint64_t> given_length(const client_request& request) {
  if (request.fields.contains("Transfer-Encoding")) {
    throw std::invalid_argument("Transfer-Encoding follows from the body: use stream");
  }
  const auto all = request.fields.get_all("Content-Length");
  if (all.empty()) return std::nullopt;
  const auto length = parse_content_length(all.front());
  const bool is_right = length && all.size() == 1 &&
                        (request.stream != nullptr || *length == request.body.size());
  if (!is_right) throw std::invalid_argument("Content-Length contradicts the body");
  return length;
}

/// Whether a body is sent in chunks.
inline bool is_chunked(const client_request& request) {
  return request.stream != nullptr && !given_length(request);
}

/// The head of a request. `to_proxy`: it goes to a proxy that passes it on.
///
/// Throws: invalid_header; std::invalid_argument – fields that contradict the body
inline std::string head_of(const client_request& request, std::string_view cookies,
                           bool to_proxy) {
  const auto length = given_length(request);
  std::string out;
  write_request_line(out, request.method,
                     to_proxy ? request.url.text() : request.url.target);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!request.fields.contains(name)) write_field(out, name, value);
  };
  if (request.fields.get_all("Host").size() > 1) {
    throw std::invalid_argument("a request has one Host");
  }
  add("Host", request.url.host_field());
  write_fields(out, request.fields);
  add("Accept", "*/*");
  if (can_inflate && request.auto_decompress) add("Accept-Encoding", "gzip, deflate");
  add("User-Agent", user_agent);
  std::string all_cookies(cookies);
  if (!request.cookies.empty()) {
    if (!all_cookies.empty()) all_cookies += "; ";
    all_cookies += request.cookies;
  }
  if (!all_cookies.empty()) add("Cookie", all_cookies);
  if (!request.authorization.empty()) add("Authorization", request.authorization);
  if (to_proxy && !request.proxy_authorization.empty()) {
    write_field(out, "Proxy-Authorization", request.proxy_authorization);
  }
  const bool wants_length = request.has_body || request.method == "POST" ||
                            request.method == "PUT" || request.method == "PATCH";
  if (request.stream != nullptr) {
    if (!length) write_field(out, "Transfer-Encoding", "chunked");
  } else if (wants_length && !length) {
    write_field(out, "Content-Length", request.body.size());
  }
  if (request.has_body) add("Content-Type", request.content_type);
  if (request.expect100 && request.has_body) add("Expect", "100-continue");
  end_head(out);
  return out;
}

/// Whether it may be sent again without harm if nobody knows what became of it.
inline bool is_repeatable(const client_request& request) noexcept {
  if (request.stream != nullptr) return false;
  constexpr std::array<std::string_view, 7> idempotent = {
      "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"};
  for (const std::string_view one : idempotent) {
    if (request.method == one) return true;
  }
  return false;
}

/// What the next request of a redirect is.
///
/// Throws: invalid_url, non_http_url; client_payload_error – its body is gone
inline void redirect(client_request& request, int status, std::string_view location) {
  const request_url from = request.url;
  request.url = parse_url(location, from.text(), true);
  const bool becomes_get =
      (status == 303 && request.method != "HEAD") ||
      ((status == 301 || status == 302) && request.method == "POST");
  if (becomes_get) {
    request.method = "GET";
    request.body.clear();
    request.has_body = false;
    request.stream = nullptr;
    request.fields.remove("Content-Length");
    request.fields.remove("Content-Type");
  }
  if (request.stream != nullptr) {
    throw client_payload_error("a redirect wants the body again, which was streamed");
  }
  if (request.url.origin() != from.origin()) {
    request.authorization.clear();
    request.cookies.clear();
    request.fields.remove("Authorization");
    request.fields.remove("Cookie");
    request.fields.remove("Host");
  }
  if (request.url.has_userinfo) {
    request.authorization = basic_authorization(request.url.user, request.url.password);
  }
}

}  // namespace aio::http::detail
