// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The limit for datagrams: epoll, recvfrom until nothing is left, and sendto.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "server.hpp"

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  const int fd = bench::bind_to(address, SOCK_DGRAM | SOCK_NONBLOCK);
  const int set = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &wanted) != 0) bench::die("epoll");
  static std::array<char, 65536> buffer;
  for (;;) {
    epoll_event event;
    if (epoll_wait(set, &event, 1, -1) < 0 && errno != EINTR) bench::die("epoll_wait");
    for (;;) {
      sockaddr_in from;
      socklen_t size = sizeof from;
      const auto peer = reinterpret_cast<sockaddr*>(&from);
      const ssize_t n = recvfrom(fd, buffer.data(), buffer.size(), 0, peer, &size);
      if (n < 0) break;
      sendto(fd, buffer.data(), static_cast<std::size_t>(n), 0, peer, size);
    }
  }
}
