// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// prepared_message: what many websockets are sent, made once.

#pragma once

#include <aio/http/detail/websocket_frames.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace aio::http {

/// Messages of a server in the form in which they travel, for websocket::write(): what
/// goes to a thousand clients is made once. Several may stand behind each other, and then
/// cost one call for each client.
///
///     aio::http::prepared_message news;
///     news.add_text("one").add_text("two");
///     for (auto& client : clients) client.write(news);
///
/// They are not compressed.
class prepared_message {
 public:
  prepared_message() = default;

  /// Adds a text, which must be UTF-8.
  prepared_message& add_text(std::string_view text) {
    detail::append_frame(frames_, detail::ws_opcode::text, text, false);
    return *this;
  }
  prepared_message& add_bytes(std::string_view bytes) {
    detail::append_frame(frames_, detail::ws_opcode::binary, bytes, false);
    return *this;
  }

  bool empty() const noexcept { return frames_.empty(); }
  void clear() noexcept { frames_.clear(); }
  /// In bytes, as they travel.
  std::size_t size() const noexcept { return frames_.size(); }
  std::string_view frames() const noexcept { return frames_; }

 private:
  std::string frames_;
};

}  // namespace aio::http
