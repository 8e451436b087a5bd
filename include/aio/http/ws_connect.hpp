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

struct ws_request {
  std::string url;
  std::string protocols;
  headers fields;
};

inline coro<client_websocket> open_websocket(client_session& session,
                                             ws_request request, ws_options options,
                                             request_options how) {
  const std::string key = random_ws_key();
  headers& fields = request.fields;
  fields.set("Upgrade", "websocket").set("Connection", "Upgrade");
  fields.set("Sec-WebSocket-Version", "13").set("Sec-WebSocket-Key", key);
  if (!request.protocols.empty())
    fields.set("Sec-WebSocket-Protocol", request.protocols);
  const bool offers_deflate =
      options.compress.value_or(false) && !deflate_offer.empty();
  if (offers_deflate) fields.set("Sec-WebSocket-Extensions", deflate_offer);
  how.headers = fields;
  how.raise_for_status = false;
  client_response answer = co_await session.get(request.url, how);
  const ws_deflate deflate =
      check_handshake(answer, key, request.protocols, offers_deflate);
  stream_pair link = answer.detach();
  std::string unread;
  if (link.first.buffered() > 0) {
    unread = co_await link.first.read(link.first.buffered());
  }
  co_return client_websocket(std::move(link), unread, answer.headers(), deflate,
                             options);
}

}  // namespace detail

/// Asks a server for a WebSocket.
///
///     auto ws = co_await aio::http::ws_connect(session, "ws://localhost:8080/chat");
///     co_await ws.send_str("hello");
///     while (auto message = co_await ws.next()) use(message->data);
///
/// Takes:        ws, wss, http and https URLs; in `how` what a request has besides
/// Cancellation: gives it up.
/// Throws:       ws_server_handshake_error – no WebSocket is there; see client_session
/// Lifetime:     the session must live until the await ends; the websocket is on its own
/// Like:         aiohttp.ClientSession.ws_connect
inline coro<client_websocket> ws_connect(client_session& session, std::string_view url,
                                         const ws_options& options = {},
                                         const request_options& how = {}) {
  detail::ws_request request{detail::http_url(url), std::string(options.protocols), {}};
  if (how.headers) request.fields = *how.headers;
  ws_options kept = options;
  kept.protocols = {};
  return detail::open_websocket(session, std::move(request), kept, how);
}

}  // namespace aio::http
