// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Bodies that were sent as gzip or deflate.

#pragma once

#include <aio/http/error.hpp>

#if AIO_WITH_ZLIB
#include <zlib.h>
#endif

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <string>
#include <string_view>

namespace aio::http::detail {

#if AIO_WITH_ZLIB

inline constexpr bool can_inflate = true;

/// Decompresses one body, a bounded piece at a time.
class inflater {
 public:
  inflater() noexcept = default;
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() {
    if (has_begun_) ::inflateEnd(&stream_);
  }

  /// Appends at most `most` bytes to `out`, and takes what they were made of off `input`.
  ///
  /// Throws: client_payload_error – not valid
  void decode(std::string_view& input, std::string& out, std::size_t most) {
    if (input.empty() && !has_more_) return;
    if (!has_begun_) begin(input.front());
    if (is_done_ && !input.empty()) next_member();
    constexpr std::size_t limit = std::numeric_limits<uInt>::max();
    const std::size_t size = std::min(input.size(), limit), before = out.size();
    out.resize(before + most);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(size);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_.avail_out = static_cast<uInt>(most);
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    input.remove_prefix(size - stream_.avail_in);
    has_more_ = stream_.avail_out == 0;
    is_done_ = result == Z_STREAM_END;
    if (is_done_) has_more_ = false;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      throw client_payload_error("the compressed body is not valid");
    }
  }

  /// Whether there is output that did not fit, without more input.
  bool has_more() const noexcept { return has_more_; }
  /// Whether the body may end here.
  bool is_complete() const noexcept { return is_done_ || !has_begun_; }

 private:
  void begin(char first) {
    // "deflate" means the format of zlib, but some send what is within that alone.
    const auto byte = static_cast<unsigned char>(first);
    const bool has_wrapper = byte == 0x1f || (byte & 15) == 8;
    const int window = has_wrapper ? 32 + MAX_WBITS : -MAX_WBITS;
    if (::inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc();
    has_begun_ = true;
  }
  void next_member() {
    if (::inflateReset(&stream_) != Z_OK) {
      throw client_payload_error("the compressed body is not valid");
    }
  }

  z_stream stream_{};
  bool has_begun_ = false;
  bool has_more_ = false;
  bool is_done_ = false;
};

#else

inline constexpr bool can_inflate = false;

/// Without zlib nothing is asked for that would need it.
class inflater {
 public:
  void decode(std::string_view&, std::string&, std::size_t) {
    throw client_payload_error("the body is compressed, and there is no zlib");
  }
  bool has_more() const noexcept { return false; }
  bool is_complete() const noexcept { return true; }
};

#endif

}  // namespace aio::http::detail
