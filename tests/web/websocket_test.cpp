// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/web/websocket_response.hpp>

#include <aio/sync/event.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>

#include <support/tools.hpp>
#include <support/web.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::http::websocket;
using aio::web::app_runner;
using aio::web::application;
using aio::web::request;
using aio::web::response;
using aio::web::websocket_response;
using aio::web::ws_message;
using aio::web::ws_msg_type;
using aio::web::ws_options;
using test::ending;

namespace {

constexpr std::string_view handshake =
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

using conversation = std::function<aio::coro<>(websocket_response&)>;

/// A server whose handler of /ws is this.
application serving(conversation talk, ws_options options = {}) {
  application app;
  auto handler = [talk = std::move(talk),
                  options](request& req) -> aio::coro<response> {
    websocket_response ws(options);
    co_await ws.prepare(req);
    co_await talk(ws);
    co_return ws;
  };
  app.get("/ws", std::move(handler));
  return app;
}

aio::coro<> echo(websocket_response& ws) {
  while (auto message = co_await ws.next()) {
    if (message->is_text()) co_await ws.send_str(message->data);
    if (message->is_binary()) co_await ws.send_bytes(message->data);
  }
}

/// A client whose handshake was made by hand.
class client : public websocket {
 public:
  client(aio::testing::memory_stream stream, std::string_view unread,
         const ws_options& options)
      : stream_(std::move(stream)) {
    core_ = std::make_shared<aio::http::detail::websocket_core>(
        aio::http::detail::ws_side::client, options);
    aio::transport link = stream_.writer.transport();
    core_->take_place_of(link.get_protocol(), nullptr);
    link.set_protocol(core_);
    core_->start(link, unread);
    open(core_, {}, options.receive_timeout);
  }

  void vanish() { stream_.writer.transport().abort(); }
  void stop_reading() { stream_.writer.transport().pause_reading(); }
  void write_raw(std::string_view bytes) { stream_.writer.write(bytes); }

 private:
  aio::testing::memory_stream stream_;
  std::shared_ptr<aio::http::detail::websocket_core> core_;
};

aio::coro<client> connect(const app_runner& runner, ws_options options = {}) {
  aio::testing::memory_stream stream = test::connect_to(runner);
  stream.writer.write(test::request_text("GET", "/ws", handshake));
  const std::string head = co_await stream.reader.readuntil("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 101 "));
  std::string unread;
  if (stream.reader.buffered() > 0) {
    unread = co_await stream.reader.read(stream.reader.buffered());
  }
  co_return client(std::move(stream), unread, options);
}

aio::coro<std::string> receive_type(websocket& from) {
  const ws_message m = co_await from.receive();
  switch (m.type) {
    case ws_msg_type::text:
      co_return "text " + m.data;
    case ws_msg_type::close:
      co_return "close " + std::to_string(m.code) + m.data;
    case ws_msg_type::closing:
      co_return "closing";
    case ws_msg_type::closed:
      co_return "closed " + std::to_string(m.code);
    default:
      co_return "other";
  }
}

}  // namespace

TEST_CASE("websocket handshake: keys and answers", "[web][websocket]") {
  using namespace aio::http::detail;
  CHECK(ws_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(base64("M") == "TQ==");
  CHECK(base64("Ma") == "TWE=");
  CHECK(base64("Man") == "TWFu");
  CHECK(sha1::of(std::string(200, 'a'))[0] == 0xe6);
  CHECK(is_ws_key(random_ws_key()));
  CHECK(random_ws_key() != random_ws_key());
  CHECK_FALSE(is_ws_key("dGhlIHNhbXBsZSBub25jZQ="));
  CHECK_FALSE(is_ws_key("dGhlIHNhbXBsZSBub25jZQ=a"));
  CHECK_FALSE(is_ws_key("dGhlIHNhbXBsZSBub25j Q=="));
  CHECK(choose_protocol("a, b", "c, b, a") == "a");
  CHECK(choose_protocol("x,, b", "b") == "b");
  CHECK(choose_protocol("A", "a") == "");
  CHECK(choose_protocol("", "a") == "");
}

AIO_WEB_TEST("websocket: the handshake is answered as the standard says",
             "[web][websocket]") {
  const app_runner runner(serving(echo, {.protocols = "superchat, chat"}));
  co_await runner.setup();
  const std::string good = std::string(handshake) +
                           "Sec-WebSocket-Protocol: chat\r\n"
                           "Sec-WebSocket-Protocol: superchat\r\n";
  auto stream = test::connect_to(runner);
  stream.writer.write(test::request_text("GET", "/ws", good));
  const std::string head = co_await stream.reader.readuntil("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(head.find("\r\nConnection: upgrade\r\n") != head.npos);
  CHECK(head.find("\r\nUpgrade: websocket\r\n") != head.npos);
  CHECK(head.find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
        head.npos);
  CHECK(head.find("\r\nSec-WebSocket-Protocol: chat\r\n") != head.npos);
  CHECK(head.find("Content-Length") == head.npos);
  stream.writer.close();
}

AIO_WEB_TEST("websocket: compression is agreed on, unless it is not wanted",
             "[web][websocket]") {
  for (const bool wanted : {true, false}) {
    ws_options options{.compress = wanted};
    const app_runner runner(serving(echo, options));
    co_await runner.setup();
    const std::string offer = std::string(handshake) +
                              "Sec-WebSocket-Extensions: permessage-deflate; "
                              "client_max_window_bits\r\n";
    auto stream = test::connect_to(runner);
    stream.writer.write(test::request_text("GET", "/ws", offer));
    const std::string head = co_await stream.reader.readuntil("\r\n\r\n");
    const bool is_agreed =
        head.find("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n") != head.npos;
#if AIO_WITH_ZLIB
    CHECK(is_agreed == wanted);
    std::string frame;
    aio::http::detail::append_frame(frame, aio::http::detail::ws_opcode::text,
                                    std::string(1000, 'z'), true);
    stream.writer.write(frame);
    const std::string echoed = co_await stream.reader.readexactly(2);
    CHECK(echoed[0] == (wanted ? '\xc1' : '\x81'));
#else
    CHECK_FALSE(is_agreed);
#endif
    stream.writer.close();
  }
}

AIO_WEB_TEST("websocket: a request that asks for none is refused clearly",
             "[web][websocket]") {
  const app_runner runner(serving(echo));
  co_await runner.setup();
  struct refusal {
    std::string from, to, expected;
  };
  const std::vector<refusal> all{
      {"Upgrade: websocket", "Upgrade: h2c", "400 "},
      {"Upgrade: websocket\r\n", "", "400 "},
      {"keep-alive, Upgrade", "keep-alive", "400 "},
      {"Version: 13", "Version: 8", "426 "},
      {"Sec-WebSocket-Version: 13\r\n", "", "426 "},
      {"ZQ==", "ZQ=", "400 "},
      {"dGhlIHNhbXBsZSBub25jZQ==", "", "400 "},
      {"Sec-WebSocket-Key:", "Sec-WebSocket-Kez:", "400 "},
      {"Sec-WebSocket-Version",
       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version", "400 "},
  };
  for (const refusal& one : all) {
    CAPTURE(one.from, one.to);
    std::string fields(handshake);
    fields.replace(fields.find(one.from), one.from.size(), one.to);
    const std::string answer = co_await test::get(runner, "/ws", fields);
    CHECK(answer.starts_with("HTTP/1.1 " + one.expected));
    if (one.expected == "426 ") {
      CHECK(answer.find("\r\nSec-WebSocket-Version: 13\r\n") != answer.npos);
    }
  }
  const std::string plain = co_await test::get(runner, "/ws");
  CHECK(plain.starts_with("HTTP/1.1 400 "));
}

AIO_WEB_TEST("websocket: messages go both ways, and the close is answered",
             "[web][websocket]") {
  const app_runner runner(serving(echo));
  co_await runner.setup();
  client ws = co_await connect(runner);
  co_await ws.send_str("hello");
  const std::string text = co_await ws.receive_str();
  CHECK(text == "hello");
  const std::string large(300'000, '\xfe');
  co_await ws.send_bytes(large);
  const std::string bytes = co_await ws.receive_bytes();
  CHECK(bytes == large);
  const boost::json::value json{{"a", 1}};
  co_await ws.send_json(json);
  const std::string sent = co_await ws.receive_str();
  CHECK(sent == "{\"a\":1}");
  co_await ws.send_bytes(std::string_view("x"));
  const std::string other = co_await ending(ws.receive_str());
  CHECK(other == "a message came that is not a text");
  CHECK(ws.close_code() == 0);
  const bool closed = co_await ws.close(4001, "done");
  CHECK(closed);
  CHECK(ws.closed());
  CHECK(ws.close_code() == 4001);
  const bool again = co_await ws.close();
  CHECK_FALSE(again);
  CHECK_THROWS_AS(ws.send_str("late"), boost::system::system_error);
}

AIO_WEB_TEST("websocket: what comes with the handshake is not lost",
             "[web][websocket]") {
  const app_runner runner(serving(echo));
  co_await runner.setup();
  std::string frame;
  aio::http::detail::append_frame(frame, aio::http::detail::ws_opcode::text, "early",
                                  true);
  auto stream = test::connect_to(runner);
  stream.writer.write(test::request_text("GET", "/ws", handshake) + frame);
  const std::string head = co_await stream.reader.readuntil("\r\n\r\n");
  const std::string echoed = co_await stream.reader.readexactly(7);
  CHECK(echoed ==
        "\x81\x05"
        "early");
  stream.writer.close();
}

AIO_WEB_TEST("websocket: after the end there is nothing more, and then an error",
             "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    for (int i = 0; i < 5; ++i) {
      const std::string one = co_await receive_type(ws);
      seen += one + "; ";
    }
    const std::string last = co_await ending(ws.receive());
    seen += last;
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  co_await ws.close(1001, "bye");
  co_await test::turns(10);
  CHECK(seen ==
        "close 1001bye; closed 1001; closed 1001; closed 1001; closed 1001; usage");
}

AIO_WEB_TEST("websocket: a handler that ends closes it", "[web][websocket]") {
  auto talk = [](websocket_response& ws) -> aio::coro<> { co_await ws.send_str("hi"); };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  std::string all;
  for (int i = 0; i < 3; ++i) {
    const std::string one = co_await receive_type(ws);
    all += one + "; ";
  }
  CHECK(all == "text hi; close 1000; closed 1000; ");
}

AIO_WEB_TEST("websocket: the close of the peer waits for the answers before it",
             "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    co_await test::turns(10);  // all has come
    while (auto message = co_await ws.next()) {
      seen = co_await ending(ws.send_str("re: " + message->data));
    }
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  co_await ws.send_str("question");
  auto closing = aio::create_task(ws.close());
  co_await closing;
  CHECK(ws.close_code() == 1000);
  co_await test::turns(10);
  CHECK(seen == "returned");
}

AIO_WEB_TEST("websocket: a close that nobody receives is answered after a second",
             "[web][websocket]") {
  auto talk = [](websocket_response&) -> aio::coro<> { co_await aio::sleep(1h); };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  const auto start = aio::get_running_loop().time();
  co_await ws.close(3000);
  CHECK(aio::get_running_loop().time() - start == 1s);
  CHECK(ws.close_code() == 3000);
}

AIO_WEB_TEST("websocket: a peer that vanishes is code 1006", "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    seen = co_await receive_type(ws);
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  ws.vanish();
  co_await test::turns(10);
  CHECK(seen == "closed 1006");
}

AIO_WEB_TEST("websocket: close() waits for the peer, but not for ever",
             "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    co_await aio::sleep(1s);
    const auto start = aio::get_running_loop().time();
    const bool closed = co_await ws.close();
    const auto taken = aio::get_running_loop().time() - start;
    seen = std::string(closed ? "true" : "false") + " " +
           std::to_string(ws.close_code()) + " " + std::to_string(taken / 1s);
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  ws.stop_reading();
  co_await aio::sleep(20s);
  CHECK(seen == "true 1006 10");
}

AIO_WEB_TEST("websocket: a cancelled close() gives the connection up",
             "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    co_await aio::sleep(1s);
    seen = co_await ending(aio::wait_for(ws.close(), 1s));
    seen += " " + std::to_string(ws.close_code());
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  ws.stop_reading();
  co_await aio::sleep(3s);
  CHECK(seen == "timeout 1006");
}

AIO_WEB_TEST("websocket: one task receives, and close() of another ends that",
             "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    auto receiving = aio::create_task(receive_type(ws));
    co_await test::turns(2);
    seen = co_await ending(ws.receive());
    co_await ws.close();
    const std::string how = co_await receiving;
    seen += " " + how;
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  const std::string close = co_await receive_type(ws);
  CHECK(close == "close 1000");
  co_await test::turns(10);
  CHECK(seen == "usage closing");
}

AIO_WEB_TEST("websocket: a receive that is cancelled or too slow loses nothing",
             "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    seen = co_await ending(ws.receive());
    const std::string late = co_await ws.receive_str();
    seen += " " + late;
  };
  const app_runner runner(serving(talk, {.receive_timeout = 5s}));
  co_await runner.setup();
  client ws = co_await connect(runner);
  co_await aio::sleep(6s);
  co_await ws.send_str("late");
  co_await test::turns(10);
  CHECK(seen == "timeout late");
}

AIO_WEB_TEST("websocket: a heartbeat keeps a silent peer, and finds a dead one",
             "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    seen = "open";
    seen = co_await receive_type(ws);
  };
  const app_runner runner(serving(talk, {.heartbeat = 10s}));
  co_await runner.setup();
  client ws = co_await connect(runner);
  co_await aio::sleep(101s);  // it answers pings
  CHECK(seen == "open");
  ws.stop_reading();
  co_await aio::sleep(13s);
  CHECK(seen == "open");
  co_await aio::sleep(11s);
  CHECK(seen == "closed 1006");
}

AIO_WEB_TEST("websocket: pings are seen only without autoping", "[web][websocket]") {
  std::string seen;
  auto talk = [&seen](websocket_response& ws) -> aio::coro<> {
    const ws_message ping = co_await ws.receive();
    seen = ping.data;
    CHECK(ping.type == ws_msg_type::ping);
    co_await ws.pong(ping.data);
    const ws_message text = co_await ws.receive();
    seen += text.data;
  };
  const app_runner runner(serving(talk, {.autoping = false}));
  co_await runner.setup();
  client ws = co_await connect(runner);
  co_await ws.ping("are you there?");
  co_await ws.send_str(" yes");
  co_await test::turns(10);
  CHECK(seen == "are you there? yes");
  CHECK_THROWS_AS(ws.ping(std::string(126, 'x')), std::invalid_argument);
}

AIO_WEB_TEST("websocket: what is not received keeps the peer from sending",
             "[web][websocket]") {
  aio::event go_on;
  std::size_t count = 0;
  auto talk = [&](websocket_response& ws) -> aio::coro<> {
    co_await go_on.wait();
    while (auto message = co_await ws.next()) ++count;
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  const std::string block(10'000, 'b');
  int sent = 0;
  auto sending = aio::create_task([&]() -> aio::coro<> {
    for (; sent < 1000; ++sent) co_await ws.send_bytes(block);
    co_await ws.close();
  });
  co_await test::turns(200);
  CHECK(sent < 100);
  go_on.set();
  co_await sending;
  CHECK(count == 1000);
}

AIO_WEB_TEST("websocket: a server that shuts down says so", "[web][websocket]") {
  const app_runner runner(serving(echo));
  co_await runner.setup();
  client ws = co_await connect(runner);
  auto cleaning = aio::create_task(runner.cleanup());
  const std::string last = co_await receive_type(ws);
  CHECK(last == "close 1001");
  co_await cleaning;
}

AIO_WEB_TEST("websocket: can_prepare() says what prepare() would do",
             "[web][websocket]") {
  application app;
  app.get("/ws", [](request& req) -> aio::coro<response> {
    websocket_response ws({.protocols = "b"});
    const auto ready = ws.can_prepare(req);
    const std::string unprepared =
        co_await ending([&]() -> aio::coro<> { co_await ws.receive(); }());
    co_return response::text(std::string(ready ? "yes " : "no ") + ready.protocol +
                             " " + unprepared);
  });
  const app_runner runner(std::move(app));
  co_await runner.setup();
  std::string answer = co_await test::get(
      runner, "/ws", std::string(handshake) + "Sec-WebSocket-Protocol: a, b\r\n");
  CHECK(answer.ends_with("yes b usage"));
  answer = co_await test::get(runner, "/ws");
  CHECK(answer.ends_with("no  usage"));
}

AIO_WEB_TEST("websocket: messages that were made once go to many", "[web][websocket]") {
  std::vector<websocket_response> all;
  auto talk = [&all](websocket_response& ws) -> aio::coro<> {
    all.push_back(ws);
    while (auto message = co_await ws.next()) {
    }
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client one = co_await connect(runner);
  client two = co_await connect(runner);
  aio::http::prepared_message news;
  CHECK(news.empty());
  const std::string large(70'000, 'x');
  news.add_text("first").add_text(large).add_bytes(std::string_view("\xff", 1));
  CHECK(news.size() == 2 + 5 + 10 + 70'000 + 2 + 1);
  for (websocket_response& ws : all) {
    ws.write(news);
    co_await ws.send_str("last");
  }
  for (client* ws : {&one, &two}) {
    for (const std::string& expected : {std::string("first"), large}) {
      const std::string text = co_await ws->receive_str();
      CHECK(text == expected);
    }
    const std::string bytes = co_await ws->receive_bytes();
    CHECK(bytes == "\xff");
    const std::string last = co_await ws->receive_str();
    CHECK(last == "last");
  }
  news.clear();
  CHECK(news.frames().empty());
  CHECK_THROWS_AS(one.write(news), aio::usage_error);

  co_await one.close();
  CHECK_THROWS_AS(all[0].write(news), boost::system::system_error);
  CHECK(all[0].get_write_buffer_size() == 0);
  all.clear();
}

AIO_WEB_TEST("websocket: one who does not read can be given up", "[web][websocket]") {
  std::vector<websocket_response> all;
  std::string end;
  auto talk = [&](websocket_response& ws) -> aio::coro<> {
    all.push_back(ws);
    end = co_await receive_type(ws);
  };
  const app_runner runner(serving(talk));
  co_await runner.setup();
  client ws = co_await connect(runner);
  ws.stop_reading();
  aio::http::prepared_message news;
  news.add_text(std::string(100'000, 'x'));
  for (int i = 0; i < 10; ++i) all[0].write(news);
  CHECK(all[0].get_write_buffer_size() > 500'000);
  all[0].abort();
  co_await test::turns(10);
  CHECK(end == "closed 1006");
  CHECK(all[0].close_code() == 1006);
  CHECK(all[0].get_write_buffer_size() == 0);
  all.clear();
}
