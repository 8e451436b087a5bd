// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The limit for lines: plain epoll that finds each line in what it received, answers
// it, and sends the answers of one receive together.

#include <cstddef>
#include <string>
#include <vector>

#include "epoll_server.hpp"
#include "lines.hpp"
#include "server.hpp"

namespace {

class line_server : public bench::epoll_server<line_server> {
 public:
  using epoll_server::epoll_server;

  void accepted(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= begun_.size()) begun_.resize(index + 1);
    begun_[index].clear();
  }

  void readable(int fd) {
    std::string& begun = begun_[static_cast<std::size_t>(fd)];
    answers_.clear();
    bench::answer_lines(begun, receive(fd), answers_);
    if (!answers_.empty()) send_or_keep(fd, answers_);
  }

 private:
  std::vector<std::string> begun_;  // by descriptor: a line that has no end yet
  std::string answers_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  static line_server server(bench::listen_on(address, SOCK_NONBLOCK));
  server.run();
}
