// SPDX-License-Identifier: BSL-1.0

#include "text.hpp"

#include <algorithm>

namespace chat {
namespace {

constexpr char32_t no_character = 0xfffd;

/// Takes the first character; of bytes that are none, as many as Unicode recommends.
char32_t take_character(std::string_view& bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(0);
  std::size_t size = 1;
  if (first >= 0xc2 && first <= 0xdf) size = 2;
  if (first >= 0xe0 && first <= 0xef) size = 3;
  if (first >= 0xf0 && first <= 0xf4) size = 4;
  char32_t character = first < 0x80 ? first : first & (0x7fU >> size);
  bool is_valid = first < 0x80 || size > 1;
  std::size_t taken = 1;
  for (; is_valid && taken < size; ++taken) {
    if (taken == bytes.size()) {
      is_valid = false;
      break;
    }
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (taken == 1) {  // no long forms, no surrogates, nothing beyond U+10FFFF
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    }
    if (byte(taken) < low || byte(taken) > high) {
      is_valid = false;
      break;
    }
    character = character << 6 | (byte(taken) & 0x3fU);
  }
  bytes.remove_prefix(taken);
  return is_valid ? character : no_character;
}

void append(std::string& to, char32_t c) {
  if (c < 0x80) {
    to += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr unsigned char marks[] = {0xc0, 0xe0, 0xf0};
  to += static_cast<char>(marks[more - 1] | c >> (6 * more));
  for (int i = more - 1; i >= 0; --i) {
    to += static_cast<char>(0x80 | (c >> (6 * i) & 0x3f));
  }
}

bool ends_line(char32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_control(char32_t c) {
  const bool turns = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || turns || c == 0xfeff;
}

bool has_no_width(char32_t c) {
  return c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2060 && c <= 0x2065) || (c >= 0xe0000 && c <= 0xe0fff);
}

bool is_space(char32_t c) {
  return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

}  // namespace

std::string clean_text(std::string_view bytes) {
  const auto end = bytes.find_last_not_of("\r\n");
  bytes = bytes.substr(0, end == bytes.npos ? 0 : end + 1);
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const char32_t c = take_character(bytes);
    if (ends_line(c)) {
      text += ' ';
    } else if (!is_control(c)) {
      append(text, c);
    }
  }
  return text;
}

std::string clean_name(std::string_view bytes) {
  std::string name;
  std::size_t size = 0;
  bool is_space_due = false;
  while (!bytes.empty() && size < max_name) {
    const char32_t c = take_character(bytes);
    if (ends_line(c) || is_space(c)) {
      is_space_due = !name.empty();
    } else if (!is_control(c) && !has_no_width(c)) {
      if (is_space_due && size + 1 == max_name) break;
      if (is_space_due) name += ' ';
      size += is_space_due ? 2 : 1;
      is_space_due = false;
      append(name, c);
    }
  }
  return name;
}

}  // namespace chat
