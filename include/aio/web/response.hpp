// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// response: what a handler returns.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/http/headers.hpp>
#include <aio/http/status.hpp>
#include <aio/web/cookies.hpp>
#include <aio/web/detail/exchange.hpp>
#include <aio/web/http_error.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web {

namespace detail {

/// A file that is to be sent.
struct file_source {
  std::string path;
  std::string root = {};  ///< the folder that it must be in; empty: it may be anywhere
};

}  // namespace detail

/// Status, fields and cookies: what every response has.
class response_base {
 public:
  int status() const noexcept { return status_; }
  /// The text beside the status; that of the standard if none was set.
  std::string_view reason() const noexcept {
    return reason_ ? std::string_view(*reason_) : http::reason_phrase(status_);
  }
  /// Throws: std::invalid_argument – no status, a reason with control bytes
  void set_status(int status, std::string_view reason = {}) {
    if (status < 100 || status > 999) {
      throw std::invalid_argument("not a status: " + std::to_string(status));
    }
    if (!http::detail::is_field_value(reason)) {
      throw http::invalid_header("a reason with control bytes");
    }
    status_ = status;
    reason_ = reason.empty() ? nullptr : std::make_unique<std::string>(reason);
  }

  http::headers& headers() noexcept { return headers_; }
  const http::headers& headers() const noexcept { return headers_; }

  /// Throws: std::invalid_argument – a name, value or option that cannot be sent
  void set_cookie(std::string_view name, std::string_view value,
                  const cookie_options& options = {}) {
    headers_.add("Set-Cookie", detail::make_cookie(name, value, options));
  }
  /// Makes the client forget it.
  void del_cookie(std::string_view name, cookie_options options = {}) {
    options.max_age = std::chrono::seconds(0);
    options.expires = std::chrono::sys_seconds(std::chrono::seconds(0));
    set_cookie(name, "", options);
  }

  /// The connection is closed behind this response.
  void force_close() noexcept { closes_ = true; }
  /// The body is compressed if the client takes that, where the library was built with
  /// zlib.
  void enable_compression() noexcept { compresses_ = true; }

  /// For the machinery: of a body for which no field says it; empty if not known.
  std::string_view default_content_type() const noexcept { return content_type_; }
  bool closes() const noexcept { return closes_; }
  bool compresses() const noexcept { return compresses_; }

 protected:
  explicit response_base(int status, std::string_view content_type)
      : content_type_(content_type) {
    set_status(status);
  }
  response_base(response_base&&) noexcept = default;
  response_base& operator=(response_base&&) noexcept = default;
  ~response_base() = default;

 private:
  int status_ = 200;
  bool closes_ = false;
  bool compresses_ = false;
  std::string_view content_type_;  // of static storage
  http::headers headers_;
  std::unique_ptr<std::string> reason_;
};

/// What a handler returns: a response with all of its body, or the word that another
/// one was sent.
///
///     co_return aio::web::response::text("Hello, World!");
///
/// Like: aiohttp.web.Response
class response : public response_base {
 public:
  /// Without a body.
  ///
  /// Throws: std::invalid_argument – no status
  explicit response(int status = 200) : response_base(status, {}) {}

  /// Throws: std::invalid_argument – no status
  static response text(std::string body, int status = 200) {
    return response(std::move(body), "text/plain; charset=utf-8", status);
  }
  static response html(std::string body, int status = 200) {
    return response(std::move(body), "text/html; charset=utf-8", status);
  }
  /// Throws: http::invalid_header – a content type with control bytes
  static response bytes(std::string body,
                        std::string_view content_type = "application/octet-stream",
                        int status = 200) {
    response made(std::move(body), {}, status);
    made.headers().set("Content-Type", content_type);
    return made;
  }
  /// `value` as JSON: a boost::json::value, or what boost::json::value_from takes. Needs
  /// aio/web/json.hpp.
  template <class T>
  static response json(const T& value, int status = 200);

  /// A file, read when it is sent. Range and conditional requests are answered as the
  /// standard says, and 404 if there is none.
  ///
  /// Like: aiohttp.web.FileResponse
  static response file(std::string path) {
    response made(200);
    made.file_ = std::make_unique<detail::file_source>();
    made.file_->path = std::move(path);
    return made;
  }
  /// For the machinery.
  static response file(detail::file_source source) {
    response made(200);
    made.file_ = std::make_unique<detail::file_source>(std::move(source));
    return made;
  }

  explicit response(const http_exception& error)
      : response(error.text(), "text/plain; charset=utf-8", error.status()) {
    headers() = error.headers();
  }

  /// Says that a response was sent already, piece by piece or by who took the
  /// connection over.
  static response sent() {
    response made(200);
    made.is_sent_ = true;
    return made;
  }

  /// Sets a field; for one more, headers().add().
  ///
  /// Throws: http::invalid_header
  response& header(std::string_view name, std::string_view value) & {
    headers().set(name, value);
    return *this;
  }
  response&& header(std::string_view name, std::string_view value) && {
    headers().set(name, value);
    return std::move(*this);
  }

  std::string& body() noexcept { return body_; }
  const std::string& body() const noexcept { return body_; }

  /// For the machinery.
  bool is_sent() const noexcept { return is_sent_; }
  /// Null if it is no file.
  const detail::file_source* source() const noexcept { return file_.get(); }

 private:
  response(std::string body, std::string_view content_type, int status)
      : response_base(status, content_type), body_(std::move(body)) {}

  std::string body_;
  std::unique_ptr<detail::file_source> file_;
  bool is_sent_ = false;
};

}  // namespace aio::web
