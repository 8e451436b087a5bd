// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What comes over a WebSocket, and how one may be set up.

#pragma once

#include <aio/core/clock.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace aio::http {

/// Like: aiohttp.WSMsgType
enum class ws_msg_type {
  text,
  binary,
  ping,     ///< only without autoping
  pong,     ///< likewise
  close,    ///< the peer has closed; its reason is in data, its code in code
  closing,  ///< close() was called by another task meanwhile
  closed,   ///< there is nothing more
  error,    ///< the peer broke the protocol; data says how
};

/// Why a WebSocket was closed (RFC 6455 §7.4).
///
/// Like: aiohttp.WSCloseCode
namespace ws_close_code {
inline constexpr int ok = 1000;
inline constexpr int going_away = 1001;
inline constexpr int protocol_error = 1002;
inline constexpr int unsupported_data = 1003;
inline constexpr int no_status = 1005;         ///< never sent: there was none
inline constexpr int abnormal_closure = 1006;  ///< never sent: the connection broke
inline constexpr int invalid_text = 1007;
inline constexpr int policy_violation = 1008;
inline constexpr int message_too_big = 1009;
inline constexpr int mandatory_extension = 1010;
inline constexpr int internal_error = 1011;
inline constexpr int service_restart = 1012;
inline constexpr int try_again_later = 1013;
inline constexpr int bad_gateway = 1014;
}  // namespace ws_close_code

/// Like: aiohttp.WSMessage
struct ws_message {
  ws_msg_type type = ws_msg_type::closed;
  std::string data;
  int code = 0;  ///< of close and error

  bool is_text() const noexcept { return type == ws_msg_type::text; }
  bool is_binary() const noexcept { return type == ws_msg_type::binary; }
};

struct ws_options {
  /// Sub-protocols, as "chat, superchat": of a server those it knows, of a client those
  /// it offers, best first.
  std::string_view protocols = {};
  /// A ping after so long a silence; a peer that then says nothing for half of that is
  /// taken for gone.
  time_limit heartbeat = {};
  /// receive() throws timeout_error after it.
  time_limit receive_timeout = {};
  /// How long close() waits for the peer.
  duration timeout = std::chrono::seconds(10);
  /// A close of the peer is answered when it is received, or a second after it came.
  /// Without it, call close() yourself.
  bool autoclose = true;
  /// Pings are answered, and neither they nor pongs seen.
  bool autoping = true;
  /// Whether permessage-deflate is accepted (by a server, unless it says no) or offered (by
  /// a client, if it says yes), where the library was built with zlib.
  std::optional<bool> compress = {};
  /// Longer messages are refused with the code 1009; 0 is no limit.
  std::size_t max_msg_size = 4 * 1024 * 1024;
};

}  // namespace aio::http
