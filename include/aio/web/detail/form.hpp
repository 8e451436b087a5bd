// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Forms: name=value&name=value, as in queries and in bodies.

#pragma once

#include <aio/http/detail/percent.hpp>
#include <aio/web/text_map.hpp>

#include <cstddef>
#include <string_view>

namespace aio::web::detail {

/// Like: urllib.parse.parse_qsl with keep_blank_values
inline text_map parse_form(std::string_view encoded) {
  text_map fields;
  while (!encoded.empty()) {
    const std::size_t end = encoded.find('&');
    const std::string_view field = encoded.substr(0, end);
    encoded.remove_prefix(end == encoded.npos ? encoded.size() : end + 1);
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    const std::string_view value =
        equals == field.npos ? std::string_view() : field.substr(equals + 1);
    using http::detail::percent_decoded;
    using http::detail::plus_sign;
    fields.add(percent_decoded(field.substr(0, equals), plus_sign::is_space),
               percent_decoded(value, plus_sign::is_space));
  }
  return fields;
}

}  // namespace aio::web::detail
