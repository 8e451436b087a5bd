// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// websocket_response: a request that becomes a WebSocket.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/http/detail/characters.hpp>
#include <aio/http/detail/websocket_core.hpp>
#include <aio/http/detail/websocket_deflate.hpp>
#include <aio/http/detail/websocket_handshake.hpp>
#include <aio/http/headers.hpp>
#include <aio/http/websocket.hpp>
#include <aio/web/http_error.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web {

using http::ws_message;
using http::ws_msg_type;
using http::ws_options;
namespace ws_close_code = http::ws_close_code;

/// The server's end of a WebSocket.
///
///     app.get("/ws", [](aio::web::request& req) -> aio::coro<aio::web::response> {
///       aio::web::websocket_response ws({.heartbeat = 30s});
///       co_await ws.prepare(req);
///       while (auto message = co_await ws.next()) co_await ws.send_str(message->data);
///       co_return ws;
///     });
///
/// When the handler ends it is closed, if it was not, with the code 1000; when the server
/// shuts down, with 1001.
///
/// Like: aiohttp.web.WebSocketResponse
class websocket_response : public http::websocket {
 public:
  explicit websocket_response(const ws_options& options = {})
      : options_(options), protocols_(options.protocols) {
    options_.protocols = {};
  }

  /// What prepare() would do.
  struct readiness {
    bool ok = false;
    std::string protocol;  ///< the sub-protocol; empty if there is none

    explicit operator bool() const noexcept { return ok; }
  };
  readiness can_prepare(const request& req) const {
    try {
      check(req);
    } catch (const http_exception&) {
      return {};
    }
    return {true, choose(req)};
  }

  /// Fields to be sent with the handshake, as Set-Cookie; before prepare().
  http::headers& headers() noexcept { return headers_; }

  /// Answers the handshake: from here on there are messages instead of HTTP.
  ///
  /// Cancellation: none: it does not wait
  /// Throws:       bad_request, upgrade_required, method_not_allowed – the request asks
  ///               for no WebSocket (let them through: they are the answer);
  ///               usage_error – prepared already, or the request was answered;
  ///               boost::system::system_error – the client is gone
  coro<> prepare(request& req) {
    if (*this) throw usage_error("prepare() was called already");
    check(req);
    std::string protocol = choose(req);
    http::headers fields = headers_;
    fields.set("Upgrade", "websocket");
    fields.set("Sec-WebSocket-Accept",
               http::detail::ws_accept(req.header("sec-websocket-key")));
    if (!protocol.empty()) fields.set("Sec-WebSocket-Protocol", protocol);

    http::detail::ws_deflate deflate;
    if (options_.compress.value_or(true)) {
      deflate = http::detail::choose_deflate(all_of(req, "sec-websocket-extensions"));
    }
    if (deflate.is_on) {
      fields.set("Sec-WebSocket-Extensions", http::detail::deflate_answer(deflate));
    }

    const auto core = std::make_shared<http::detail::websocket_core>(
        http::detail::ws_side::server, options_);
    core->set_deflate(deflate);
    taken_connection taken = req.take_over(fields, core);
    req.on_server_shutdown([of = std::weak_ptr(core)] {
      if (const auto open = of.lock()) open->leave(ws_close_code::going_away);
    });
    core->start(std::move(taken.transport), taken.unread);
    open(core, std::move(protocol), options_.receive_timeout);
    co_return;
  }

  /// What the handler returns.
  operator response() const { return response::sent(); }

 private:
  static void check(const request& req) {
    using http::detail::list_has;
    if (req.method() != "GET") throw method_not_allowed("GET");
    if (req.minor_version() == 0 || !list_has(all_of(req, "upgrade"), "websocket") ||
        !list_has(all_of(req, "connection"), "upgrade")) {
      throw bad_request(
          "No WebSocket UPGRADE header: \"Upgrade: websocket\" and "
          "\"Connection: Upgrade\" are wanted");
    }
    if (all_of(req, "sec-websocket-version") != "13") {
      upgrade_required other("Unsupported version of WebSocket: 13 is wanted");
      other.headers().set("Sec-WebSocket-Version", "13");
      throw other;
    }
    if (!http::detail::is_ws_key(all_of(req, "sec-websocket-key"))) {
      throw bad_request(
          "Handshake error: one Sec-WebSocket-Key with 16 bytes in base64 is wanted");
    }
  }

  std::string choose(const request& req) const {
    return std::string(http::detail::choose_protocol(
        all_of(req, "sec-websocket-protocol"), protocols_));
  }

  /// The values of all fields of a name, as one list.
  static std::string all_of(const request& req, std::string_view name) {
    std::string list;
    for (const auto& [field, value] : req.parts().head.fields) {
      if (!http::detail::equal_ignoring_case(field, name)) continue;
      if (!list.empty()) list += ", ";
      list += value;
    }
    return list;
  }

  ws_options options_;
  std::string protocols_;
  http::headers headers_;
};

}  // namespace aio::web
