// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The head of a response, straight into what is sent.

#pragma once

#include <aio/core/config.hpp>
#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/head_writer.hpp>
#include <aio/http/headers.hpp>
#include <aio/web/detail/exchange.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace aio::web::detail {

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

/// Texts that stand in several places and are then put behind each other at once: to
/// append each of them by itself would take longer than all the rest of a head.
class text_pieces {
 public:
  void add(std::string_view text) noexcept {
    AIO_ASSERT(count_ < pieces_.size());
    pieces_[count_++] = text;
    size_ += text.size();
  }

  void append_to(std::string& to) const {
    const std::size_t before = to.size();
    to.resize(before + size_);
    char* at = to.data() + before;
    for (std::size_t i = 0; i < count_; ++i) {
      if (pieces_[i].empty()) continue;
      std::memcpy(at, pieces_[i].data(), pieces_[i].size());
      at += pieces_[i].size();
    }
  }

 private:
  std::array<std::string_view, 20> pieces_;
  std::size_t count_ = 0;
  std::size_t size_ = 0;
};

/// A number in decimal digits, in memory of its own.
class decimal {
 public:
  explicit decimal(std::size_t number) noexcept {
    size_ = static_cast<std::size_t>(
        std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr -
        digits_.data());
  }
  operator std::string_view() const noexcept { return {digits_.data(), size_}; }

 private:
  std::array<char, 20> digits_;
  std::size_t size_;
};

/// The head, and behind it `body`.
///
/// `minor_version`: of the request
inline void write_response_head(std::string& to, const response_start& of,
                                int minor_version, std::string_view date,
                                std::string_view body = {}) {
  text_pieces pieces;
  std::string rare_line;
  if (of.status == 200 && of.reason == "OK") {
    pieces.add("HTTP/1.1 200 OK\r\n");
  } else {
    http::detail::write_status_line(rare_line, of.status, of.reason);
    pieces.add(rare_line);
  }
  bool needs_type = !of.content_type.empty();
  bool needs_date = true;
  bool needs_server = true;
  std::string rare_fields;
  if (!of.fields.empty()) {
    const given_fields given(of.fields);
    if (given.framing || given.connection) {
      append_fields(rare_fields, of.fields, given);
      pieces.add(rare_fields);
    } else {
      pieces.add(of.fields.lines());
    }
    needs_type = needs_type && !given.content_type;
    needs_date = !given.date;
    needs_server = !given.server;
  }
  if (needs_type) {
    pieces.add("Content-Type: ");
    pieces.add(of.content_type);
    pieces.add("\r\n");
  }
  const decimal length(of.length);
  if (of.framing == body_framing::length) {
    pieces.add("Content-Length: ");
    pieces.add(length);
    pieces.add("\r\n");
  } else if (of.framing == body_framing::chunked) {
    pieces.add("Transfer-Encoding: chunked\r\n");
  }
  if (needs_date) {
    pieces.add("Date: ");
    pieces.add(date);
    pieces.add("\r\n");
  }
  if (needs_server) pieces.add("Server: aio\r\n");
  if (!of.keep_alive) {
    pieces.add("Connection: close\r\n");
  } else if (minor_version == 0) {
    pieces.add("Connection: keep-alive\r\n");
  }
  pieces.add("\r\n");
  pieces.add(body);
  pieces.append_to(to);
}

}  // namespace aio::web::detail
