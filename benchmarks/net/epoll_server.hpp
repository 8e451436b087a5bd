// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the servers on plain epoll have in common. They are the limits that the others
/// are compared with: nothing but system calls.

#pragma once

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

namespace bench {

/// One thread, level-triggered epoll, all connections accepted at once.
///
/// `Server` derives from it and has accepted(fd), readable(fd) and writable(fd).
template <class Server>
class epoll_loop {
 public:
  explicit epoll_loop(int listener) : listener_(listener) {
    if (epoll_ < 0) die("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int n = epoll_wait(epoll_, events.data(), events.size(), -1);
      if (n < 0 && errno != EINTR) die("epoll_wait");
      for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_) {
          accept_all();
        } else if (event.events & EPOLLIN) {
          self().readable(event.data.fd);
        } else {
          self().writable(event.data.fd);
        }
      }
    }
  }

 protected:
  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) die("epoll_ctl");
  }

 private:
  Server& self() { return static_cast<Server&>(*this); }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        send_without_delay(fd);
        watch(EPOLL_CTL_ADD, fd, EPOLLIN);
        self().accepted(fd);
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != ECONNABORTED && errno != EINTR) {
        die("accept4");  // out of descriptors: the measurement is void anyway
      }
    }
  }

  int listener_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
};

/// One that answers on plain sockets, with one read buffer for all connections.
///
/// What a socket does not take is kept, and nothing more is read from this client until
/// it is gone: a client that does not read its replies is held back, and costs at most
/// one buffer. A client that keeps up owns no memory here at all.
template <class Server>
class epoll_server : public epoll_loop<Server> {
 public:
  using epoll_loop<Server>::epoll_loop;

  void accepted(int) {}

  void writable(int fd) {
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
    this->watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

 protected:
  /// Returns: what there was to read; nothing when there was none, or the client has
  ///          gone and its descriptor is closed
  std::string_view receive(int fd) {
    const ssize_t n = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (n > 0) return {buffer_.data(), static_cast<std::size_t>(n)};
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) close(fd);
    return {};
  }

  /// Returns: whether all of it went; if not, do not read from this client now
  bool send_or_keep(int fd, std::string_view data) {
    const std::size_t sent = send_some(fd, data);
    if (sent == data.size()) return true;
    if (sent == failed) {
      close(fd);
    } else {
      unsent_[fd] = {std::string(data.substr(sent)), 0};
      this->watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
    }
    return false;
  }

  static constexpr std::size_t most_at_once = 65536;

 private:
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

  std::array<char, most_at_once> buffer_;
  std::unordered_map<int, rest> unsent_;
};

}  // namespace bench
