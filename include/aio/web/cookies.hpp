// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Cookies: what comes in Cookie, and what goes in Set-Cookie.

#pragma once

#include <aio/http/date.hpp>
#include <aio/http/headers.hpp>
#include <aio/web/text_map.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aio::web {

/// What a browser is told about a cookie beside its value. Empty: not said.
struct cookie_options {
  std::string_view path = "/";
  std::string_view domain = {};
  /// How long it lives; not given: until the browser ends. Zero removes it.
  std::optional<std::chrono::seconds> max_age = {};
  std::optional<std::chrono::sys_seconds> expires = {};
  bool secure = false;
  bool httponly = false;
  std::string_view samesite = {};  ///< Strict, Lax or None
};

namespace detail {

inline bool is_cookie_character(char c) noexcept {
  return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

/// Throws: std::invalid_argument – `text` would end the attribute
inline void check_cookie_part(std::string_view what, std::string_view text) {
  for (const char c : text) {
    if (c >= 0x20 && c < 0x7f && c != ';') continue;
    throw std::invalid_argument(
        "a cookie cannot have the " + std::string(what) +
        ": only visible ASCII, and no semicolon; encode the rest");
  }
}

/// A value with spaces, commas or quotes stands in quotes.
inline void append_cookie_value(std::string& to, std::string_view value) {
  check_cookie_part("value", value);
  bool is_plain = true;
  for (const char c : value) is_plain = is_plain && is_cookie_character(c);
  if (is_plain) {
    to += value;
    return;
  }
  to += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
}

inline std::string cookie_value(std::string_view sent) {
  if (sent.size() < 2 || sent.front() != '"' || sent.back() != '"') {
    return std::string(sent);
  }
  std::string value;
  for (std::size_t i = 1; i + 1 < sent.size(); ++i) {
    if (sent[i] == '\\' && i + 2 < sent.size()) ++i;
    value += sent[i];
  }
  return value;
}

inline std::string_view without_spaces(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

/// The cookies of one Cookie field.
inline void parse_cookies(std::string_view field, text_map& into) {
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    const std::string_view pair = field.substr(0, end);
    field.remove_prefix(end == field.npos ? field.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos) continue;
    const std::string_view name = without_spaces(pair.substr(0, equals));
    if (name.empty()) continue;
    into.add(std::string(name), cookie_value(without_spaces(pair.substr(equals + 1))));
  }
}

/// The value of a Set-Cookie field.
///
/// Throws: std::invalid_argument – a name, value or attribute that cannot be sent
inline std::string make_cookie(std::string_view name, std::string_view value,
                               const cookie_options& options) {
  if (!http::detail::is_token(name)) {
    throw std::invalid_argument("not the name of a cookie: '" + std::string(name) +
                                "'");
  }
  std::string made(name);
  made += '=';
  append_cookie_value(made, value);
  const auto add = [&](std::string_view attribute, std::string_view text) {
    if (text.empty()) return;
    check_cookie_part(attribute, text);
    made.append("; ").append(attribute).append("=").append(text);
  };
  add("Domain", options.domain);
  if (options.expires) add("Expires", http::format_date(*options.expires));
  if (options.max_age) add("Max-Age", std::to_string(options.max_age->count()));
  add("Path", options.path);
  if (options.secure) made += "; Secure";
  if (options.httponly) made += "; HttpOnly";
  add("SameSite", options.samesite);
  return made;
}

}  // namespace detail
}  // namespace aio::web
