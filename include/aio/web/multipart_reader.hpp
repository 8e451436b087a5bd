// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// multipart_reader: the parts of a body, as they come.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/http/headers.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/web/cookies.hpp>
#include <aio/web/detail/multipart.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/request.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web {

/// What stands before the content of a part.
struct multipart_head {
  std::string name;      ///< of the field
  std::string filename;  ///< as the client calls it; empty if it is no file
  std::string content_type;
  http::headers headers;
};

/// Reads a multipart body part by part, without keeping it: for uploads of any size.
///
///     aio::web::multipart_reader parts(req);
///     while (auto part = co_await parts.next()) {
///       for (;;) {
///         const std::string some = co_await parts.read_chunk();
///         if (some.empty()) break;  // the end of this part
///       }
///     }
///
/// Cancellation: of any read: the waiting ends, nothing is lost.
/// Throws:       of any read: bad_request – not valid, or cut short;
///               content_too_large – the head of a part of more than 16 KiB; what
///               breaks the connection; cancelled_error
/// Like:         aiohttp.MultipartReader
class multipart_reader {
 public:
  /// Throws: bad_request – the body is not multipart, or has no valid boundary
  explicit multipart_reader(request& req) : body_(req.content()) {
    const std::string_view type = req.content_type();
    const std::string_view boundary =
        detail::parameter(req.header("content-type"), "boundary");
    if (!http::detail::equal_ignoring_case(type.substr(0, 10), "multipart/") ||
        boundary.empty() || boundary.size() > 70) {
      throw bad_request("not a multipart body with a valid boundary");
    }
    delimiter_ = "\r\n--" + std::string(boundary);
    buffer_ = "\r\n";  // the first delimiter may be the first line
  }

  /// The next part; none after the last. What is left of the present one is skipped.
  ///
  /// Cancellation, Throws: see the class
  coro<std::optional<multipart_head>> next() {
    for (std::string skipped = co_await read_chunk(); !skipped.empty();) {
      skipped = co_await read_chunk();
    }
    std::optional<multipart_head> made;
    if (is_over_) co_return made;
    buffer_.erase(0, delimiter_.size());
    co_await need(2);
    if (buffer_.starts_with("--")) {
      is_over_ = true;
      co_return made;
    }
    const std::size_t end = co_await find_end_of_head();
    made = read_head(std::string_view(buffer_).substr(0, end + 2));
    // Its last CR LF may be the first bytes of a delimiter: an empty part.
    buffer_.erase(0, end + 4);
    co_await need(2);
    if (buffer_.starts_with("--")) buffer_.insert(0, "\r\n");
    co_return made;
  }

  /// The next bytes of the part; empty at its end.
  ///
  /// Cancellation, Throws: see the class
  coro<std::string> read_chunk() {
    std::string chunk;
    while (!is_over_) {
      const std::size_t at = buffer_.find(delimiter_);
      std::size_t size = at;
      if (at == buffer_.npos) {
        const std::size_t open = delimiter_.size() - 1;
        size = buffer_.size() > open ? buffer_.size() - open : 0;
      }
      if (size > 0 || at == 0) {
        chunk = buffer_.substr(0, size);
        buffer_.erase(0, size);
        break;
      }
      co_await need(buffer_.size() + 1);
    }
    co_return chunk;
  }

  /// The rest of the part.
  ///
  /// Cancellation: what was read of it is lost.
  /// Throws:       as the class; content_too_large – more than `most` bytes
  coro<std::string> read(std::size_t most = 1024 * 1024) {
    std::string all;
    for (std::string some = co_await read_chunk(); !some.empty();) {
      if (some.size() > most - all.size()) throw content_too_large();
      all += some;
      some = co_await read_chunk();
    }
    co_return all;
  }

 private:
  static constexpr std::size_t most_of_head = 16 * 1024;

  coro<> need(std::size_t size) {
    while (buffer_.size() < size) {
      const std::string some = co_await body_.read(64 * 1024);
      if (some.empty()) throw bad_request("the multipart body is cut short");
      buffer_ += some;
    }
  }

  coro<std::size_t> find_end_of_head() {
    std::size_t at = buffer_.find("\r\n\r\n");
    while (at == buffer_.npos) {
      if (buffer_.size() > most_of_head) throw content_too_large();
      co_await need(buffer_.size() + 1);
      at = buffer_.find("\r\n\r\n");
    }
    co_return at;
  }

  /// `text`: the rest of the line of the delimiter, and the lines of the head.
  static multipart_head read_head(std::string_view text) {
    if (!detail::without_spaces(detail::take_line(text)).empty()) {
      throw bad_request("the multipart body is not valid");
    }
    multipart_head made;
    while (!text.empty()) {
      const std::string_view line = detail::take_line(text);
      const std::size_t colon = line.find(':');
      if (colon == line.npos) throw bad_request("the head of a part is not valid");
      try {
        made.headers.add(line.substr(0, colon), line.substr(colon + 1));
      } catch (const http::invalid_header&) {
        throw bad_request("the head of a part is not valid");
      }
    }
    made.content_type = made.headers.get("Content-Type", "text/plain");
    detail::for_each_parameter(
        made.headers.get("Content-Disposition", ""),
        [&](std::string_view key, std::string_view value) {
          if (http::detail::equal_ignoring_case(key, "name")) {
            made.name = detail::form_name(value);
          } else if (http::detail::equal_ignoring_case(key, "filename")) {
            made.filename = detail::form_name(value);
          }
        });
    return made;
  }

  stream_reader body_;
  std::string delimiter_;
  std::string buffer_;
  bool is_over_ = false;
};

}  // namespace aio::web
