// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A TCP peer without a loop, which does what no well-behaved program would.

#pragma once

#include <support/catch.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// A blocking IPv4 socket on the loopback interface. The kernel answers for a listening
/// server, so connecting and sending work while its loop is busy with the test.
class raw_socket {
 public:
  explicit raw_socket(int fd) noexcept : fd_(fd) {}
  raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  raw_socket& operator=(raw_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~raw_socket() { close(); }

  /// Large enough buffers that `send` of a few hundred kilobytes does not wait.
  static raw_socket connected_to(std::uint16_t port) {
    raw_socket made = opened();
    const int room = 4 * 1024 * 1024;
    ::setsockopt(made.fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    made.connect(port);
    return made;
  }

  /// Takes little: what is sent to it soon stays at the sender.
  static raw_socket narrow_connected_to(std::uint16_t port) {
    raw_socket made = opened();
    const int room = 4 * 1024;
    ::setsockopt(made.fd(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    made.connect(port);
    return made;
  }

  /// Listens, and accepts nothing unless it is asked to.
  static raw_socket listening(int backlog = 16) {
    raw_socket made = opened();
    const sockaddr_in any = address(0);
    REQUIRE(::bind(made.fd(), reinterpret_cast<const sockaddr*>(&any), sizeof any) ==
            0);
    REQUIRE(::listen(made.fd(), backlog) == 0);
    return made;
  }

  static raw_socket opened() {
    raw_socket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(made.fd() >= 0);
    return made;
  }

  void connect(std::uint16_t port) const {
    const sockaddr_in to = address(port);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  }

  /// As connect(), but does not wait for an answer.
  void begin_to_connect(std::uint16_t port) const {
    REQUIRE(::fcntl(fd_, F_SETFL, O_NONBLOCK) == 0);
    const sockaddr_in to = address(port);
    static_cast<void>(
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  }

  raw_socket accept() const {
    raw_socket made(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(made.fd() >= 0);
    return made;
  }

  std::uint16_t port() const {
    sockaddr_in name{};
    socklen_t size = sizeof name;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) == 0);
    return ntohs(name.sin_port);
  }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      REQUIRE(n > 0);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// What has arrived; sets is_at_end().
  std::string receive_now() {
    std::string all;
    char some[16 * 1024];
    for (;;) {
      const ssize_t n = ::recv(fd_, some, sizeof some, MSG_DONTWAIT);
      if (n <= 0) {
        at_end_ = n == 0;
        error_ = n < 0 ? errno : 0;
        return all;
      }
      all.append(some, static_cast<std::size_t>(n));
    }
  }

  /// Waits for the next bytes; empty at the end or after an error.
  std::string receive() {
    char some[16 * 1024];
    const ssize_t n = ::recv(fd_, some, sizeof some, 0);
    at_end_ = n == 0;
    error_ = n < 0 ? errno : 0;
    return n > 0 ? std::string(some, static_cast<std::size_t>(n)) : std::string();
  }

  /// All until the end; waits for it.
  std::string receive_all() {
    std::string all;
    for (;;) {
      const std::string some = receive();
      if (some.empty()) return all;
      all += some;
    }
  }

  bool is_at_end() const noexcept { return at_end_; }
  int error() const noexcept { return error_; }

  void shut_down_sending() const { REQUIRE(::shutdown(fd_, SHUT_WR) == 0); }

  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  /// Vanishes: the other end gets a reset instead of an end of file.
  void reset() {
    const linger at_once{1, 0};
    REQUIRE(::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    close();
  }

  int fd() const noexcept { return fd_; }

 private:
  static sockaddr_in address(std::uint16_t port) noexcept {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made.sin_port = htons(port);
    return made;
  }

  int fd_ = -1;
  bool at_end_ = false;
  int error_ = 0;
};

/// Listens, but its queue of connections is full: who connects gets no answer.
struct silent_listener {
  silent_listener() {
    for (int i = 0; i < 8; ++i) {
      waiting.push_back(raw_socket::opened());
      waiting.back().begin_to_connect(listener.port());
    }
  }

  raw_socket listener = raw_socket::listening(0);
  std::vector<raw_socket> waiting;
};

}  // namespace test
