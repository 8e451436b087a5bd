// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The strict parser of heads (RFC 9112). It knows no socket and copies nothing.
// Why in two steps: first the end of the head is looked for, line by line, and then all
// of it is read at once. So the verdict cannot depend on how the bytes were cut into
// segments, nothing but one place is kept in between, and the views are into one buffer.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/framing_fields.hpp>
#include <aio/http/detail/message_head.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace aio::http::detail {

struct head_limits {
  std::size_t line = 8190;       ///< of the first line and each field, without CR LF
  std::size_t head = 64 * 1024;  ///< all of it, with the empty line
  std::size_t fields = 128;
};

enum class parse_state : unsigned char { needs_more, complete, refused };

/// Call parse_request() or parse_response() with all that was received and not yet
/// consumed, after each arrival. Then size() bytes belong to the head.
///
/// Complexity: linear in all bytes, however they arrive
class head_parser {
 public:
  explicit head_parser(head_limits limits = head_limits()) noexcept : limits_(limits) {}

  parse_state parse_request(std::string_view input, message_head& head) {
    return parse(input, head, true);
  }
  parse_state parse_response(std::string_view input, message_head& head) {
    return parse(input, head, false);
  }

  /// After `complete`: the bytes of the head, with the empty line.
  std::size_t size() const noexcept { return line_begin_; }
  /// After `refused`.
  framing_error error() const noexcept { return error_; }

  /// Whether anything has come of the next head.
  bool has_begun() const noexcept { return looked_at_ != 0; }

  /// For the next head.
  void reset() noexcept {
    line_begin_ = looked_at_ = 0;
    is_first_line_ = true;
    error_ = {};
  }

 private:
  inline parse_state parse(std::string_view input, message_head& head, bool request);
  inline bool parse_at_once(std::string_view input, message_head& head, bool request);
  inline framing_error read(std::string_view bytes, message_head& head, bool request);
  inline parse_state find_end(std::string_view input, bool request);
  inline parse_state past_limit(bool request) noexcept;
  inline framing_error read_request_line(const char*& in, message_head& head);
  inline framing_error read_status_line(const char*& in, message_head& head);
  inline framing_error read_fields(const char*& in, const char* end,
                                   message_head& head);

  parse_state refuse(int status, std::string_view text) noexcept {
    error_ = {status, text};
    return parse_state::refused;
  }

  head_limits limits_;
  std::size_t line_begin_ = 0;  // of the line that is not complete yet
  std::size_t looked_at_ = 0;   // there is no LF between line_begin_ and here
  bool is_first_line_ = true;   // empty lines before it do not end the head
  framing_error error_ = {};
};

inline parse_state head_parser::parse(std::string_view input, message_head& head,
                                      bool request) {
  if (looked_at_ == 0 && parse_at_once(input, head, request)) {
    return parse_state::complete;
  }
  const parse_state state = find_end(input, request);
  if (state != parse_state::complete) return state;
  const framing_error error = read(input.substr(0, line_begin_), head, request);
  if (error) return refuse(error.status, error.text);
  return parse_state::complete;
}

/// The usual case: all of the head is there, and nothing is wrong with it. Otherwise it
/// does nothing: only the two steps find the right verdict.
inline bool head_parser::parse_at_once(std::string_view input, message_head& head,
                                       bool request) {
  if (!input.ends_with("\r\n\r\n")) return false;  // no loop passes this
  if (read(input, head, request) || line_begin_ > limits_.head) {
    line_begin_ = 0;
    return false;
  }
  looked_at_ = line_begin_;
  is_first_line_ = false;
  return true;
}

/// `bytes` end in an empty line. Sets size().
inline framing_error head_parser::read(std::string_view bytes, message_head& head,
                                       bool request) {
  head.clear();
  const char* in = bytes.data();
  if (request && bytes.starts_with("\r\n")) in += 2;
  framing_error error =
      request ? read_request_line(in, head) : read_status_line(in, head);
  if (!error) error = read_fields(in, bytes.data() + bytes.size(), head);
  if (!error) line_begin_ = static_cast<std::size_t>(in + 2 - bytes.data());
  return error;
}

inline parse_state head_parser::past_limit(bool request) noexcept {
  if (is_first_line_ && request) return refuse(414, "the request line is too long");
  return refuse(431, is_first_line_ ? "the status line is too long"
                                    : "the header fields are too large");
}

inline parse_state head_parser::find_end(std::string_view input, bool request) {
  // What is no HTTP at all, as a greeting of TLS, is refused at its first byte.
  if (looked_at_ == 0 && !input.empty() && !is_of(input[0], token_character) &&
      input[0] != '\r') {
    return refuse(400, request ? "not a request of HTTP" : "not a response of HTTP");
  }
  for (;;) {
    // Within these bytes the line must end.
    const std::size_t limit = std::min(line_begin_ + limits_.line + 2, limits_.head);
    const std::size_t known = std::min(input.size(), limit);
    const void* lf = known > looked_at_ ? std::memchr(input.data() + looked_at_, '\n',
                                                      known - looked_at_)
                                        : nullptr;
    if (lf == nullptr) {
      looked_at_ = known;
      return input.size() >= limit ? past_limit(request) : parse_state::needs_more;
    }
    const auto at =
        static_cast<std::size_t>(static_cast<const char*>(lf) - input.data());
    if (at == line_begin_ || input[at - 1] != '\r') {
      return refuse(400, "a line does not end in CR LF");
    }
    const bool is_empty = at == line_begin_ + 1;
    line_begin_ = looked_at_ = at + 1;
    if (!is_empty) {
      is_first_line_ = false;
    } else if (!is_first_line_) {
      return parse_state::complete;
    } else if (at != 1 || !request) {
      return refuse(400, "an empty line instead of a message");
    }
  }
}

inline framing_error head_parser::read_request_line(const char*& in,
                                                    message_head& head) {
  // The line ends in CR, which is of none of the classes: no loop passes it.
  const char* const method = in;
  while (is_of(*in, token_character)) ++in;
  head.method = {method, static_cast<std::size_t>(in - method)};
  if (head.method.empty() || *in != ' ') return {400, "the method is not valid"};
  const char* const target = ++in;
  while (is_of(*in, target_character)) ++in;
  head.target = {target, static_cast<std::size_t>(in - target)};
  if (head.target.empty() || *in != ' ') return {400, "the target is not valid"};
  ++in;
  if (const auto error = read_version(in, head)) return error;
  if (*in != '\r' || in[1] != '\n') return {400, "the version is not valid"};
  if (static_cast<std::size_t>(in - method) > limits_.line) {
    return {414, "the request line is too long"};
  }
  in += 2;
  return check_target(head);
}

inline framing_error head_parser::read_status_line(const char*& in,
                                                   message_head& head) {
  const char* const line = in;
  if (const auto error = read_version(in, head)) return error;
  if (*in != ' ') return {400, "the status line is not valid"};
  ++in;
  for (int i = 0; i < 3; ++i, ++in) {
    if (!is_digit(*in)) return {400, "the status is not valid"};
    head.status = head.status * 10 + (*in - '0');
  }
  if (head.status < 100) return {400, "the status is not valid"};
  if (*in == ' ') {
    const char* const reason = ++in;
    while (is_of(*in, value_character)) ++in;
    head.reason = trimmed({reason, static_cast<std::size_t>(in - reason)});
  }
  if (*in != '\r' || in[1] != '\n') return {400, "the status line is not valid"};
  if (static_cast<std::size_t>(in - line) > limits_.line) {
    return {431, "the status line is too long"};
  }
  in += 2;
  return {};
}

inline framing_error head_parser::read_fields(const char*& in, const char* end,
                                              message_head& head) {
  // Only parse_at_once() comes upon this.
  constexpr framing_error too_long{431, "the header fields are too large"};
  framing_fields framing(head);
  while (*in != '\r' || in[1] != '\n') {
    const char* const name = in;
    while (is_of(*in, token_character)) ++in;
    header field;
    field.name = {name, static_cast<std::size_t>(in - name)};
    if (field.name.empty() || *in != ':') {
      return {400, is_blank(*name) ? "a header is folded over lines"
                                   : "the name of a header is not valid"};
    }
    ++in;
    while (is_blank(*in)) ++in;
    const char* const value = in;
    in = end_of_value(in, end);  // at the CR of the last line at the latest
    if (*in != '\r' || in[1] != '\n') {
      return {400, "the value of a header has control bytes"};
    }
    const char* last = in;
    while (last != value && is_blank(last[-1])) --last;
    field.value = {value, static_cast<std::size_t>(last - value)};
    if (static_cast<std::size_t>(in - name) > limits_.line) return too_long;
    in += 2;
    if (head.fields.size() == limits_.fields) return {431, "too many header fields"};
    head.fields.push_back(field);
    if (const auto error = framing.look_at(field)) return error;
  }
  return framing.decide();
}

}  // namespace aio::http::detail
