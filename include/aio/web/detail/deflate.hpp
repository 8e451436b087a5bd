// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Compressed bodies of responses: gzip and deflate, where there is zlib.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/web/cookies.hpp>

#if AIO_WITH_ZLIB
#include <zlib.h>
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>

namespace aio::web::detail {

/// Whether a client takes this coding, by its Accept-Encoding.
inline bool accepts_coding(std::string_view list, std::string_view coding) noexcept {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t semicolon = one.find(';');
    if (!http::detail::equal_ignoring_case(without_spaces(one.substr(0, semicolon)),
                                           coding)) {
      continue;
    }
    if (semicolon == one.npos) return true;
    // Only a weight of zero says no.
    const std::string_view weight = without_spaces(one.substr(semicolon + 1));
    return weight.substr(0, 2) != "q=" ||
           weight.find_first_not_of("0.", 2) != weight.npos;
  }
  return false;
}

#if AIO_WITH_ZLIB

/// "gzip" or "deflate", or empty: as it is.
inline std::string_view choose_coding(std::string_view accepted) noexcept {
  for (const std::string_view coding : {"gzip", "deflate"}) {
    if (accepts_coding(accepted, coding)) return coding;
  }
  return {};
}

/// Compresses one body, piece by piece.
class deflater {
 public:
  /// `coding`: what choose_coding() has chosen
  explicit deflater(std::string_view coding) {
    constexpr int gzip_header = 16;
    const int window = MAX_WBITS + (coding == "gzip" ? gzip_header : 0);
    if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;
  ~deflater() { ::deflateEnd(&stream_); }

  /// What the client can make all of these bytes of; at the last the rest.
  std::string compress(std::string_view bytes, bool is_last) {
    std::string out;
    do {
      constexpr std::size_t most = 1 << 30;
      const std::size_t n = std::min(bytes.size(), most);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream_.avail_in = static_cast<uInt>(n);
      bytes.remove_prefix(n);
      const bool finishes = is_last && bytes.empty();
      do {
        std::array<char, 16 * 1024> made;
        stream_.next_out = reinterpret_cast<Bytef*>(made.data());
        stream_.avail_out = static_cast<uInt>(made.size());
        ::deflate(&stream_, finishes ? Z_FINISH : Z_SYNC_FLUSH);
        out.append(made.data(), made.size() - stream_.avail_out);
      } while (stream_.avail_out == 0);
    } while (!bytes.empty());
    return out;
  }

 private:
  z_stream stream_{};
};

inline std::string compress_all(std::string body, std::string_view coding) {
  return deflater(coding).compress(body, true);
}

#else

inline std::string_view choose_coding(std::string_view) noexcept { return {}; }

class deflater {
 public:
  explicit deflater(std::string_view) {}
  std::string compress(std::string_view bytes, bool) { return std::string(bytes); }
};

inline std::string compress_all(std::string body, std::string_view) { return body; }

#endif

}  // namespace aio::web::detail
