// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The handshake of RFC 6455 §4: keys, and the choice of a sub-protocol.

#pragma once

#include <aio/http/detail/base64.hpp>
#include <aio/http/detail/characters.hpp>

#include <sys/random.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aio::http::detail {

using sha1_digest = std::array<unsigned char, 20>;

/// FIPS 180-4. (Here it is only a sign that the server has understood; and OpenSSL need
/// not be there.)
class sha1 {
 public:
  static sha1_digest of(std::string_view text) {
    std::string padded(text);
    padded += '\x80';
    while (padded.size() % 64 != 56) padded += '\0';
    const std::uint64_t bits = text.size() * 8;
    for (int i = 7; i >= 0; --i) padded += static_cast<char>(bits >> (8 * i));
    sha1 state;
    for (std::size_t at = 0; at < padded.size(); at += 64)
      state.add(padded.data() + at);
    sha1_digest made{};
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i] = static_cast<unsigned char>(state.words_[i / 4] >> (24 - 8 * (i % 4)));
    }
    return made;
  }

 private:
  void add(const char* block) noexcept {
    std::array<std::uint32_t, 80> w{};
    for (std::size_t i = 0; i < 64; ++i) {
      w[i / 4] = w[i / 4] << 8 | static_cast<unsigned char>(block[i]);
    }
    for (std::size_t i = 16; i < 80; ++i) {
      w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    auto [a, b, c, d, e] = words_;
    for (std::size_t i = 0; i < 80; ++i) {
      std::uint32_t mixed = 0;
      if (i < 20) {
        mixed = ((b & c) | (~b & d)) + 0x5a827999;
      } else if (i < 40) {
        mixed = (b ^ c ^ d) + 0x6ed9eba1;
      } else if (i < 60) {
        mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
      } else {
        mixed = (b ^ c ^ d) + 0xca62c1d6;
      }
      const std::uint32_t next = std::rotl(a, 5) + mixed + e + w[i];
      e = d;
      d = c;
      c = std::rotl(b, 30);
      b = a;
      a = next;
    }
    words_ = {words_[0] + a, words_[1] + b, words_[2] + c, words_[3] + d,
              words_[4] + e};
  }

  std::array<std::uint32_t, 5> words_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                                      0xc3d2e1f0};
};

template <std::size_t Size>
std::string_view as_text(const std::array<unsigned char, Size>& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), Size};
}

/// What a server answers to a key.
inline std::string ws_accept(std::string_view key) {
  constexpr std::string_view magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return base64(as_text(sha1::of(std::string(key).append(magic))));
}

/// Whether it is 16 bytes in base64.
inline bool is_ws_key(std::string_view key) noexcept {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  for (const char c : key.substr(0, 22)) {
    const bool is_digit_of_base64 = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                    is_digit(c) || c == '+' || c == '/';
    if (!is_digit_of_base64) return false;
  }
  return true;
}

inline std::string random_ws_key() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) !=
      static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("no random numbers can be had");
  }
  return base64(as_text(bytes));
}

/// The first of `wanted` that is in `known`; both are lists with commas. Their case
/// counts.
inline std::string_view choose_protocol(std::string_view wanted,
                                        std::string_view known) {
  while (!wanted.empty()) {
    const std::string_view one = next_element(wanted);
    for (std::string_view rest = known; !rest.empty();) {
      if (const std::string_view other = next_element(rest);
          !one.empty() && one == other) {
        return one;
      }
    }
  }
  return {};
}

}  // namespace aio::http::detail
