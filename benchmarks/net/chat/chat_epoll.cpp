// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The limit of a chat: what comes from one goes to all in his room, with nothing but
// system calls. It looks for what it needs in the texts instead of parsing them, knows
// no bad input, no history, no names in use, and no time, and does not answer the key of
// the handshake.
//
//     chat_epoll [HOST [PORT]]

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../epoll_server.hpp"
#include "frames.hpp"

namespace {

class broadcaster : public bench::epoll_server<broadcaster> {
 public:
  using epoll_server::epoll_server;

  void accepted(int fd) { clients_[fd] = {}; }

  void readable(int fd) {
    const std::string_view data = receive(fd);
    client& from = clients_[fd];
    if (data.empty()) return leave(fd);
    from.unread += data;
    if (!from.is_open) {
      const std::size_t end = from.unread.find("\r\n\r\n");
      if (end == std::string::npos) return;
      from.unread.erase(0, end + 4);
      from.is_open = true;
      send_or_keep(fd,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: upgrade\r\nSec-WebSocket-Accept: none\r\n\r\n");
    }
    std::size_t taken = 0;
    while (const auto one =
               bench::first_frame(std::string_view(from.unread).substr(taken))) {
      if (one->opcode == 1) obey(fd, from, one->payload);
      taken += one->size;
    }
    from.unread.erase(0, taken);
  }

 private:
  struct client {
    std::string unread;
    std::string room;
    std::string name;
    bool is_open = false;
  };

  void obey(int fd, client& from, std::string_view text) {
    std::string frame;
    if (text.find("\"type\":\"join\"") != text.npos) {
      from.room = bench::field(text, "\"room\":\"");
      from.name = bench::field(text, "\"name\":\"");
      rooms_[from.room].push_back(fd);
      bench::append_frame(frame, "{\"type\":\"welcome\"}", false);
      send_or_keep(fd, frame);
      return;
    }
    std::string said = "{\"type\":\"message\",\"id\":\"1700000000000-0\",\"name\":\"";
    said += from.name;
    said += "\",\"text\":\"";
    said += bench::field(text, "\"text\":\"");
    said += "\",\"mark\":\"0123456789abcdef-";
    said += bench::field(text, "\"mark\":\"");
    said += "\"}";
    bench::append_frame(frame, said, false);
    for (const int to : rooms_[from.room]) send_or_keep(to, frame);
  }

  void leave(int fd) {
    std::erase(rooms_[clients_[fd].room], fd);
    clients_.erase(fd);
  }

  std::unordered_map<int, client> clients_;
  std::unordered_map<std::string, std::vector<int>> rooms_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  static broadcaster server(bench::listen_on(address, SOCK_NONBLOCK));
  server.run();
}
