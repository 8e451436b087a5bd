// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The system calls that Asio does not make, or not as we need them: all descriptors
/// are non-blocking and close-on-exec, no call raises SIGPIPE.

#pragma once

#include <aio/net/detail/socket_address.hpp>
#include <aio/net/detail/write_buffer.hpp>

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

inline boost::system::error_code last_error() noexcept {
  return {errno, boost::system::system_category()};
}

inline bool would_block(int error) noexcept {
  return error == EAGAIN || error == EWOULDBLOCK;
}

[[noreturn]] inline void throw_error(boost::system::error_code error,
                                     const std::string& doing) {
  // Without the place in Asio that it remembers: users look for theirs.
  throw boost::system::system_error({error.value(), error.category()}, doing);
}
[[noreturn]] inline void throw_last_error(const char* doing) {
  throw_error(last_error(), doing);
}

/// Owns a descriptor.
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// `type`: SOCK_STREAM, SOCK_DGRAM
inline descriptor open_socket(int family, int type, int proto = 0) {
  descriptor made(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, proto));
  if (!made) throw_last_error("socket");
  return made;
}

/// Empty, with errno set, if there is nothing to accept.
inline descriptor accept_connection(int listening, socket_address& peer) noexcept {
  return descriptor(
      ::accept4(listening, peer.data(), &peer.size(), SOCK_NONBLOCK | SOCK_CLOEXEC));
}

inline void set_option(int fd, int level, int name, int value, const char* doing) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) throw_last_error(doing);
}

/// Small answers must not wait for an acknowledgement; asyncio sets it as well.
inline void set_no_delay(int fd) noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// operation_in_progress: the socket becomes writable when it is decided.
inline boost::system::error_code start_connecting(int fd,
                                                  const socket_address& peer) noexcept {
  // Interrupted by a signal it goes on all the same.
  if (::connect(fd, peer.data(), peer.size()) == 0) return {};
  if (errno == EINTR) return {EINPROGRESS, boost::system::system_category()};
  return last_error();
}

/// What went wrong on the socket since it was last asked.
inline boost::system::error_code pending_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return last_error();
  return {error, boost::system::system_category()};
}

inline void set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    throw_last_error("O_NONBLOCK");
  }
}

/// For sockets that come from elsewhere.
///
/// Throws: std::invalid_argument – of another kind; boost::system::system_error – none
inline void check_stream_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    throw_last_error("the socket that was given");
  }
  if (type != SOCK_STREAM) {
    throw std::invalid_argument("a stream socket is needed, this is of another kind");
  }
}

/// Makes a system call again as long as signals interrupt it.
template <class Call>
ssize_t uninterrupted(Call call) noexcept {
  ssize_t result = 0;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

inline ssize_t receive_some(int fd, std::span<char> into) noexcept {
  return uninterrupted(
      [&] { return ::recv(fd, into.data(), into.size(), MSG_DONTWAIT); });
}

inline ssize_t send_some(int fd, std::string_view bytes) noexcept {
  return uninterrupted([&] {
    return ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
}

/// Several pieces, as calls that gather take them: not more than one call takes.
class gathered {
 public:
  /// The front of a queue.
  explicit gathered(const write_buffer& queue) noexcept {
    queue.for_each_chunk(vectors_.size(), [&](std::string_view chunk) { add(chunk); });
  }
  /// The front of a list.
  explicit gathered(std::span<const std::string_view> list) noexcept {
    for (const std::string_view one : list.first(std::min(list.size(), most))) add(one);
  }

  iovec* data() noexcept { return vectors_.data(); }
  std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t most = 64;

  void add(std::string_view bytes) noexcept {
    vectors_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }

  std::array<iovec, most> vectors_;
  std::size_t count_ = 0;
};

/// As much of it as the kernel takes in one call.
inline ssize_t send_some(int fd, gathered& pieces) noexcept {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  return uninterrupted(
      [&] { return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
}

}  // namespace aio::detail
