// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The limit: an echo server that is nothing but system calls. Level-triggered epoll,
// one thread, one read buffer for all connections, one receive and one send per
// request. Every other server is measured against this one.
//
//     echo_epoll [greedy] [HOST [PORT]]
//
// A greedy one stays with a connection as long as receives fill the buffer. With more
// data under way than the caches hold that is the better limit: going round instead, it
// finds the data of each connection evicted.

#include <string_view>

#include "epoll_server.hpp"
#include "server.hpp"

namespace {

class echo_server : public bench::epoll_server<echo_server> {
 public:
  echo_server(int listener, bool greedy) : epoll_server(listener), greedy_(greedy) {}

  void readable(int fd) {
    for (;;) {
      const std::string_view data = receive(fd);
      if (data.empty() || !send_or_keep(fd, data)) return;
      if (!greedy_ || data.size() < most_at_once) return;
    }
  }

 private:
  bool greedy_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool greedy = bench::take_word(argc, argv, "greedy");
  const bench::address address = bench::start_up(argc, argv);
  static echo_server server(bench::listen_on(address, SOCK_NONBLOCK), greedy);
  server.run();
}
