// web_game: a multiplayer game over UDP, and windows onto it for browsers.
//
//   $ web_game 127.0.0.1 8080            # says where players send their positions
//   $ position_client anna 127.0.0.1 PORT
//
// Players say by UDP where they are, as with position_server (`NAME X Y`; who says nothing
// for five seconds is out) and are told where all are. A browser at http://HOST:PORT/
// watches: twenty times a second it gets the positions over a WebSocket, and draws them.
// It plays too: its arrow keys move a player of its own.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/web.hpp>
#include <aio/web/websocket_response.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "support/program.hpp"

namespace web = aio::web;
using namespace std::chrono_literals;

constexpr std::string_view page = R"html(<!doctype html>
<meta charset="utf-8"><title>Game</title>
<canvas id="field" width="800" height="240" style="border: 1px solid"></canvas>
<pre id="list"></pre>
<script>
const name = new URLSearchParams(location.search).get("name") || "browser";
const ws = new WebSocket(`ws://${location.host}/ws?name=${encodeURIComponent(name)}`);
const field = document.getElementById("field").getContext("2d");
let x = 10, y = 6;
const move = () => ws.readyState === 1 && ws.send(`${x} ${y}`);
let isFirst = true;
ws.onmessage = (event) => {
  if (isFirst) setInterval(move, 1000);
  isFirst = false;
  document.getElementById("list").textContent = event.data;
  field.clearRect(0, 0, 800, 240);
  for (const line of event.data.split("\n").filter(Boolean)) {
    const [who, px, py] = line.split(" ");
    field.fillText(who, px * 20, py * 20 - 6);
    field.fillRect(px * 20, py * 20, 10, 10);
  }
};
document.onkeydown = (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
                 ArrowDown: [0, 1] }[event.key];
  if (!step) return;
  x = Math.min(39, Math.max(0, x + step[0]));
  y = Math.min(11, Math.max(1, y + step[1]));
  move();
};
</script>
)html";

// Who is where, whichever way they said it.
class world {
 public:
  void move(const std::string& key, const std::string& name, int x, int y) {
    players_[key] = {name, x, y, aio::get_running_loop().time()};
  }
  void remove(const std::string& key) { players_.erase(key); }

  // A line for each player: `NAME X Y`.
  std::string positions() {
    const auto now = aio::get_running_loop().time();
    std::erase_if(players_, [&](const auto& p) { return now - p.second.heard > 5s; });
    std::string lines;
    for (const auto& [key, p] : players_) {
      lines += fmt::format("{} {} {}\n", p.name, p.x, p.y);
    }
    return lines;
  }

 private:
  struct player {
    std::string name;
    int x = 0;
    int y = 0;
    aio::time_point heard;
  };
  std::map<std::string, player> players_;
};

class players : public aio::datagram_protocol {
 public:
  explicit players(world& of) : world_(of) {}

  void connection_made(aio::datagram_transport& t) override { transport_ = t; }

  void datagram_received(std::string_view data, const aio::endpoint& from) override {
    std::istringstream words{std::string(data)};
    std::string name;
    int x = 0, y = 0;
    if (!(words >> name >> x >> y) || name.size() > 20) return;
    world_.move(fmt::format("udp {}", from), name, x, y);
    addresses_[from] = aio::get_running_loop().time();
  }

  void tell(const std::string& positions) {
    const auto now = aio::get_running_loop().time();
    std::erase_if(addresses_, [&](const auto& a) { return now - a.second > 5s; });
    for (const auto& [address, heard] : addresses_) {
      transport_.sendto(positions, address);
    }
  }

 private:
  world& world_;
  aio::datagram_transport transport_;
  std::map<aio::endpoint, aio::time_point> addresses_;
};

// Sends each state of the world to a browser. One that is slow misses some: what is sent
// is the newest, never a queue of old ones.
class window {
 public:
  explicit window(web::websocket_response ws) : ws_(std::move(ws)) {}

  void show(const std::string& positions) {
    if (ws_.closed() || (sending_ && !sending_.done())) return;
    sending_ = aio::create_task(send(ws_, positions));
  }

 private:
  static aio::coro<> send(web::websocket_response to, std::string text) {
    try {
      co_await to.send_str(text);
    } catch (const boost::system::system_error&) {
      // It has gone meanwhile.
    }
  }

  web::websocket_response ws_;
  aio::task<> sending_;
};

struct game {
  world all;
  std::list<window> windows;
};

aio::coro<web::response> watch(game& of, web::request& req) {
  web::websocket_response ws({.heartbeat = 30s, .max_msg_size = 100});
  const std::string name(req.query().get("name", "browser").substr(0, 20));
  co_await ws.prepare(req);
  const auto place = of.windows.emplace(of.windows.end(), ws);
  const std::string key = fmt::format("browser {}", fmt::ptr(&*place));
  const aio::detail::scope_exit at_last([&] {
    of.windows.erase(place);
    of.all.remove(key);
  });
  const bool has_good_name = !name.empty() && name.find_first_of(" \n") == name.npos;
  while (auto message = co_await ws.next()) {
    std::istringstream words(message->data);
    int x = 0, y = 0;
    if (has_good_name && words >> x >> y) of.all.move(key, name, x, y);
  }
  co_return ws;
}

aio::coro<> tick(game& of, players& by_udp) {
  for (;;) {
    co_await aio::sleep(50ms);
    const std::string positions = of.all.positions();
    by_udp.tell(positions);
    for (window& one : of.windows) one.show(positions);
  }
}

aio::coro<int> amain(support::address at) {
  game one;
  const auto make = [&one] { return std::make_unique<players>(one.all); };
  const aio::datagram_options here{.local_addr = {at.host, std::uint16_t(0)}};
  auto [transport, by_udp] =
      co_await aio::get_running_loop().create_datagram_endpoint(make, here);
  fmt::print("Players on UDP {}\n", transport.sockname());
  std::fflush(stdout);
  auto ticking = aio::create_task(tick, std::ref(one), std::ref(*by_udp));

  web::application app;
  app.get("/", [](web::request&) { return web::response::html(std::string(page)); });
  app.get("/ws", [&one](web::request& req) { return watch(one, req); });
  co_await web::run_app(std::move(app), {.host = at.host, .port = at.port});
  co_return 0;
}

int main(int argc, char** argv) {
  return support::run(argv[0], amain(support::parse_address(argc, argv)));
}
