// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The limit for a proxy: level-triggered epoll and nothing but system calls. What one
// side does not take is kept, and the other side is not read until it is gone.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server.hpp"

namespace {

struct side {
  int fd = -1;
  side* other = nullptr;
  std::string unsent;  // to us
  std::uint32_t events = EPOLLIN;
  bool has_ended = false;  // the end of file from here was passed on
};

class proxy {
 public:
  proxy(int listener, const bench::address& target)
      : listener_(listener), target_(bench::to_native(target)) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) != 0) {
      bench::die("epoll");
    }
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int n = epoll_wait(epoll_, events.data(), events.size(), -1);
      if (n < 0 && errno != EINTR) bench::die("epoll_wait");
      for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
          accept_all();
        } else {
          serve(*static_cast<side*>(event.data.ptr), event.events);
        }
      }
    }
  }

 private:
  void watch(int operation, side& of, std::uint32_t wanted) {
    if (operation == EPOLL_CTL_MOD && of.events == wanted) return;
    epoll_event event{};
    event.events = of.events = wanted;
    event.data.ptr = &of;
    if (epoll_ctl(epoll_, operation, of.fd, &event) != 0) bench::die("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (up < 0) bench::die("socket");
      // Over the loopback network this does not wait.
      if (connect(up, reinterpret_cast<const sockaddr*>(&target_), sizeof target_) !=
          0) {
        bench::die("connect");
      }
      bench::send_without_delay(fd);
      bench::send_without_delay(up);
      side* const both = new side[2];
      both[0].fd = fd;
      both[1].fd = up;
      both[0].other = &both[1];
      both[1].other = &both[0];
      watch(EPOLL_CTL_ADD, both[0], EPOLLIN);
      watch(EPOLL_CTL_ADD, both[1], EPOLLIN);
    }
  }

  void serve(side& from, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !send_rest(from)) return end(from);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !pass_on(from)) end(from);
  }

  bool pass_on(side& from) {
    side& to = *from.other;
    if (!to.unsent.empty()) return true;
    const ssize_t n = recv(from.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) {
      if (from.has_ended) return true;
      from.has_ended = true;
      if (to.has_ended) return false;
      shutdown(to.fd, SHUT_WR);
      watch(EPOLL_CTL_MOD, from, from.events & ~std::uint32_t{EPOLLIN});
      return true;
    }
    const std::string_view data(buffer_.data(), static_cast<std::size_t>(n));
    const ssize_t sent = send(to.fd, data.data(), data.size(), MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    const std::size_t gone = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (gone == data.size()) return true;
    to.unsent = data.substr(gone);
    watch(EPOLL_CTL_MOD, to, to.events | EPOLLOUT);
    watch(EPOLL_CTL_MOD, from, from.events & ~std::uint32_t{EPOLLIN});
    return true;
  }

  bool send_rest(side& to) {
    const ssize_t n = send(to.fd, to.unsent.data(), to.unsent.size(), MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    to.unsent.erase(0, static_cast<std::size_t>(n));
    if (!to.unsent.empty()) return true;
    watch(EPOLL_CTL_MOD, to, to.events & ~std::uint32_t{EPOLLOUT});
    side& from = *to.other;
    if (!from.has_ended) watch(EPOLL_CTL_MOD, from, from.events | EPOLLIN);
    return true;
  }

  // Both objects stay: an event for the other side may be under way.
  static void end(side& of) {
    close(of.fd);
    close(of.other->fd);
  }

  int listener_;
  sockaddr_in target_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::array<char, 65536> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto [address, target] = bench::start_up_proxy(argc, argv);
  static proxy made(bench::listen_on(address, SOCK_NONBLOCK), target);
  made.run();
}
