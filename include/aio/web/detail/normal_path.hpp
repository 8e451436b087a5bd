// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The one way to write a path in which routes are compared.

#pragma once

#include <aio/http/detail/percent.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace aio::web::detail {

using http::detail::append_escaped;
using http::detail::escaped_byte;
using http::detail::is_unreserved;

/// Of the ways to write one path the one in which routes are compared: escapes only
/// where they are needed, in capital letters. %2F stays, which is no slash.
inline std::string normal_path(std::string_view path) {
  constexpr std::string_view kept = "/!$&'()*+,;=:@";
  std::string normal;
  normal.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int byte = path[i] == '%' ? escaped_byte(path, i) : -1;
    const char c = byte >= 0 ? static_cast<char>(byte) : path[i];
    if (byte >= 0) i += 2;
    if (is_unreserved(c) || (byte < 0 && kept.find(c) != kept.npos)) {
      normal += c;
    } else {
      append_escaped(normal, c);
    }
  }
  return normal;
}

}  // namespace aio::web::detail
