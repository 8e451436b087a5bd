// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Finds the payload, and the end, of a body in what was received. Copies nothing.

#pragma once

#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/message_head.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aio::http::detail {

struct body_limits {
  std::size_t chunk_extension = 256;         ///< bytes after one size
  std::size_t chunk_extensions = 16 * 1024;  ///< bytes after all sizes
  std::size_t trailer_bytes = 8 * 1024;      ///< all trailers, with their line ends
};

/// What one step has found: so many bytes are used up, and this much of them is payload.
struct body_piece {
  std::size_t consumed = 0;
  std::string_view payload = {};
};

/// Decodes one body. Call next() while there is input and the body is not done:
///
///     while (!input.empty() && !decoder.is_done() && !decoder.error()) {
///       auto [consumed, payload] = decoder.next(input);
///       input.remove_prefix(consumed);
///       use(payload);  // may be empty
///     }
///
/// What follows in the input is the next message. Trailers are checked and dropped: no
/// one may take them for fields of the head.
class body_decoder {
 public:
  /// No body.
  body_decoder() noexcept = default;

  static body_decoder of_length(std::uint64_t bytes) noexcept {
    return body_decoder(bytes == 0 ? state::done : state::length, bytes);
  }
  static body_decoder chunked(body_limits limits = body_limits()) noexcept {
    body_decoder decoder(state::size_start, 0);
    decoder.limits_ = limits;
    return decoder;
  }
  static body_decoder until_close() noexcept {
    return body_decoder(state::until_close, 0);
  }
  /// The body that a request has.
  static body_decoder of_request(const message_head& head) noexcept {
    if (head.chunked) return chunked();
    return of_length(head.content_length.value_or(0));
  }
  /// The body that the final response to a request with this method has.
  static body_decoder of_response(const message_head& head,
                                  std::string_view method) noexcept {
    const bool none = head.status < 200 || head.status == 204 || head.status == 304 ||
                      method == "HEAD" || (method == "CONNECT" && head.status < 300);
    if (none) return body_decoder();
    if (head.chunked) return chunked();
    if (head.content_length) return of_length(*head.content_length);
    return until_close();
  }

  /// Consumes at least one byte, except when done or refused.
  inline body_piece next(std::string_view input) noexcept;

  bool is_done() const noexcept { return state_ == state::done; }
  framing_error error() const noexcept { return error_; }

  /// The peer closed: whether that is where the body ends.
  bool finish() noexcept {
    if (state_ == state::until_close) state_ = state::done;
    return is_done();
  }
  bool ends_with_connection() const noexcept { return state_ == state::until_close; }

  /// Bytes of payload that must come still, as far as that is known: all of them, or of
  /// this chunk.
  std::uint64_t remaining() const noexcept { return remaining_; }

 private:
  // size_start → size → [extension →] size_lf → data → data_cr → data_lf → size_start …
  // after size 0: trailer_start → [name → value → value_lf →] … end_lf → done
  enum class state : unsigned char {
    done,
    length,
    until_close,
    size_start,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
  };

  body_decoder(state s, std::uint64_t remaining) noexcept
      : state_(s), remaining_(remaining) {}

  inline body_piece take_payload(std::string_view input) noexcept;
  inline void take(char c) noexcept;
  inline void take_size(char c) noexcept;
  inline void take_extension(char c) noexcept;
  inline void take_trailer(char c) noexcept;

  void expect(char expected, char c, state then) noexcept {
    if (c == expected) {
      state_ = then;
    } else {
      refuse("a chunk is not valid");
    }
  }
  void refuse(std::string_view text, int status = 400) noexcept {
    error_ = {status, text};
  }

  state state_ = state::done;
  unsigned char digits_ = 0;
  bool has_name_ = false;
  std::uint64_t remaining_ = 0;
  std::size_t extension_ = 0;
  std::size_t extensions_ = 0;
  std::size_t trailers_ = 0;
  body_limits limits_ = {};
  framing_error error_ = {};
};

inline body_piece body_decoder::next(std::string_view input) noexcept {
  std::size_t i = 0;
  while (i < input.size() && state_ != state::done && !error_) {
    if (state_ == state::data || state_ == state::length ||
        state_ == state::until_close) {
      body_piece piece = take_payload(input.substr(i));
      piece.consumed += i;
      return piece;
    }
    take(input[i++]);
  }
  return {i, {}};
}

inline body_piece body_decoder::take_payload(std::string_view input) noexcept {
  if (state_ == state::until_close) return {input.size(), input};
  const auto n =
      static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
  remaining_ -= n;
  if (remaining_ == 0) {
    state_ = state_ == state::data ? state::data_cr : state::done;
  }
  return {n, input.substr(0, n)};
}

inline void body_decoder::take(char c) noexcept {
  switch (state_) {
    case state::size_start:
      digits_ = 0;
      extension_ = 0;
      state_ = state::size;
      take_size(c);
      break;
    case state::size:
      take_size(c);
      break;
    case state::extension:
      take_extension(c);
      break;
    case state::size_lf:
      expect('\n', c, remaining_ == 0 ? state::trailer_start : state::data);
      break;
    case state::data_cr:
      expect('\r', c, state::data_lf);
      break;
    case state::data_lf:
      expect('\n', c, state::size_start);
      break;
    case state::end_lf:
      expect('\n', c, state::done);
      break;
    default:
      take_trailer(c);
      break;
  }
}

inline void body_decoder::take_size(char c) noexcept {
  const char lower = to_lower(c);
  const bool is_hex = is_digit(c) || (lower >= 'a' && lower <= 'f');
  if (is_hex) {
    // 15 digits hold more than can be stored, and far less than overflows.
    if (++digits_ > 15) return refuse("the size of a chunk is too large", 413);
    const int digit = is_digit(c) ? c - '0' : lower - 'a' + 10;
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
  } else if (digits_ == 0) {
    refuse("the size of a chunk is not valid");
  } else if (c == '\r') {
    state_ = state::size_lf;
  } else if (c == ';') {
    state_ = state::extension;
  } else {
    refuse("the size of a chunk is not valid");
  }
}

inline void body_decoder::take_extension(char c) noexcept {
  if (c == '\r') {
    state_ = state::size_lf;
  } else if (!is_of(c, value_character)) {
    refuse("a chunk extension is not valid");
  } else if (++extension_ > limits_.chunk_extension ||
             ++extensions_ > limits_.chunk_extensions) {
    refuse("the chunk extensions are too long");
  }
}

inline void body_decoder::take_trailer(char c) noexcept {
  if (++trailers_ > limits_.trailer_bytes) {
    return refuse("the trailers are too large", 431);
  }
  switch (state_) {
    case state::trailer_start:
      if (c == '\r') {
        state_ = state::end_lf;
        break;
      }
      state_ = state::trailer_name;
      has_name_ = false;
      [[fallthrough]];
    case state::trailer_name:
      if (is_of(c, token_character)) {
        has_name_ = true;
      } else if (c == ':' && has_name_) {
        state_ = state::trailer_value;
      } else {
        refuse("a trailer is not valid");
      }
      break;
    case state::trailer_value:
      if (c == '\r') {
        state_ = state::trailer_lf;
      } else if (!is_of(c, value_character)) {
        refuse("a trailer is not valid");
      }
      break;
    default:
      expect('\n', c, state::trailer_start);
      break;
  }
}

}  // namespace aio::http::detail
