// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/http/ws_connect.hpp>

#include <aio/net/start_server.hpp>
#include <aio/task/timeout.hpp>
#include <aio/task/with.hpp>
#include <aio/web/app_runner.hpp>
#include <aio/web/application.hpp>
#include <aio/web/sites.hpp>
#include <aio/web/websocket_response.hpp>

#include <support/net.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::http::client_session;
using aio::http::client_websocket;
using aio::http::ws_server_handshake_error;
using aio::web::request;
using aio::web::response;
using aio::web::websocket_response;
using test::ending;

namespace {

aio::coro<response> echo(request& req) {
  websocket_response ws({.protocols = "chat, superchat"});
  ws.headers().set("X-Greeting", "hello");
  co_await ws.prepare(req);
  while (auto message = co_await ws.next()) {
    if (message->is_text()) co_await ws.send_str(message->data);
    if (message->is_binary()) co_await ws.send_bytes(message->data);
  }
  co_return ws;
}

aio::web::application make_app() {
  aio::web::application app;
  app.get("/ws", echo);
  app.get("/moved", [](request&) -> response { throw aio::web::redirect(302, "/ws"); });
  app.get("/plain", [](request&) { return response::text("no websocket"); });
  return app;
}

using conversation = std::function<aio::coro<>(client_session&, std::string)>;

/// With a server at that URL.
aio::coro<> with_server(conversation talk) {
  const aio::web::app_runner runner(make_app());
  co_await runner.setup();
  aio::web::tcp_site site(runner, "127.0.0.1", 0);
  co_await site.start();
  client_session session;
  co_await talk(session, "ws://127.0.0.1:" + std::to_string(site.port()));
  co_await session.close();
  co_await runner.cleanup();
}

/// How a handshake ends that is answered in this way; "KEY" becomes what the key asks for.
aio::coro<std::string> handshake_with(std::string answer) {
  auto serve = [&](aio::stream_reader reader,
                   aio::stream_writer writer) -> aio::coro<> {
    const std::string head = co_await reader.readuntil("\r\n\r\n");
    const std::size_t at = head.find("Sec-WebSocket-Key: ");
    const std::string accept =
        aio::http::detail::ws_accept(std::string_view(head).substr(at + 19, 24));
    std::string text = answer;
    if (const auto place = text.find("KEY"); place != text.npos) {
      text.replace(place, 3, accept);
    }
    writer.write(text);
    co_await writer.drain();
  };
  auto server = co_await aio::start_server(serve, "127.0.0.1", 0);
  const std::string url = "ws://127.0.0.1:" + std::to_string(server.port()) + "/";
  std::string how = "opened";
  try {
    client_session session;
    client_websocket ws = co_await session.ws_connect(url, {.protocols = "a, b"});
  } catch (const ws_server_handshake_error& error) {
    how = std::to_string(error.status()) + " " + error.message();
  }
  server.close();
  co_await server.wait_closed();
  co_return how;
}

}  // namespace

AIO_NET_TEST("ws_connect: messages and the close, over a socket", "[web][websocket]") {
  auto talk = [](client_session& session, std::string url) -> aio::coro<> {
    auto ws = co_await session.ws_connect(url + "/ws", {.protocols = "superchat, x"});
    CHECK(ws.protocol() == "superchat");
    CHECK(ws.response_headers().get("X-Greeting") == "hello");
    co_await ws.send_str("one");
    const std::string one = co_await ws.receive_str();
    CHECK(one == "one");
    const std::string large = test::pattern(1'000'000);
    co_await ws.send_bytes(large);
    const std::string same = co_await ws.receive_bytes();
    CHECK(same == large);
    const bool closed = co_await ws.close();
    CHECK(closed);
    CHECK(ws.close_code() == 1000);
  };
  co_await with_server(talk);
}

AIO_NET_TEST("ws_connect: with closes it, and redirects are followed",
             "[web][websocket]") {
  auto talk = [](client_session& session, std::string url) -> aio::coro<> {
    client_websocket kept;
    auto block = [&kept](client_websocket& ws) -> aio::coro<> {
      kept = ws;
      co_await ws.send_str("x");
    };
    auto ws = co_await session.ws_connect(url + "/moved");
    co_await aio::with(std::move(ws), block);
    CHECK(kept.closed());
    CHECK(kept.close_code() == 1000);
  };
  co_await with_server(talk);
}

AIO_NET_TEST("ws_connect: compression, if it is asked for", "[web][websocket]") {
  auto talk = [](client_session& session, std::string url) -> aio::coro<> {
    auto ws = co_await session.ws_connect(url + "/ws", {.compress = true});
    const bool is_on = ws.response_headers().contains("Sec-WebSocket-Extensions");
#if AIO_WITH_ZLIB
    CHECK(is_on);
#else
    CHECK_FALSE(is_on);
#endif
    for (int i = 0; i < 3; ++i) {
      const std::string text = test::pattern(10'000);
      co_await ws.send_str(text);
      const std::string same = co_await ws.receive_str();
      CHECK(same == text);
    }
    co_await ws.close();
  };
  co_await with_server(talk);
}

AIO_NET_TEST("ws_connect: the websocket is on its own once it is there",
             "[web][websocket]") {
  auto talk = [](client_session& session, std::string url) -> aio::coro<> {
    auto ws = co_await session.ws_connect(url + "/ws");
    CHECK(session.connections_in_use() == 0);
    co_await session.close();
    co_await ws.send_str("still here");
    const std::string text = co_await ws.receive_str();
    CHECK(text == "still here");
    co_await ws.close();
  };
  co_await with_server(talk);
}

AIO_NET_TEST("ws_connect: what is no websocket is refused", "[web][websocket]") {
  auto talk = [](client_session& session, std::string url) -> aio::coro<> {
    std::string how = co_await ending(session.ws_connect(url + "/plain"));
    CHECK(how.find("the server makes no WebSocket of it") != how.npos);
    how = co_await ending(session.ws_connect(url + "/missing"));
    CHECK(how.find("the server makes no WebSocket of it") != how.npos);
  };
  co_await with_server(talk);
}

AIO_NET_TEST("ws_connect: an answer must be what the handshake asks for",
             "[web][websocket]") {
  const std::string good =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: "
      "upgrade\r\n"
      "Sec-WebSocket-Accept: KEY\r\n";
  struct answer {
    std::string text, expected;
  };
  const std::vector<answer> all{
      {good + "\r\n", "opened"},
      {good + "Sec-WebSocket-Protocol: b\r\n\r\n", "opened"},
      {good + "Sec-WebSocket-Protocol: c\r\n\r\n",
       "101 a sub-protocol that was not offered"},
      {good + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
       "101 an extension that was not offered"},
      {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
       "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
       "101 Sec-WebSocket-Accept is not what answers our key"},
      {"HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n"
       "Sec-WebSocket-Accept: KEY\r\n\r\n",
       "101 no Upgrade: websocket"},
      {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: KEY\r\n\r\n",
       "101 no Connection: upgrade"},
      {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
       "403 the server makes no WebSocket of it"},
  };
  for (const answer& one : all) {
    CAPTURE(one.text);
    const std::string how = co_await handshake_with(one.text);
    CHECK(how == one.expected);
  }
}
