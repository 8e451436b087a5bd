// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// http_epoll PORT: what is left of a web server if it only counts empty lines and sends
// constant bytes. No server that parses requests can be faster.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

int main(int, char** argv) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 512) != 0) {
    return 1;
  }
  const int set = ::epoll_create1(0);
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.fd = listener;
  ::epoll_ctl(set, EPOLL_CTL_ADD, listener, &interest);
  constexpr std::string_view answer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n"
      "Hello, World!";
  static char room[16384];
  static epoll_event events[128];
  for (;;) {
    const int count = ::epoll_wait(set, events, 128, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (accepted < 0) continue;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        interest.data.fd = accepted;
        ::epoll_ctl(set, EPOLL_CTL_ADD, accepted, &interest);
        continue;
      }
      const ssize_t n = ::recv(fd, room, sizeof room, 0);
      if (n <= 0) {
        ::close(fd);
        continue;
      }
      std::string_view in(room, static_cast<std::size_t>(n));
      std::string out;
      for (std::size_t at = in.find("\r\n\r\n"); at != in.npos;
           at = in.find("\r\n\r\n", at + 4)) {
        out += answer;
      }
      if (::send(fd, out.data(), out.size(), MSG_NOSIGNAL) < 0) ::close(fd);
    }
  }
}
