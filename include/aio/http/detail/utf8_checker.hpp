// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Checks UTF-8 that comes in pieces.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace aio::http::detail {

/// Knows of each byte whether it may come next (Unicode, table 3-7), so that what is
/// broken is found with its first bad byte.
class utf8_checker {
 public:
  /// False if this cannot be part of UTF-8, whatever may follow.
  bool feed(std::string_view bytes) noexcept {
    std::size_t at = 0;
    while (at < bytes.size()) {
      if (left_ == 0) {
        at += count_ascii(bytes.substr(at));
        if (at == bytes.size()) break;
        if (!begin(static_cast<unsigned char>(bytes[at++]))) return false;
        continue;
      }
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      --left_;
    }
    return true;
  }

  /// Whether no character is half there.
  bool is_complete() const noexcept { return left_ == 0; }

  void reset() noexcept { left_ = 0; }

 private:
  static std::size_t count_ascii(std::string_view bytes) noexcept {
    std::size_t at = 0;
    while (bytes.size() - at >= sizeof(std::uint64_t)) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, bytes.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080U) != 0) break;
      at += sizeof eight;
    }
    while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) ++at;
    return at;
  }

  bool begin(unsigned char first) noexcept {
    low_ = 0x80;
    high_ = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
      left_ = 1;
    } else if (first >= 0xe0 && first <= 0xef) {
      left_ = 2;
      if (first == 0xe0) low_ = 0xa0;
      if (first == 0xed) high_ = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      left_ = 3;
      if (first == 0xf0) low_ = 0x90;
      if (first == 0xf4) high_ = 0x8f;
    }
    return left_ > 0;
  }

  unsigned char left_ = 0;  // bytes of the character that are to come
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xbf;
};

}  // namespace aio::http::detail
