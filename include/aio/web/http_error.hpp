// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// HTTP statuses as exceptions: throw aio::web::not_found().

#pragma once

#include <aio/http/headers.hpp>
#include <aio/http/status.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web {

/// Ends a handler with this status. The server makes a response of it.
///
///     if (!user) throw aio::web::not_found("no such user");
///
/// Like: aiohttp.web.HTTPException
class http_exception : public std::exception {
 public:
  /// Without a text the response says its status, as "404: Not Found".
  explicit http_exception(int status, std::string text = {})
      : status_(status), text_(std::move(text)) {
    if (text_.empty()) {
      text_ = std::to_string(status) + ": " + std::string(http::reason_phrase(status));
    }
  }

  int status() const noexcept { return status_; }
  /// The body of the response.
  const std::string& text() const noexcept { return text_; }
  /// Further fields of the response.
  http::headers& headers() noexcept { return headers_; }
  const http::headers& headers() const noexcept { return headers_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  int status_;
  std::string text_;
  http::headers headers_;
};

/// An http_exception of one status, to be thrown and caught by its name.
template <int Status>
class http_status_error : public http_exception {
 public:
  explicit http_status_error(std::string text = {})
      : http_exception(Status, std::move(text)) {}
};

using bad_request = http_status_error<400>;
using unauthorized = http_status_error<401>;
using payment_required = http_status_error<402>;
using forbidden = http_status_error<403>;
using not_found = http_status_error<404>;
using not_acceptable = http_status_error<406>;
using request_timeout = http_status_error<408>;
using conflict = http_status_error<409>;
using gone = http_status_error<410>;
using length_required = http_status_error<411>;
using precondition_failed = http_status_error<412>;
using content_too_large = http_status_error<413>;
using unsupported_media_type = http_status_error<415>;
using range_not_satisfiable = http_status_error<416>;
using expectation_failed = http_status_error<417>;
using unprocessable_entity = http_status_error<422>;
using upgrade_required = http_status_error<426>;
using too_many_requests = http_status_error<429>;
using internal_server_error = http_status_error<500>;
using not_implemented = http_status_error<501>;
using bad_gateway = http_status_error<502>;
using service_unavailable = http_status_error<503>;
using gateway_timeout = http_status_error<504>;

/// Says which methods there are.
class method_not_allowed : public http_status_error<405> {
 public:
  /// `allowed`: as in the field Allow, "GET, HEAD"
  explicit method_not_allowed(std::string_view allowed) {
    headers().set("Allow", allowed);
  }
};

/// Sends the client elsewhere.
///
///     throw aio::web::redirect(302, "/login");
///
/// Throws: http::invalid_header – a location with control bytes
class redirect : public http_exception {
 public:
  explicit redirect(int status, std::string_view location) : http_exception(status) {
    headers().set("Location", location);
  }
};

}  // namespace aio::web
