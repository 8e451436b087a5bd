// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The head of a response, straight into what is sent.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/head_writer.hpp>
#include <aio/http/headers.hpp>
#include <aio/web/detail/exchange.hpp>

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace aio::web::detail {

inline void append_number(std::string& to, std::size_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  to.append(digits, static_cast<std::size_t>(end - digits));
}

/// Which of the fields that a server adds are there already.
struct given_fields {
  explicit given_fields(const http::headers& fields) {
    using http::detail::equal_ignoring_case;
    for (const auto [name, value] : fields) {
      if (equal_ignoring_case(name, "content-type"))
        content_type = true;
      else if (equal_ignoring_case(name, "date"))
        date = true;
      else if (equal_ignoring_case(name, "server"))
        server = true;
      else if (equal_ignoring_case(name, "content-length"))
        framing = true;
      else if (equal_ignoring_case(name, "transfer-encoding"))
        framing = true;
      else if (equal_ignoring_case(name, "connection"))
        connection = true;
    }
  }

  bool content_type = false;
  bool date = false;
  bool server = false;
  bool framing = false;
  bool connection = false;
};

/// Framing is ours to say, whatever the fields do: they are left out then.
inline void append_fields(std::string& to, const http::headers& fields,
                          const given_fields& given) {
  if (!given.framing && !given.connection)
    return http::detail::write_fields(to, fields);
  using http::detail::equal_ignoring_case;
  for (const auto [name, value] : fields) {
    if (equal_ignoring_case(name, "content-length") ||
        equal_ignoring_case(name, "transfer-encoding") ||
        equal_ignoring_case(name, "connection")) {
      continue;
    }
    to.append(name).append(": ").append(value).append("\r\n");
  }
}

/// `minor_version`: of the request
inline void write_response_head(std::string& to, const response_start& of,
                                int minor_version, std::string_view date) {
  if (of.status == 200 && of.reason == "OK") {
    to += "HTTP/1.1 200 OK\r\n";
  } else {
    http::detail::write_status_line(to, of.status, of.reason);
  }
  bool needs_type = !of.content_type.empty();
  bool needs_date = true;
  bool needs_server = true;
  if (!of.fields.empty()) {
    const given_fields given(of.fields);
    append_fields(to, of.fields, given);
    needs_type = needs_type && !given.content_type;
    needs_date = !given.date;
    needs_server = !given.server;
  }
  if (needs_type) to.append("Content-Type: ").append(of.content_type).append("\r\n");
  if (of.framing == body_framing::length) {
    to += "Content-Length: ";
    append_number(to, of.length);
    to += "\r\n";
  } else if (of.framing == body_framing::chunked) {
    to += "Transfer-Encoding: chunked\r\n";
  }
  if (needs_date) to.append("Date: ").append(date).append("\r\n");
  if (needs_server) to += "Server: aio\r\n";
  if (!of.keep_alive) {
    to += "Connection: close\r\n";
  } else if (minor_version == 0) {
    to += "Connection: keep-alive\r\n";
  }
  to += "\r\n";
}

}  // namespace aio::web::detail
