// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Text in URLs: percent signs, and what may stand without them.

#pragma once

#include <aio/http/detail/characters.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace aio::http::detail {

/// The value of a hexadecimal digit; -1 if it is none.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The byte that the three characters at `at` stand for; -1 if they are no escape.
constexpr int escaped_byte(std::string_view text, std::size_t at) noexcept {
  if (text.size() - at < 3 || text[at] != '%') return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

constexpr bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         c == '-' || c == '.' || c == '_' || c == '~';
}

inline void append_escaped(std::string& to, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  to += '%';
  to += digits[byte / 16];
  to += digits[byte % 16];
}

enum class plus_sign : bool { is_plus, is_space };

/// Appends the text that `encoded` stands for. What is no escape stays as it is.
inline void percent_decode_to(std::string& to, std::string_view encoded,
                              plus_sign plus = plus_sign::is_plus) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const int byte = encoded[i] == '%' ? escaped_byte(encoded, i) : -1;
    if (byte >= 0) {
      to += static_cast<char>(byte);
      i += 2;
    } else {
      to += encoded[i] == '+' && plus == plus_sign::is_space ? ' ' : encoded[i];
    }
  }
}

inline std::string percent_decoded(std::string_view encoded,
                                   plus_sign plus = plus_sign::is_plus) {
  std::string text;
  text.reserve(encoded.size());
  percent_decode_to(text, encoded, plus);
  return text;
}

/// With escapes for all but unreserved characters and those in `kept`.
inline std::string percent_encoded(std::string_view text, std::string_view kept = {}) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c) || kept.find(c) != kept.npos) {
      encoded += c;
    } else {
      append_escaped(encoded, c);
    }
  }
  return encoded;
}

/// As forms and queries are written: spaces become +, all that is not unreserved %XX.
inline void append_form_encoded(std::string& to, std::string_view text) {
  for (const char c : text) {
    if (is_unreserved(c)) {
      to += c;
    } else if (c == ' ') {
      to += '+';
    } else {
      append_escaped(to, c);
    }
  }
}

}  // namespace aio::http::detail
