// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What version, target and fields say about where a message ends, and whether they
/// contradict each other. Whoever reads a contradiction differently from us can be made
/// to see other messages than we do, so none is accepted.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/message_head.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace aio::http::detail {

/// Takes "HTTP/1.x" at `in`; there is CR after it.
inline framing_error read_version(const char*& in, message_head& head) noexcept {
  for (const char c : std::string_view("HTTP/")) {
    if (*in != c) return {400, "the version is not valid"};
    ++in;
  }
  if (!is_digit(in[0]) || in[1] != '.' || !is_digit(in[2]) || is_digit(in[3])) {
    return {400, "the version is not valid"};
  }
  if (in[0] != '1' || in[2] > '1') return {505, "only HTTP/1.0 and HTTP/1.1"};
  head.minor_version = in[2] - '0';
  in += 3;
  return {};
}

/// Whether it is a host with an optional port: names, IPv4, [IPv6]; nothing that could
/// hide another host in it.
constexpr bool is_host(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos || end < 3) return false;
    for (const char c : text.substr(1, end - 1)) {
      const bool hex = is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
      if (!hex && c != ':' && c != '.') return false;
    }
    text.remove_prefix(end + 1);
  } else {
    text.remove_prefix(span_of(text, host_character));
  }
  if (text.empty()) return true;
  if (text.front() != ':' || text.size() > 6) return false;
  for (const char c : text.substr(1)) {
    if (!is_digit(c)) return false;
  }
  return true;
}

inline framing_error check_target(message_head& head) noexcept {
  const std::string_view target = head.target;
  if (head.method == "CONNECT") {
    head.form = target_form::authority;
    const std::size_t port = target.rfind(':');
    if (!is_host(target) || port == target.npos || port == 0 ||
        port + 1 == target.size() || target.back() == ']') {
      return {400, "the target of CONNECT must be host:port"};
    }
  } else if (target.front() == '/') {
    head.form = target_form::origin;
  } else if (target == "*") {
    head.form = target_form::asterisk;
    if (head.method != "OPTIONS") return {400, "only OPTIONS may have the target *"};
  } else {
    head.form = target_form::absolute;
    const std::size_t scheme = target.find("://");
    if (scheme == target.npos ||
        (!equal_ignoring_case(target.substr(0, scheme), "http") &&
         !equal_ignoring_case(target.substr(0, scheme), "https"))) {
      return {400, "the target is not valid"};
    }
    std::string_view host = target.substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/?"));
    if (host.empty() || host.front() == ':' || !is_host(host)) {
      return {400, "the host in the target is not valid"};
    }
  }
  return {};
}

/// Digits alone, and no more than fit: no sign, no list, no space.
constexpr std::optional<std::uint64_t> parse_content_length(
    std::string_view text) noexcept {
  constexpr auto most =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (most - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

/// Looks at the fields of one head as they come.
class framing_fields {
 public:
  explicit framing_fields(message_head& head) noexcept
      : head_(head), is_request_(!head.method.empty()) {}

  framing_error look_at(const header& field) noexcept;
  framing_error decide() noexcept;

 private:
  enum seen_field : unsigned char {
    host = 1,
    content_length = 2,
    transfer_encoding = 4,
    content_type = 8,
    user_agent = 16,
    authorization = 32,
    upgrade_field = 64,
  };

  // The name is a token, and of those only letters have this bit as their case.
  static bool is(std::string_view name, std::string_view lower) noexcept {
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if ((name[i] | 0x20) != lower[i]) return false;
    }
    return true;
  }
  bool is_repeated(seen_field what) noexcept {
    const bool before = (seen_ & what) != 0;
    seen_ = static_cast<unsigned char>(seen_ | what);
    return before;
  }
  framing_error look_at_host(std::string_view value) noexcept;
  framing_error look_at_length(std::string_view value) noexcept;
  framing_error look_at_coding(std::string_view value) noexcept;
  void look_at_connection(std::string_view list) noexcept;
  framing_error look_at_expect(std::string_view value) noexcept;

  message_head& head_;
  bool is_request_;
  unsigned char seen_ = 0;
  bool close_ = false;
  bool keep_alive_ = false;
  bool upgrade_ = false;
};

inline framing_error framing_fields::look_at(const header& field) noexcept {
  constexpr framing_error repeated{400, "a header is repeated that may be there once"};
  const std::string_view name = field.name;
  switch (name.size()) {
    case 4:
      if (is_request_ && is(name, "host")) return look_at_host(field.value);
      break;
    case 6:
      if (is_request_ && is(name, "expect")) return look_at_expect(field.value);
      break;
    case 7:
      if (is(name, "upgrade")) is_repeated(upgrade_field);
      break;
    case 10:
      if (is(name, "connection")) {
        look_at_connection(field.value);
      } else if (is_request_ && is(name, "user-agent") && is_repeated(user_agent)) {
        return repeated;
      }
      break;
    case 12:
      if (is_request_ && is(name, "content-type") && is_repeated(content_type)) {
        return repeated;
      }
      break;
    case 13:
      if (is_request_ && is(name, "authorization") && is_repeated(authorization)) {
        return repeated;
      }
      break;
    case 14:
      if (is(name, "content-length")) return look_at_length(field.value);
      break;
    case 17:
      if (is(name, "transfer-encoding")) return look_at_coding(field.value);
      break;
    default:
      break;
  }
  return {};
}

inline framing_error framing_fields::look_at_host(std::string_view value) noexcept {
  if (is_repeated(host)) return {400, "there are two Host headers"};
  if (!is_host(value)) return {400, "the Host header is not valid"};
  head_.host = value;
  return {};
}

inline framing_error framing_fields::look_at_length(std::string_view value) noexcept {
  if (is_repeated(content_length)) return {400, "there are two Content-Length headers"};
  head_.content_length = parse_content_length(value);
  if (!head_.content_length) return {400, "the Content-Length header is not valid"};
  return {};
}

inline framing_error framing_fields::look_at_coding(std::string_view value) noexcept {
  if (is_repeated(transfer_encoding)) {
    return {400, "there are two Transfer-Encoding headers"};
  }
  if (equal_ignoring_case(value, "chunked")) {
    head_.chunked = true;
    return {};
  }
  // A message that ends with another coding has no end that could be found. One that
  // ends with chunked, and has another below it, is right but beyond us.
  bool ends_in_chunked = false;
  for (auto coding = next_element(value); !coding.empty();
       coding = next_element(value)) {
    if (ends_in_chunked || !is_token(coding)) {
      return {400, "the Transfer-Encoding header is not valid"};
    }
    ends_in_chunked = equal_ignoring_case(coding, "chunked");
  }
  if (!ends_in_chunked) return {400, "the Transfer-Encoding header is not valid"};
  return {501, "only the transfer coding chunked is implemented"};
}

inline void framing_fields::look_at_connection(std::string_view list) noexcept {
  for (auto e = next_element(list); !e.empty(); e = next_element(list)) {
    if (equal_ignoring_case(e, "close")) close_ = true;
    if (equal_ignoring_case(e, "keep-alive")) keep_alive_ = true;
    if (equal_ignoring_case(e, "upgrade")) upgrade_ = true;
  }
}

inline framing_error framing_fields::look_at_expect(std::string_view value) noexcept {
  if (!equal_ignoring_case(value, "100-continue")) {
    return {417, "only the expectation 100-continue can be met"};
  }
  head_.expect_continue = head_.minor_version >= 1;
  return {};
}

inline framing_error framing_fields::decide() noexcept {
  const bool has_coding = (seen_ & transfer_encoding) != 0;
  if (has_coding && (seen_ & content_length) != 0) {
    return {400, "both Content-Length and Transfer-Encoding"};
  }
  if (has_coding && head_.minor_version == 0) {
    return {400, "Transfer-Encoding is not part of HTTP/1.0"};
  }
  if (is_request_ && head_.minor_version >= 1 && (seen_ & host) == 0) {
    return {400, "there is no Host header"};
  }
  if (head_.form == target_form::authority && (has_coding || head_.content_length)) {
    return {400, "CONNECT cannot have a body"};
  }
  head_.keep_alive = !close_ && (head_.minor_version >= 1 || keep_alive_);
  head_.upgrade = upgrade_ && (seen_ & upgrade_field) != 0;
  return {};
}

}  // namespace aio::http::detail
