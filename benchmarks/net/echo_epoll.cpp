// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The limit: an echo server that is nothing but system calls. Level-triggered epoll,
// one thread, one read buffer for all connections, one receive and one send per
// request. Every other server is measured against this one.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server.hpp"

namespace {

class echo_server {
 public:
  explicit echo_server(int listener) : listener_(listener) {
    if (epoll_ < 0) bench::die("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int n = epoll_wait(epoll_, events.data(), events.size(), -1);
      if (n < 0 && errno != EINTR) bench::die("epoll_wait");
      for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_) {
          accept_all();
        } else if (event.events & EPOLLIN) {
          echo(event.data.fd);
        } else {
          send_rest(event.data.fd);
        }
      }
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) bench::die("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        bench::send_without_delay(fd);
        watch(EPOLL_CTL_ADD, fd, EPOLLIN);
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != ECONNABORTED && errno != EINTR) {
        bench::die("accept4");  // out of descriptors: the measurement is void anyway
      }
    }
  }

  void echo(int fd) {
    const ssize_t n = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (n > 0) {
      send_or_keep(fd, std::string_view(buffer_.data(), static_cast<std::size_t>(n)));
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      close(fd);
    }
  }

  // What the socket does not take is kept, and nothing more is read from this client
  // until it is gone: a client that does not read its replies is held back, and costs
  // at most one buffer. A client that keeps up owns no memory here at all.
  void send_or_keep(int fd, std::string_view data) {
    const std::size_t sent = send_some(fd, data);
    if (sent == failed) {
      close(fd);
    } else if (sent < data.size()) {
      unsent_[fd] = {std::string(data.substr(sent)), 0};
      watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
    }
  }

  void send_rest(int fd) {
    const auto found = unsent_.find(fd);
    if (found == unsent_.end()) {  // an error on a client that owes nothing
      close(fd);
      return;
    }
    auto& [data, at] = found->second;
    const std::size_t sent = send_some(fd, std::string_view(data).substr(at));
    if (sent == failed) {
      unsent_.erase(found);
      close(fd);
      return;
    }
    at += sent;
    if (at < data.size()) return;
    unsent_.erase(found);
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  static std::size_t send_some(int fd, std::string_view data) {
    const ssize_t n = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (n >= 0) return static_cast<std::size_t>(n);
    return errno == EAGAIN || errno == EINTR ? 0 : failed;
  }

  struct rest {
    std::string data;
    std::size_t at;
  };

  static constexpr std::size_t failed = static_cast<std::size_t>(-1);

  int listener_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::array<char, 65536> buffer_;
  std::unordered_map<int, rest> unsent_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  static echo_server server(bench::listen_on(address, SOCK_NONBLOCK));
  server.run();
}
