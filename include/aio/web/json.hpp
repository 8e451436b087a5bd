// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// JSON of Boost.JSON in requests and responses.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include <concepts>
#include <string>

namespace aio::web {

template <class T>
response response::json(const T& value, int status) {
  if constexpr (std::convertible_to<const T&, const boost::json::value&>) {
    return {boost::json::serialize(value), "application/json; charset=utf-8", status};
  } else {
    return {boost::json::serialize(boost::json::value_from(value)),
            "application/json; charset=utf-8", status};
  }
}

template <class T>
coro<T> request::json() {
  const std::string& body = co_await read();
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(body, error);
  if (error) throw bad_request("the body is no valid JSON: " + error.message());
  if constexpr (std::same_as<T, boost::json::value>) {
    co_return value;
  } else {
    auto made = boost::json::try_value_to<T>(value);
    if (!made) throw bad_request("the JSON is not what was expected");
    co_return std::move(*made);
  }
}

}  // namespace aio::web
