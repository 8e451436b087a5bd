// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// form_data: a form with files, as multipart/form-data.

#pragma once

#include <aio/http/headers.hpp>

#include <random>
#include <string>
#include <string_view>

namespace aio::http {

/// A form with files, sent as multipart/form-data.
///
///     aio::http::form_data form;
///     form.add_field("title", "Holidays").add_file("photo", "sea.jpg", bytes, "image/jpeg");
///     auto resp = co_await session.post(url, {.multipart = form});
///
/// Names and file names may be any text: what would end them is escaped as browsers do.
///
/// Like: aiohttp.FormData
class form_data {
 public:
  form_data() : boundary_(make_boundary()) {}

  form_data& add_field(std::string_view name, std::string_view value) {
    begin(name);
    parts_.append("\r\n\r\n").append(value).append("\r\n");
    return *this;
  }

  /// Throws: invalid_header – the content type has control bytes
  form_data& add_file(std::string_view name, std::string_view filename,
                      std::string_view bytes,
                      std::string_view content_type = "application/octet-stream") {
    detail::check_field_value("Content-Type", content_type);
    begin(name);
    parts_ += "; filename=\"";
    append_escaped(filename);
    parts_.append("\"\r\nContent-Type: ").append(content_type).append("\r\n\r\n");
    parts_.append(bytes).append("\r\n");
    return *this;
  }

  /// What is sent.
  std::string body() const { return parts_ + "--" + boundary_ + "--\r\n"; }
  std::string content_type() const {
    return "multipart/form-data; boundary=" + boundary_;
  }

 private:
  // So long and random that no part has it.
  static std::string make_boundary() {
    std::random_device random;
    std::string made = "----aio";
    for (int i = 0; i < 4; ++i) made += std::to_string(random());
    return made;
  }

  void begin(std::string_view name) {
    parts_.append("--").append(boundary_).append(
        "\r\nContent-Disposition: form-data; name=\"");
    append_escaped(name);
    parts_ += '"';
  }

  void append_escaped(std::string_view text) {
    for (const char c : text) {
      switch (c) {
        case '\r':
          parts_ += "%0D";
          break;
        case '\n':
          parts_ += "%0A";
          break;
        case '"':
          parts_ += "%22";
          break;
        default:
          parts_ += c;
      }
    }
  }

  std::string boundary_;
  std::string parts_;
};

}  // namespace aio::http
