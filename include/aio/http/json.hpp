// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Bodies as values of Boost.JSON. Apart, because its headers take long to compile.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/http/client_response.hpp>
#include <aio/http/error.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <utility>

namespace aio::http {

inline coro<boost::json::value> client_response::json(bool any_type) const {
  return read_json(*this, any_type);
}

inline coro<boost::json::value> client_response::read_json(client_response of,
                                                           bool any_type) {
  const std::string type = of.content_type();
  const bool is_json = type == "application/json" || type.ends_with("+json");
  if (!is_json && !any_type) {
    throw content_type_error(of.status(), "not JSON but " + type, of.url(),
                             of.headers());
  }
  auto reading = of.read();
  const std::string text = co_await std::move(reading);
  co_return boost::json::parse(text);
}

}  // namespace aio::http
