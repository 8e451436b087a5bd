// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Everything that is sent of a message passes here and is checked: what cannot be part
/// of a line never gets into one.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/http/headers.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace aio::http::detail {

/// These append to `out`, or throw and leave it as it was.
///
/// Throws: invalid_header
inline void write_request_line(std::string& out, std::string_view method,
                               std::string_view target) {
  if (!is_token(method)) throw invalid_header("not a method: " + quoted(method));
  if (target.empty() || span_of(target, target_character) != target.size()) {
    throw invalid_header("not a target of a request: " + quoted(target));
  }
  out.reserve(out.size() + 256);
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
}

inline void write_status_line(std::string& out, int status, std::string_view reason,
                              int minor_version = 1) {
  if (status < 100 || status > 999) {
    throw invalid_header("not a status: " + std::to_string(status));
  }
  if (!is_field_value(reason)) {
    throw invalid_header("not a reason: " + quoted(reason));
  }
  const char digits[] = {static_cast<char>('0' + status / 100),
                         static_cast<char>('0' + status / 10 % 10),
                         static_cast<char>('0' + status % 10), ' '};
  out.reserve(out.size() + 256);
  out.append(minor_version == 0 ? "HTTP/1.0 " : "HTTP/1.1 ", 9);
  out.append(digits, 4).append(reason).append("\r\n", 2);
}

inline void write_field(std::string& out, std::string_view name,
                        std::string_view value) {
  check_field_name(name);
  check_field_value(name, value);
  out.append(name).append(": ", 2).append(trimmed(value)).append("\r\n", 2);
}

inline void write_field(std::string& out, std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value);
  write_field(
      out, name,
      std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

/// They were checked when they got in.
inline void write_fields(std::string& out, const headers& fields) {
  out.append(fields.lines());
}

inline void end_head(std::string& out) { out.append("\r\n", 2); }

/// What comes before the payload of a chunk; CR LF comes after it. An empty chunk would
/// end the body: write nothing instead.
class chunk_head {
 public:
  explicit chunk_head(std::size_t size) noexcept {
    char* end = std::to_chars(bytes_.data(), bytes_.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    size_ = static_cast<std::size_t>(end - bytes_.data());
  }
  operator std::string_view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 18> bytes_;
  std::size_t size_;
};

inline void write_chunk(std::string& out, std::string_view payload) {
  if (payload.empty()) return;
  out.append(chunk_head(payload.size())).append(payload).append("\r\n", 2);
}

inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace aio::http::detail
