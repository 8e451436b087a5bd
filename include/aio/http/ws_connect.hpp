// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// client_websocket: the client's end of a WebSocket.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/http/client_options.hpp>
#include <aio/http/client_response.hpp>
#include <aio/http/client_session.hpp>
#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/websocket_core.hpp>
#include <aio/http/detail/websocket_deflate.hpp>
#include <aio/http/detail/websocket_handshake.hpp>
#include <aio/http/error.hpp>
#include <aio/http/headers.hpp>
#include <aio/http/websocket.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/stream_writer.hpp>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::http {

/// A websocket that this side has asked for; see client_session::ws_connect.
///
/// Like: aiohttp.ClientWebSocketResponse
class client_websocket : public websocket {
 public:
  client_websocket() noexcept = default;
  /// For the machinery: the connection of a response whose status is 101.
  client_websocket(stream_pair link, std::string_view unread, const headers& fields,
                   const detail::ws_deflate& deflate, const ws_options& options)
      : headers_(std::make_shared<headers>(fields)) {
    auto core =
        std::make_shared<detail::websocket_core>(detail::ws_side::client, options);
    core->set_deflate(deflate);
    transport to = link.second.transport();
    to.pause_reading();
    std::shared_ptr<base_protocol> former = to.get_protocol();
    to.set_protocol(core);
    // The stream would close the connection with its last handle.
    core->take_place_of(std::move(former),
                        std::make_shared<stream_writer>(std::move(link.second)));
    open(core, std::string(fields.get("Sec-WebSocket-Protocol", {})),
         options.receive_timeout);
    core->start(std::move(to), unread);
  }

  /// What the server has answered to the handshake.
  const http::headers& response_headers() const noexcept { return *headers_; }

  /// For aio::with, which closes it.
  ///
  /// Cancellation: none: it does not wait
  coro<client_websocket&> enter() { co_return *this; }
  /// Cancellation: see close
  coro<> exit(const std::exception_ptr&) { co_await close(); }

 private:
  std::shared_ptr<http::headers> headers_;
};

namespace detail {

/// Returns: the compression that was agreed on
/// Throws:  ws_server_handshake_error
inline ws_deflate check_handshake(const client_response& answer, std::string_view key,
                                  std::string_view offered, bool offers_deflate) {
  const auto refuse = [&answer](const char* why) {
    throw ws_server_handshake_error(answer.status(), why, std::string(answer.url()),
                                    answer.headers());
  };
  const headers& fields = answer.headers();
  if (answer.status() != 101) refuse("the server makes no WebSocket of it");
  if (!list_has(fields.get("Upgrade", {}), "websocket"))
    refuse("no Upgrade: websocket");
  if (!list_has(fields.get("Connection", {}), "upgrade"))
    refuse("no Connection: upgrade");
  if (fields.get("Sec-WebSocket-Accept", {}) != ws_accept(key)) {
    refuse("Sec-WebSocket-Accept is not what answers our key");
  }
  const std::string_view chosen = fields.get("Sec-WebSocket-Protocol", {});
  if (!chosen.empty() && choose_protocol(chosen, offered) != chosen) {
    refuse("a sub-protocol that was not offered");
  }
  const auto extension = fields.get("Sec-WebSocket-Extensions");
  if (!extension) return {};
  const auto deflate = read_deflate_answer(*extension);
  if (!offers_deflate || !deflate) refuse("an extension that was not offered");
  return *deflate;
}

/// "ws:" and "wss:" for what they stand on.
inline std::string http_url(std::string_view url) {
  if (equal_ignoring_case(url.substr(0, 3), "ws:"))
    return "http" + std::string(url.substr(2));
  if (equal_ignoring_case(url.substr(0, 4), "wss:")) {
    return "https" + std::string(url.substr(3));
  }
  return std::string(url);
}

inline coro<client_websocket> open_websocket(coro<client_response> asked,
                                             std::string key, std::string protocols,
                                             bool offers_deflate, ws_options options) {
  client_response answer = co_await std::move(asked);
  const ws_deflate deflate = check_handshake(answer, key, protocols, offers_deflate);
  stream_pair link = answer.detach();
  std::string unread;
  if (link.first.buffered() > 0) {
    unread = co_await link.first.read(link.first.buffered());
  }
  co_return client_websocket(std::move(link), unread, answer.headers(), deflate,
                             options);
}

}  // namespace detail

inline coro<client_websocket> client_session::ws_connect(std::string_view url,
                                                         const ws_options& options,
                                                         request_options how) {
  std::string key = detail::random_ws_key();
  http::headers fields;
  if (how.headers) fields = *how.headers;
  fields.set("Upgrade", "websocket").set("Connection", "Upgrade");
  fields.set("Sec-WebSocket-Version", "13").set("Sec-WebSocket-Key", key);
  std::string protocols(options.protocols);
  if (!protocols.empty()) fields.set("Sec-WebSocket-Protocol", protocols);
  const bool offers_deflate =
      options.compress.value_or(false) && !detail::deflate_offer.empty();
  if (offers_deflate) fields.set("Sec-WebSocket-Extensions", detail::deflate_offer);
  how.headers = fields;
  how.raise_for_status = false;
  ws_options kept = options;
  kept.protocols = {};
  return detail::open_websocket(get(detail::http_url(url), how), std::move(key),
                                std::move(protocols), offers_deflate, kept);
}

}  // namespace aio::http
