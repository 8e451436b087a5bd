// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Which bytes may stand where in a message of HTTP/1.

#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace aio::http::detail {

enum character_class : unsigned char {
  token_character = 1,   ///< of methods and field names
  value_character = 2,   ///< of field values: visible, space, tab, bytes from 0x80 on
  target_character = 4,  ///< of request targets: visible ASCII, but no fragment
  host_character = 8,    ///< of host names, without colon and brackets
};

inline constexpr std::array<unsigned char, 256> make_character_table() {
  std::array<unsigned char, 256> table{};
  const auto add = [&table](std::string_view bytes, unsigned char what) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] |= what;
  };
  constexpr std::string_view letters_and_digits =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  add(letters_and_digits, token_character | host_character);
  add("!#$%&'*+-.^_`|~", token_character);
  // No comma, although a name could have one: it is how two Host fields look in one.
  add("-._~%!$&'()*+;=", host_character);
  for (std::size_t c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) table[c] |= value_character;
    if (c > 0x20 && c < 0x7f && c != '#') table[c] |= target_character;
  }
  return table;
}

inline constexpr std::array<unsigned char, 256> character_table =
    make_character_table();

constexpr bool is_of(char c, character_class what) noexcept {
  return (character_table[static_cast<unsigned char>(c)] & what) != 0;
}

/// Where the first byte stands that is not of this class; bytes.size() if there is none.
constexpr std::size_t span_of(std::string_view bytes, character_class what) noexcept {
  std::size_t i = 0;
  while (i < bytes.size() && is_of(bytes[i], what)) ++i;
  return i;
}

constexpr bool is_token(std::string_view bytes) noexcept {
  return !bytes.empty() && span_of(bytes, token_character) == bytes.size();
}

/// Where the first byte of [begin, end) stands that no field value may have. Values are
/// most of a head, so many bytes are looked at together.
inline const char* end_of_value(const char* begin, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - begin >= 16; begin += 16) {
    __m128i word;
    std::memcpy(&word, begin, sizeof word);
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(word, last_control), word);
    const __m128i found =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(word, tab), control),
                     _mm_cmpeq_epi8(word, del));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (mask != 0) return begin + std::countr_zero(mask);
  }
#else
  constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  while (end - begin >= 8) {
    std::uint64_t word;
    std::memcpy(&word, begin, sizeof word);
    const std::uint64_t del = word ^ (ones * 0x7f);
    const std::uint64_t found =
        (((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & tops;
    if (found != 0) {
      for (int i = 0; i < 8; ++i, ++begin) {
        if (!is_of(*begin, value_character)) return begin;
      }
    } else {
      begin += 8;
    }
  }
#endif
  while (begin != end && is_of(*begin, value_character)) ++begin;
  return begin;
}

inline bool is_field_value(std::string_view bytes) noexcept {
  const char* end = bytes.data() + bytes.size();
  return end_of_value(bytes.data(), end) == end;
}

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Without the spaces and tabs around it.
constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes the next element off a list that commas separate; empty at its end. Empty
/// elements are skipped.
constexpr std::string_view next_element(std::string_view& list) noexcept {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trimmed(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!element.empty()) return element;
  }
  return {};
}

/// Whether a list that commas separate has this element, in whatever case.
constexpr bool list_has(std::string_view list, std::string_view element) noexcept {
  for (auto e = next_element(list); !e.empty(); e = next_element(list)) {
    if (equal_ignoring_case(e, element)) return true;
  }
  return false;
}

/// For error texts and logs: control bytes, quotes and what is not ASCII as \xNN, and no
/// more than 64 bytes of it.
inline std::string quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "'";
  for (const char c : text.substr(0, 64)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\'' && c != '\\') {
      out += c;
    } else {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  out += text.size() > 64 ? "...'" : "'";
  return out;
}

}  // namespace aio::http::detail
