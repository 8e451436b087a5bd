// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// WebSocket frames as the load generator and the plain broadcaster need them: texts in
/// one piece, of less than 64 KiB.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

inline void append_frame(std::string& to, std::string_view text, bool is_masked) {
  const char mask_bit = is_masked ? '\x80' : '\0';
  to += '\x81';
  if (text.size() < 126) {
    to += static_cast<char>(mask_bit | static_cast<char>(text.size()));
  } else {
    to += static_cast<char>(mask_bit | 126);
    to += static_cast<char>(text.size() >> 8);
    to += static_cast<char>(text.size() & 0xff);
  }
  if (is_masked) to.append(4, '\0');  // a mask of zeros changes nothing
  to += text;
}

struct frame {
  unsigned opcode = 0;
  std::string_view payload;  ///< with what a mask other than zeros has made of it
  std::size_t size = 0;      ///< of all of it
};

/// The first frame; none if it is not complete yet.
inline std::optional<frame> first_frame(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return std::nullopt;
  std::size_t at = 2;
  std::size_t size = byte(1) & 0x7fU;
  if (size == 126) {
    if (bytes.size() < 4) return std::nullopt;
    size = std::size_t{byte(2)} << 8 | byte(3);
    at = 4;
  }
  if (byte(1) & 0x80U) at += 4;
  if (bytes.size() < at + size) return std::nullopt;
  return frame{byte(0) & 15U, bytes.substr(at, size), at + size};
}

/// What stands in a JSON text between `before` and the next quote; no escapes.
inline std::string_view field(std::string_view json, std::string_view before) {
  const std::size_t from = json.find(before);
  if (from == json.npos) return {};
  json.remove_prefix(from + before.size());
  return json.substr(0, json.find('"'));
}

}  // namespace bench
