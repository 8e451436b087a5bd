// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// normalize_path: a slash too many or too few is no reason for 404.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/web/application.hpp>
#include <aio/web/handler.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <string>

namespace aio::web {

/// A middleware that sends clients from a path without a route to the same path with a
/// slash at the end, or without the one it has, if there is a route for that.
///
///     app.use(aio::web::normalize_path);
///
/// Cancellation: reaches the handler.
/// Throws:       what the handler throws; redirect (308, which keeps method and body)
/// Like:         aiohttp.web.normalize_path_middleware
inline coro<response> normalize_path(request& req, next then) {
  if (!req.parts().has_route()) {
    std::string other(req.raw_path());
    if (other.size() > 1 && other.ends_with('/')) {
      other.pop_back();
    } else {
      other += '/';
    }
    // Two slashes at the beginning would be a host.
    if (!other.starts_with("//") && req.app().state()->has_route(req.method(), other)) {
      if (!req.query_string().empty()) other += "?" + std::string(req.query_string());
      throw redirect(308, other);
    }
  }
  co_return co_await then(req);
}

}  // namespace aio::web
