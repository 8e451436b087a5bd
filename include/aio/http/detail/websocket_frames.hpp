// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The frames of RFC 6455: bytes in, messages out, and back. No input or output here.

#pragma once

// Why not Beast's: its stream wants to own a socket of Asio, and reading is its own
// affair. These need a fifth of its time to compile and fit any transport.

#include <aio/http/detail/utf8_checker.hpp>
#include <aio/http/detail/websocket_deflate.hpp>
#include <aio/http/websocket_message.hpp>

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::http::detail {

enum class ws_opcode : unsigned char {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

using ws_mask = std::array<unsigned char, 4>;

/// `phase`: how many bytes of the payload came before these.
inline void apply_mask(char* bytes, std::size_t size, const ws_mask& mask,
                       std::size_t phase) noexcept {
  std::array<unsigned char, 8> pattern{};
  for (std::size_t i = 0; i < 8; ++i) pattern[i] = mask[(phase + i) % 4];
  std::uint64_t eight = 0;
  std::memcpy(&eight, pattern.data(), 8);
  std::size_t at = 0;
  for (; size - at >= 8; at += 8) {
    std::uint64_t some = 0;
    std::memcpy(&some, bytes + at, 8);
    some ^= eight;
    std::memcpy(bytes + at, &some, 8);
  }
  for (; at < size; ++at) {
    bytes[at] =
        static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ pattern[at % 8]);
  }
}

/// What no server can foresee (RFC 6455 §10.3).
inline ws_mask random_mask() {
  ws_mask made{};
  if (::getrandom(made.data(), made.size(), 0) != static_cast<ssize_t>(made.size())) {
    throw std::runtime_error("no random numbers can be had");
  }
  return made;
}

/// Appends a frame that is a whole message; clients mask.
inline void append_frame(std::string& to, ws_opcode opcode, std::string_view payload,
                         bool masked, bool compressed = false) {
  const auto put = [&to](std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) to += static_cast<char>(value >> (8 * i));
  };
  to.reserve(to.size() + payload.size() + 14);
  put((compressed ? 0xc0U : 0x80U) | static_cast<unsigned>(opcode), 1);
  const unsigned mask_bit = masked ? 0x80U : 0;
  const std::size_t size = payload.size();
  if (size < 126) {
    put(mask_bit | size, 1);
  } else if (size <= 0xffff) {
    put(mask_bit | 126U, 1);
    put(size, 2);
  } else {
    put(mask_bit | 127U, 1);
    put(size, 8);
  }
  if (!masked) {
    to += payload;
    return;
  }
  const ws_mask mask = random_mask();
  to.append(reinterpret_cast<const char*>(mask.data()), mask.size());
  const std::size_t at = to.size();
  to += payload;
  apply_mask(to.data() + at, size, mask, 0);
}

/// Whether a code may be in a frame.
inline bool is_close_code(int code) noexcept {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
          code != 1006) ||
         (code >= 3000 && code <= 4999);
}

inline std::string close_payload(int code, std::string_view reason) {
  std::string made{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return made += reason;
}

/// Takes frames apart, and puts fragments together.
class ws_decoder {
 public:
  /// `masked`: whether frames must be, as those of clients; otherwise they must not.
  ws_decoder(bool masked, std::size_t max_size) noexcept
      : masked_(masked),
        max_size_(max_size > 0 ? max_size : std::numeric_limits<std::size_t>::max()) {}

  /// Messages may be compressed from now on.
  void set_deflate(const ws_deflate& how) {
#if AIO_WITH_ZLIB
    if (how.is_on) inflater_ = std::make_unique<ws_inflater>(how.peer_keeps_window);
#else
    static_cast<void>(how);
#endif
  }

  /// What has come: a message or a control frame, a failure, or nothing yet.
  struct event {
    enum class kind { none, message, control, failure } what = kind::none;
    ws_opcode opcode = ws_opcode::continuation;
    std::string data = {};
    int code = 0;                  ///< of a failure and of a close
    std::string_view reason = {};  ///< of a failure
  };

  /// Takes from the front of `input`, until something has come or all is taken. After a
  /// failure there is nothing more to ask for.
  event next(std::string_view& input) {
    for (;;) {
      if (!is_in_payload_) {
        const event made = take_head(input);
        if (made.what != event::kind::none || !is_in_payload_) return made;
      }
      if (event made = take_payload(input); made.what != event::kind::none) return made;
      if (remaining_ > 0) return {};
      is_in_payload_ = false;
      head_size_ = 0;
      if (is_control()) return end_control();
      if (is_final_) return end_message();
    }
  }

 private:
  static event fail(int code, std::string_view reason) {
    return {event::kind::failure, ws_opcode::continuation, {}, code, reason};
  }

  bool is_control() const noexcept { return static_cast<unsigned>(opcode_) >= 8; }

  // ----- the head -----

  event take_head(std::string_view& input) {
    while (head_size_ < 2 && !input.empty()) take_head_byte(input);
    if (head_size_ < 2) return {};
    if (head_size_ == 2 && !is_head_checked_) {
      if (event made = check_head(); made.what != event::kind::none) return made;
      is_head_checked_ = true;
    }
    const std::size_t length_size = size_of_length();
    const std::size_t size = 2 + length_size + (masked_ ? 4 : 0);
    while (head_size_ < size && !input.empty()) take_head_byte(input);
    if (head_size_ < size) return {};
    is_head_checked_ = false;
    is_in_payload_ = true;
    done_ = 0;
    if (masked_) {
      std::memcpy(mask_.data(), head_.data() + 2 + length_size, mask_.size());
    }
    return begin_payload(length_size);
  }

  void take_head_byte(std::string_view& input) noexcept {
    head_[head_size_++] = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
  }

  std::size_t size_of_length() const noexcept {
    const unsigned given = head_[1] & 0x7fU;
    return given == 127 ? 8 : given == 126 ? 2 : 0;
  }

  event check_head() {
    using ws_close_code::protocol_error;
    const unsigned code = head_[0] & 0x0fU;
    if ((head_[0] & 0x70U) != 0 && !is_compressed_head()) {
      return fail(protocol_error, "a reserved bit is set");
    }
    if ((code > 2 && code < 8) || code > 10) {
      return fail(protocol_error, "an unknown kind of frame");
    }
    is_final_ = (head_[0] & 0x80U) != 0;
    opcode_ = static_cast<ws_opcode>(code);
    if (is_control()) {
      if (!is_final_) return fail(protocol_error, "a control frame in fragments");
      if ((head_[1] & 0x7fU) > 125) {
        return fail(protocol_error, "a control frame of more than 125 bytes");
      }
    } else if (opcode_ == ws_opcode::continuation) {
      if (!is_in_message_) {
        return fail(protocol_error, "a continuation of nothing");
      }
    } else if (is_in_message_) {
      return fail(protocol_error, "a message begins inside of another");
    }
    if (((head_[1] & 0x80U) != 0) != masked_) {
      return fail(protocol_error, masked_ ? "a client must mask its frames"
                                          : "a server must not mask its frames");
    }
    return {};
  }

  /// RFC 7692 §6: the first bit, on the first frame of a message.
  bool is_compressed_head() const noexcept {
    const unsigned opcode = head_[0] & 0x0fU;
#if AIO_WITH_ZLIB
    return inflater_ && (head_[0] & 0x70U) == 0x40 && (opcode == 1 || opcode == 2);
#else
    return static_cast<void>(opcode), false;
#endif
  }

  event begin_payload(std::size_t length_size) {
    std::uint64_t length = head_[1] & 0x7fU;
    if (length_size > 0) {
      length = 0;
      for (std::size_t i = 0; i < length_size; ++i) length = length << 8 | head_[2 + i];
      const bool is_minimal = length_size == 2 ? length > 125 : length > 0xffff;
      if (!is_minimal || length >> 63 != 0) {
        return fail(ws_close_code::protocol_error,
                    "a length in a form that is not its own");
      }
    }
    remaining_ = length;
    if (is_control()) {
      control_.clear();
      return {};
    }
    if (opcode_ != ws_opcode::continuation) {
      is_in_message_ = true;
      is_text_ = opcode_ == ws_opcode::text;
      is_compressed_ = (head_[0] & 0x40U) != 0;
      message_.clear();
      utf8_.reset();
    }
    if (!is_compressed_ && length > max_size_ - message_.size()) {
      return fail(ws_close_code::message_too_big, "a message that is too long");
    }
    return {};
  }

  // ----- the payload -----

  event take_payload(std::string_view& input) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
    const bool inflates = is_compressed_ && !is_control();
    std::string& to = is_control() ? control_ : inflates ? compressed_ : message_;
    std::size_t at = to.size();
    to += input.substr(0, size);
    input.remove_prefix(size);
    if (masked_) apply_mask(to.data() + at, size, mask_, done_);
    done_ += size;
    remaining_ -= size;
    if (is_control()) return {};
    if (inflates) {
      at = message_.size();
      event made = inflate();
      if (made.what != event::kind::none) return made;
    }
    if (is_text_ && !utf8_.feed(std::string_view(message_).substr(at))) {
      return fail(ws_close_code::invalid_text, "a text that is not UTF-8");
    }
    return {};
  }

  /// What has come of a compressed message.
  event inflate() {
#if AIO_WITH_ZLIB
    using outcome = ws_inflater::outcome;
    outcome how = inflater_->feed(compressed_, message_, max_size_);
    compressed_.clear();
    if (how == outcome::good && is_final_ && remaining_ == 0) {
      how = inflater_->end_message(message_, max_size_);
    }
    if (how == outcome::too_big) {
      return fail(ws_close_code::message_too_big, "a message that is too long");
    }
    if (how == outcome::broken) {
      return fail(ws_close_code::invalid_text, "a message that cannot be decompressed");
    }
#endif
    return {};
  }

  event end_message() {
    is_in_message_ = false;
    if (is_text_ && !utf8_.is_complete()) {
      return fail(ws_close_code::invalid_text, "a text that is not UTF-8");
    }
    return {event::kind::message,
            is_text_ ? ws_opcode::text : ws_opcode::binary,
            std::exchange(message_, {}),
            0,
            {}};
  }

  event end_control() {
    event made{event::kind::control, opcode_, std::move(control_), 0, {}};
    control_.clear();
    if (opcode_ != ws_opcode::close) return made;
    if (made.data.empty()) {
      made.code = ws_close_code::no_status;
      return made;
    }
    if (made.data.size() == 1) {
      return fail(ws_close_code::protocol_error, "half a close code");
    }
    made.code = static_cast<unsigned char>(made.data[0]) << 8 |
                static_cast<unsigned char>(made.data[1]);
    made.data.erase(0, 2);
    if (!is_close_code(made.code)) {
      return fail(ws_close_code::protocol_error, "a close code that is none");
    }
    utf8_checker reason;
    if (!reason.feed(made.data) || !reason.is_complete()) {
      return fail(ws_close_code::invalid_text, "a close reason that is not UTF-8");
    }
    return made;
  }

  bool masked_;
  std::size_t max_size_;

  std::array<unsigned char, 14> head_{};
  std::size_t head_size_ = 0;
  bool is_head_checked_ = false;
  bool is_in_payload_ = false;
  bool is_final_ = false;
  ws_opcode opcode_ = ws_opcode::continuation;
  ws_mask mask_{};
  std::size_t done_ = 0;
  std::uint64_t remaining_ = 0;

  bool is_in_message_ = false;
  bool is_text_ = false;
  std::string message_;
  std::string control_;
  utf8_checker utf8_;
  bool is_compressed_ = false;
#if AIO_WITH_ZLIB
  std::unique_ptr<ws_inflater> inflater_;
#endif
  std::string compressed_;
};

}  // namespace aio::http::detail
