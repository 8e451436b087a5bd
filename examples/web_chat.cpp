// web_chat: a chat for browsers. What one says over its WebSocket all hear.
//
//   $ web_chat 127.0.0.1 8080     # then open http://127.0.0.1:8080/ in two windows
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/web.hpp>
#include <aio/web/websocket_response.hpp>

#include <fmt/format.h>

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "support/program.hpp"

namespace web = aio::web;
using namespace std::chrono_literals;

constexpr std::string_view page = R"html(<!doctype html>
<meta charset="utf-8"><title>Chat</title>
<style>body { font: 16px sans-serif; max-width: 40em; margin: 2em auto }</style>
<h1>Chat</h1><ul id="said"></ul>
<form id="form"><input id="text" autofocus placeholder="Say something"></form>
<script>
const name = new URLSearchParams(location.search).get("name") || "somebody";
const ws = new WebSocket(`ws://${location.host}/ws?name=${encodeURIComponent(name)}`);
const tell = (text) => {
  const line = document.createElement("li");
  line.textContent = text;
  document.getElementById("said").append(line);
};
let hello = new URLSearchParams(location.search).get("say");
ws.onmessage = (event) => {
  tell(event.data);
  if (hello) ws.send(hello);
  hello = null;
};
ws.onclose = (event) => tell(`closed: ${event.code}`);
document.getElementById("form").onsubmit = (event) => {
  event.preventDefault();
  ws.send(document.getElementById("text").value);
  document.getElementById("text").value = "";
};
</script>
)html";

// Who is there. One that does not read fast enough is dropped: it must not make the others
// wait.
class room {
 public:
  using place = std::list<web::websocket_response>::iterator;

  place enter(web::websocket_response ws) {
    return people_.insert(people_.end(), std::move(ws));
  }
  void leave(place who) { people_.erase(who); }

  void tell_all(const std::string& text) {
    for (web::websocket_response& one : people_) {
      if (!one.closed()) aio::create_task(send(one, text));
    }
  }

 private:
  static aio::coro<> send(web::websocket_response to, std::string text) {
    bool is_slow = false;
    try {
      co_await aio::wait_for(to.send_str(text), 5s);
    } catch (const aio::timeout_error&) {
      is_slow = true;
    } catch (const boost::system::system_error&) {
      // It has gone meanwhile.
    }
    if (is_slow) co_await to.close(web::ws_close_code::policy_violation, "too slow");
  }

  std::list<web::websocket_response> people_;
};

aio::coro<web::response> talk(room& in, web::request& req) {
  web::websocket_response ws({.heartbeat = 30s, .max_msg_size = 4096});
  const std::string name(req.query().get("name", "somebody"));
  co_await ws.prepare(req);
  const auto place = in.enter(ws);
  const aio::detail::scope_exit at_last([&] { in.leave(place); });
  in.tell_all(name + " is here");
  while (auto message = co_await ws.next()) {
    if (message->is_text()) in.tell_all(name + ": " + message->data);
  }
  in.tell_all(name + " has left");
  co_return ws;
}

aio::coro<int> amain(support::address where) {
  room everybody;
  web::application app;
  app.get("/", [](web::request&) { return web::response::html(std::string(page)); });
  app.get("/ws", [&](web::request& req) { return talk(everybody, req); });
  co_await web::run_app(std::move(app), {.host = where.host, .port = where.port});
  co_return 0;
}

int main(int argc, char** argv) {
  return support::run(argv[0], amain(support::parse_address(argc, argv)));
}
