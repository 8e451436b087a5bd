// position_client: a player of position_server, in the terminal. w, a, s and d and the
// return key move; a map shows where everybody is.
//
//   $ position_client NAME [HOST] [PORT]      (until Ctrl-D or Ctrl-C)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "support/program.hpp"

using namespace std::chrono_literals;

constexpr int width = 40;
constexpr int height = 12;

struct player {
  std::string name;
  int x = width / 2;
  int y = height / 2;

  void move(char key) {
    if (key == 'a') x = std::max(x - 1, 0);
    if (key == 'd') x = std::min(x + 1, width - 1);
    if (key == 'w') y = std::max(y - 1, 0);
    if (key == 's') y = std::min(y + 1, height - 1);
  }
};

void draw(const std::string& positions) {
  if (::isatty(STDOUT_FILENO) == 0) {  // for programs: as it comes
    fmt::print("{}", positions);
  } else {
    std::vector<std::string> map(height, std::string(width, '.'));
    std::istringstream lines(positions);
    player p;
    while (lines >> p.name >> p.x >> p.y) {
      if (p.x < 0 || p.x >= width || p.y < 0 || p.y >= height) continue;
      map[static_cast<std::size_t>(p.y)][static_cast<std::size_t>(p.x)] = p.name[0];
    }
    fmt::print("\x1b[H\x1b[2J{}\n\n{}", fmt::join(map, "\n"), positions);
  }
  std::fflush(stdout);
}

// Also without a move, so that the server knows us.
aio::coro<> say_where(aio::udp_socket socket, const player& me) {
  for (;;) {
    co_await socket.send(fmt::format("{} {} {}", me.name, me.x, me.y));
    co_await aio::sleep(100ms);
  }
}

aio::coro<> show(aio::udp_socket socket) {
  std::string shown;
  for (;;) {
    const std::string positions = co_await socket.recv();
    if (positions == shown) continue;
    shown = positions;
    draw(shown);
  }
}

aio::coro<> play(player& me) {
  aio::stream_reader keys = aio::stdin_reader();
  for (;;) {
    const std::string typed = co_await keys.readline();
    if (typed.empty()) co_return;
    for (const char key : typed) me.move(key);
  }
}

aio::coro<int> join(std::string name, support::address server) {
  const auto socket = co_await aio::udp_socket::connect(server.host, server.port);
  player me{name};
  auto talking = aio::create_task(say_where, socket, std::ref(me));
  auto showing = aio::create_task(show, socket);
  auto playing = aio::create_task(play, std::ref(me));
  // Whichever ends first: the player, or the connection with an error.
  const auto ended = co_await aio::wait({.return_when = aio::first_completed}, talking,
                                        showing, playing);
  for (auto& one : ended.done) one.result();
  co_return 0;
}

int main(int argc, char** argv) {
  const char* usage = "NAME [HOST] [PORT]";
  if (argc < 2 || argv[1][0] == '-') support::exit_with_usage(argv[0], usage);
  const std::string name = argv[1];
  argv[1] = argv[0];
  const auto server = support::parse_address(argc - 1, argv + 1, usage);
  const int code = support::run("position_client", join(name, server));
  return code == 130 ? 0 : code;  // Ctrl-C is a way to leave
}
