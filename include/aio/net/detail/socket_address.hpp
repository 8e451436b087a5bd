// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// An endpoint as system calls take it.

#pragma once

#include <aio/net/endpoint.hpp>

#include <boost/system/system_error.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace aio::detail {

class socket_address {
 public:
  /// Room for one: a call fills data() and size().
  socket_address() noexcept { data()->sa_family = AF_UNSPEC; }

  /// Throws: boost::system::system_error – a path that is too long
  explicit socket_address(const endpoint& of) {
    if (of.is_unix()) {
      set_path(of.path());
    } else {
      size_ = static_cast<socklen_t>(of.native().size());
      std::memcpy(&room_, of.native().data(), size_);
    }
  }

  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&room_); }
  const sockaddr* data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&room_);
  }
  socklen_t& size() noexcept { return size_; }
  socklen_t size() const noexcept { return size_; }
  int family() const noexcept { return data()->sa_family; }
  bool is_ip() const noexcept { return family() == AF_INET || family() == AF_INET6; }

  /// Empty if it is of another kind.
  aio::endpoint endpoint() const {
    if (is_ip()) {
      boost::asio::ip::tcp::endpoint native;
      native.resize(size_);
      std::memcpy(native.data(), &room_, size_);
      return aio::endpoint(native);
    }
    return family() == AF_UNIX ? aio::endpoint::unix_path(path()) : aio::endpoint();
  }

 private:
  static constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);

  void set_path(const std::string& path) {
    // A path of the file system ends with a null byte, an abstract name does not.
    const bool is_named = !path.empty() && path[0] != '\0';
    if (path.size() + is_named > sizeof(sockaddr_un::sun_path)) {
      throw boost::system::system_error(
          make_error_code(boost::system::errc::filename_too_long),
          "the path of a unix socket: " + path);
    }
    data()->sa_family = AF_UNIX;
    std::memcpy(reinterpret_cast<char*>(&room_) + path_at, path.data(), path.size());
    size_ = static_cast<socklen_t>(path_at + path.size() + is_named);
  }

  std::string path() const {
    if (size_ <= path_at) return {};
    const char* const begin = reinterpret_cast<const char*>(&room_) + path_at;
    const std::size_t length = size_ - path_at;
    return begin[0] == '\0' ? std::string(begin, length)
                            : std::string(begin, ::strnlen(begin, length));
  }

  sockaddr_storage room_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

/// What the socket is bound to; empty if that cannot be told.
inline endpoint local_endpoint(int fd) {
  socket_address name;
  if (::getsockname(fd, name.data(), &name.size()) != 0) return {};
  return name.endpoint();
}

/// What the socket is connected to.
inline endpoint remote_endpoint(int fd) {
  socket_address name;
  if (::getpeername(fd, name.data(), &name.size()) != 0) return {};
  return name.endpoint();
}

}  // namespace aio::detail
