// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Datagrams in one blocking thread: recvfrom, sendto.

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "server.hpp"

int main(int argc, char** argv) {
  const int fd = bench::bind_to(bench::start_up(argc, argv), SOCK_DGRAM);
  static std::array<char, 65536> buffer;
  for (;;) {
    sockaddr_in from;
    socklen_t size = sizeof from;
    const auto peer = reinterpret_cast<sockaddr*>(&from);
    const ssize_t n = recvfrom(fd, buffer.data(), buffer.size(), 0, peer, &size);
    if (n < 0) {
      if (errno == EINTR || errno == ECONNREFUSED) continue;
      bench::die("recvfrom");
    }
    sendto(fd, buffer.data(), static_cast<std::size_t>(n), 0, peer, size);
  }
}
