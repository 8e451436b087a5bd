// position_server: the heart of a multiplayer game. Players say by UDP where they are,
// and twenty times a second everybody is told where all of them are.
//
//   $ position_server [HOST] [PORT]
//   Serving on 127.0.0.1:8888        (until Ctrl-C)
//
// A player sends `NAME X Y` as often as it moves; who says nothing for five seconds is
// out. Everybody gets one line per player: `NAME X Y`. position_client shows them.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

#include "support/program.hpp"

using namespace std::chrono_literals;

class world : public aio::datagram_protocol {
 public:
  void connection_made(aio::datagram_transport& t) override { transport = t; }

  void datagram_received(std::string_view data, const aio::endpoint& from) override {
    std::istringstream words{std::string(data)};
    player said;
    if (!(words >> said.name >> said.x >> said.y) || said.name.size() > 20) return;
    // A datagram that was overtaken by a later one does no harm: the next is near.
    said.heard = aio::get_running_loop().time();
    players_[from] = said;
  }

  // Where all are, to all. Datagrams may be lost; the next tick makes good for it.
  void tell_everybody() {
    const auto now = aio::get_running_loop().time();
    std::erase_if(players_, [&](const auto& p) { return now - p.second.heard > 5s; });
    std::string positions;
    for (const auto& [address, p] : players_) {
      positions += fmt::format("{} {} {}\n", p.name, p.x, p.y);
    }
    for (const auto& [address, p] : players_) transport.sendto(positions, address);
  }

  aio::datagram_transport transport;

 private:
  struct player {
    std::string name;
    int x = 0;
    int y = 0;
    aio::time_point heard;
  };
  std::map<aio::endpoint, player> players_;
};

aio::coro<> tick(world& of) {
  for (;;) {
    co_await aio::sleep(50ms);
    of.tell_everybody();
  }
}

aio::coro<int> serve(support::address at) {
  const auto make = [] { return std::make_unique<world>(); };
  const aio::datagram_options here{.local_addr = {at.host, at.port}};
  auto [transport, all] =
      co_await aio::get_running_loop().create_datagram_endpoint(make, here);
  auto signal = aio::wait_signal(SIGINT, SIGTERM);
  fmt::print("Serving on {}\n", transport.sockname());
  std::fflush(stdout);
  auto ticking = aio::create_task(tick, std::ref(*all));
  co_await std::move(signal);
  co_return 0;
}

int main(int argc, char** argv) {
  return support::run("position_server", serve(support::parse_address(argc, argv)));
}
