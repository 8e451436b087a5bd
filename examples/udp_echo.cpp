// udp_echo: sends every datagram back to where it came from.
//
//   $ udp_echo [HOST] [PORT]
//   Serving on 127.0.0.1:8888        (until Ctrl-C)
//
//   $ socat - UDP:127.0.0.1:8888
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "support/program.hpp"

aio::coro<> echo(aio::udp_socket socket) {
  for (;;) {
    const aio::datagram got = co_await socket.recv_from();
    co_await socket.send_to(got.data, got.from);
  }
}

aio::coro<int> serve(support::address at) {
  const aio::udp_socket socket = co_await aio::udp_socket::bind(at.host, at.port);
  auto signal = aio::wait_signal(SIGINT, SIGTERM);
  fmt::print("Serving on {}\n", socket.sockname());
  std::fflush(stdout);
  auto echoing = aio::create_task(echo, socket);
  co_await std::move(signal);
  co_return 0;
}

int main(int argc, char** argv) {
  return support::run("udp_echo", serve(support::parse_address(argc, argv)));
}
