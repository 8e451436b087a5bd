// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// permessage-deflate (RFC 7692): what two ends agree on, and the compression itself.

#pragma once

#include <aio/http/detail/characters.hpp>

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#if AIO_WITH_ZLIB
#include <zlib.h>

#include <array>
#include <new>
#include <utility>
#endif

namespace aio::http::detail {

/// How an end compresses what it sends, and what it may expect of the other.
struct ws_deflate {
  bool is_on = false;
  int bits = 15;             ///< of our window
  bool keeps_window = true;  ///< from message to message
  bool peer_keeps_window = true;
};

/// A parameter of an offer or an answer; takes it off `rest`.
struct ws_parameter {
  std::string_view name;
  std::optional<std::string_view> value;

  static ws_parameter take(std::string_view& rest) noexcept {
    const std::size_t end = rest.find(';');
    std::string_view one = trimmed(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    const std::size_t equals = one.find('=');
    if (equals == one.npos) return {one, std::nullopt};
    std::string_view value = trimmed(one.substr(equals + 1));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    return {trimmed(one.substr(0, equals)), value};
  }

  /// A size of a window: 8 to 15, without a leading zero.
  std::optional<int> bits() const noexcept {
    int made = 0;
    if (!value || value->empty() || value->front() == '0') return std::nullopt;
    const char* const end = value->data() + value->size();
    const auto [stop, error] = std::from_chars(value->data(), end, made);
    if (error != std::errc() || stop != end || made < 8 || made > 15)
      return std::nullopt;
    return made;
  }
};

#if AIO_WITH_ZLIB

/// What a server makes of one offer; not on if it cannot be accepted.
inline ws_deflate accept_offer(std::string_view offer) {
  ws_deflate made;
  if (ws_parameter::take(offer).name != "permessage-deflate") return {};
  std::array<bool, 4> seen{};
  const auto is_new = [&seen](std::size_t which) {
    return !std::exchange(seen[which], true);
  };
  while (!offer.empty()) {
    const ws_parameter one = ws_parameter::take(offer);
    bool is_good = false;
    if (one.name == "server_no_context_takeover") {
      is_good = is_new(0) && !one.value;
      made.keeps_window = false;
    } else if (one.name == "client_no_context_takeover") {
      is_good = is_new(1) && !one.value;
      made.peer_keeps_window = false;
    } else if (one.name == "server_max_window_bits") {
      const auto bits = one.bits();
      is_good = is_new(2) && bits && *bits > 8;  // zlib has no window of 8
      made.bits = bits.value_or(15);
    } else if (one.name == "client_max_window_bits") {
      is_good =
          is_new(3) && (!one.value || one.bits());  // whatever it is, we can read it
    }
    if (!is_good) return {};
  }
  made.is_on = true;
  return made;
}

/// The first offer that can be accepted.
inline ws_deflate choose_deflate(std::string_view offers) {
  while (!offers.empty()) {
    if (ws_deflate made = accept_offer(next_element(offers)); made.is_on) return made;
  }
  return {};
}

/// What a server answers to the offer that it took.
inline std::string deflate_answer(const ws_deflate& agreed) {
  std::string answer = "permessage-deflate";
  if (!agreed.keeps_window) answer += "; server_no_context_takeover";
  if (!agreed.peer_keeps_window) answer += "; client_no_context_takeover";
  if (agreed.bits != 15)
    answer += "; server_max_window_bits=" + std::to_string(agreed.bits);
  return answer;
}

inline constexpr std::string_view deflate_offer =
    "permessage-deflate; client_max_window_bits";

/// What a client makes of the answer to its offer; none if it is not allowed.
inline std::optional<ws_deflate> read_deflate_answer(std::string_view answer) {
  ws_deflate made;
  made.is_on = true;
  if (ws_parameter::take(answer).name != "permessage-deflate") return std::nullopt;
  while (!answer.empty()) {
    const ws_parameter one = ws_parameter::take(answer);
    if (one.name == "server_no_context_takeover" && !one.value) {
      made.peer_keeps_window = false;
    } else if (one.name == "client_no_context_takeover" && !one.value) {
      made.keeps_window = false;
    } else if (one.name == "client_max_window_bits") {
      const auto bits = one.bits();
      if (!bits || *bits == 8) return std::nullopt;
      made.bits = *bits;
    } else if (one.name != "server_max_window_bits" || !one.bits()) {
      return std::nullopt;
    }
  }
  return made;
}

/// Compresses messages. Its memory (a quarter of a megabyte) is taken with the first.
class ws_deflater {
 public:
  explicit ws_deflater(const ws_deflate& how) noexcept : how_(how) {}
  ws_deflater(const ws_deflater&) = delete;
  ws_deflater& operator=(const ws_deflater&) = delete;
  ~ws_deflater() {
    if (is_open_) ::deflateEnd(&stream_);
  }

  std::string compress(std::string_view message) {
    open();
    std::string made;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
    stream_.avail_in = static_cast<uInt>(message.size());
    do {
      std::array<char, 16 * 1024> piece;
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = static_cast<uInt>(piece.size());
      ::deflate(&stream_, Z_SYNC_FLUSH);
      made.append(piece.data(), piece.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    made.resize(made.size() - 4);  // 00 00 ff ff, which the peer puts back
    if (!how_.keeps_window) ::deflateReset(&stream_);
    return made;
  }

 private:
  void open() {
    if (is_open_) return;
    if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -how_.bits, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
    is_open_ = true;
  }

  ws_deflate how_;
  z_stream stream_{};
  bool is_open_ = false;
};

/// Decompresses messages that come in pieces.
class ws_inflater {
 public:
  enum class outcome { good, too_big, broken };

  explicit ws_inflater(bool keeps_window) noexcept : keeps_window_(keeps_window) {}
  ws_inflater(const ws_inflater&) = delete;
  ws_inflater& operator=(const ws_inflater&) = delete;
  ~ws_inflater() {
    if (is_open_) ::inflateEnd(&stream_);
  }

  /// Appends to `to`, which becomes no larger than `most`.
  outcome feed(std::string_view bytes, std::string& to, std::size_t most) {
    open();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    for (;;) {
      std::array<char, 16 * 1024> room;
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = static_cast<uInt>(room.size());
      const int code = ::inflate(&stream_, Z_SYNC_FLUSH);
      const std::size_t made = room.size() - stream_.avail_out;
      if (made > most - to.size()) return outcome::too_big;
      to.append(room.data(), made);
      if (code == Z_STREAM_END) {
        // A sender may end its stream with a message; the next one begins another.
        ::inflateReset(&stream_);
        if (stream_.avail_in == 0) return outcome::good;
        continue;
      }
      if (code == Z_BUF_ERROR) return outcome::good;  // it wants more
      if (code != Z_OK) return outcome::broken;
      if (stream_.avail_in == 0 && stream_.avail_out > 0) return outcome::good;
    }
  }

  outcome end_message(std::string& to, std::size_t most) {
    const outcome made = feed(std::string_view("\x00\x00\xff\xff", 4), to, most);
    if (!keeps_window_) ::inflateReset(&stream_);
    return made;
  }

 private:
  void open() {
    if (is_open_) return;
    if (::inflateInit2(&stream_, -15) != Z_OK) throw std::bad_alloc();
    is_open_ = true;
  }

  bool keeps_window_;
  z_stream stream_{};
  bool is_open_ = false;
};

#else

inline ws_deflate choose_deflate(std::string_view) { return {}; }
inline std::string deflate_answer(const ws_deflate&) { return {}; }
inline constexpr std::string_view deflate_offer = "";
inline std::optional<ws_deflate> read_deflate_answer(std::string_view) {
  return std::nullopt;
}

#endif

}  // namespace aio::http::detail
