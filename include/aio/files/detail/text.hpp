// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Lines, characters and UTF-8 in bytes that were read ahead.

#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace aio::detail {

/// The size of the first line with its end, or none if that is not there yet; `from` is
/// where to begin looking. Of universal newlines a '\r' that comes last may be half an
/// end, unless `is_all`.
inline std::optional<std::size_t> find_line(std::string_view bytes, std::size_t from,
                                            bool universal, bool is_all) noexcept {
  if (!universal) {
    const std::size_t at = bytes.find('\n', from);
    if (at == bytes.npos) return std::nullopt;
    return at + 1;
  }
  const std::size_t at = bytes.find_first_of("\r\n", from);
  if (at == bytes.npos) return std::nullopt;
  if (bytes[at] == '\n') return at + 1;
  if (at + 1 == bytes.size() && !is_all) return std::nullopt;
  return at + (bytes.substr(at + 1, 1) == "\n" ? 2 : 1);
}

/// Makes '\r' and "\r\n" to '\n'.
inline void normalise_newlines(std::string& text) {
  std::size_t kept = text.find('\r');
  if (kept == text.npos) return;
  for (std::size_t at = kept; at < text.size(); ++at) {
    const bool is_return = text[at] == '\r';
    if (is_return && text.substr(at + 1, 1) == "\n") ++at;
    text[kept++] = is_return ? '\n' : text[at];
  }
  text.resize(kept);
}

/// So many characters from the front of a text.
struct counted_text {
  std::size_t size = 0;        ///< bytes they have
  std::size_t characters = 0;  ///< fewer than wanted if the text ends before
};

/// Counts up to `wanted` characters; one that may not be all there is not counted,
/// unless `is_all`.
inline counted_text count_characters(std::string_view text, std::size_t wanted,
                                     bool universal, bool is_all) noexcept {
  counted_text seen;
  while (seen.characters < wanted && seen.size < text.size()) {
    const auto first = static_cast<unsigned char>(text[seen.size]);
    std::size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const std::string_view rest = text.substr(seen.size);
    if (universal && first == '\r') {
      if (rest.size() == 1 && !is_all) break;
      size = rest.substr(1, 1) == "\n" ? 2 : 1;
    } else {
      // Broken sequences end where the next character begins.
      const std::size_t all = size;
      size = 1;
      while (size < std::min(all, rest.size()) &&
             (static_cast<unsigned char>(rest[size]) & 0xc0) == 0x80) {
        ++size;
      }
      if (size < all && size == rest.size() && !is_all) break;
    }
    seen.size += size;
    ++seen.characters;
  }
  return seen;
}

/// Where the first byte stands that is not part of well-formed UTF-8 (Unicode, table
/// 3-7); none if all is well.
inline std::optional<std::size_t> find_bad_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) {
    return static_cast<unsigned char>(text[at]);
  };
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char first = byte(at);
    if (first < 0x80) {
      ++at;
      continue;
    }
    std::size_t size = 0;
    unsigned char low = 0x80, high = 0xbf;  // of the second byte
    if (first >= 0xc2 && first <= 0xdf) {
      size = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
      size = 3;
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      size = 4;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    }
    if (size == 0 || text.size() - at < size) return at;
    if (byte(at + 1) < low || byte(at + 1) > high) return at;
    for (std::size_t i = 2; i < size; ++i) {
      if ((byte(at + i) & 0xc0) != 0x80) return at;
    }
    at += size;
  }
  return std::nullopt;
}

}  // namespace aio::detail
