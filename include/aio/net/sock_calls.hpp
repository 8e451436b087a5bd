// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Calls on sockets of the user's own: loop.sock_recv() and its like.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/descriptors.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/wait_ready.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/socket_address.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/getaddrinfo.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

inline void check_socket(event_loop& loop, int fd) {
  if (!loop.get_debug()) return;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
    throw std::invalid_argument("the socket must be non-blocking");
  }
}

/// Makes a system call, again whenever the descriptor is ready, as long as it would
/// block. The frame that was woken makes it, so a cancel that comes between loses
/// nothing.
template <class Call>
coro<std::size_t> call_when_ready(event_loop& loop, int fd, wait_ready::direction to,
                                  const char* doing, Call call) {
  for (;;) {
    const ssize_t result = uninterrupted(call);
    if (result >= 0) co_return static_cast<std::size_t>(result);
    if (!would_block(errno)) throw_last_error(doing);
    co_await wait_ready(loop, fd, to);
  }
}

/// What `receive(room)` yields, at most `most` bytes, as a string.
template <class Receive>
ssize_t receive_string(asio_driver& driver, std::size_t most, std::string& into,
                       Receive receive) {
  constexpr std::size_t largest = 1024 * 1024;
  const std::span<char> scratch = driver.scratch();
  if (most <= scratch.size()) {
    const ssize_t n = receive(scratch.first(most));
    if (n > 0) into.assign(scratch.data(), static_cast<std::size_t>(n));
    return n;
  }
  into.resize(std::min(most, largest));
  const ssize_t n = receive(std::span(into));
  into.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return n;
}

inline ssize_t receive_from(int fd, std::span<char> into, socket_address& from) {
  from = socket_address();
  return ::recvfrom(fd, into.data(), into.size(), MSG_DONTWAIT, from.data(),
                    &from.size());
}

inline coro<std::string> sock_recv(event_loop& loop, int fd, std::size_t most) {
  check_socket(loop, fd);
  std::string bytes;
  auto receive = [&] {
    return receive_string(loop.asio(), most, bytes, [fd](std::span<char> room) {
      return receive_some(fd, room);
    });
  };
  co_await call_when_ready(loop, fd, wait_ready::direction::read, "sock_recv", receive);
  co_return bytes;
}

inline coro<std::size_t> sock_recv_into(event_loop& loop, int fd,
                                        std::span<char> into) {
  check_socket(loop, fd);
  auto receive = [fd, into] { return receive_some(fd, into); };
  auto received =
      call_when_ready(loop, fd, wait_ready::direction::read, "sock_recv_into", receive);
  co_return co_await std::move(received);
}

inline coro<std::pair<std::string, endpoint>> sock_recvfrom(event_loop& loop, int fd,
                                                            std::size_t most) {
  check_socket(loop, fd);
  std::string bytes;
  socket_address from;
  auto receive = [&] {
    return receive_string(loop.asio(), most, bytes, [&](std::span<char> room) {
      return receive_from(fd, room, from);
    });
  };
  co_await call_when_ready(loop, fd, wait_ready::direction::read, "sock_recvfrom",
                           receive);
  co_return std::pair(std::move(bytes), from.endpoint());
}

inline coro<std::pair<std::size_t, endpoint>> sock_recvfrom_into(event_loop& loop,
                                                                 int fd,
                                                                 std::span<char> into) {
  check_socket(loop, fd);
  socket_address from;
  auto receive = [&] { return receive_from(fd, into, from); };
  auto received = call_when_ready(loop, fd, wait_ready::direction::read,
                                  "sock_recvfrom_into", receive);
  const std::size_t size = co_await std::move(received);
  co_return std::pair(size, from.endpoint());
}

inline coro<> sock_sendall(event_loop& loop, int fd, std::string bytes) {
  check_socket(loop, fd);
  std::string_view rest = bytes;
  auto send = [&] { return send_some(fd, rest); };
  while (!rest.empty()) {
    auto sent = call_when_ready(loop, fd, wait_ready::direction::write, "sock_sendall",
                                std::ref(send));
    rest.remove_prefix(co_await std::move(sent));
  }
}

inline coro<std::size_t> sock_sendto(event_loop& loop, int fd, std::string bytes,
                                     endpoint to) {
  check_socket(loop, fd);
  const socket_address address(to);
  auto send = [&] {
    return ::sendto(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                    address.data(), address.size());
  };
  auto sent = call_when_ready(loop, fd, wait_ready::direction::write, "sock_sendto",
                              std::ref(send));
  co_return co_await std::move(sent);
}

inline coro<> sock_connect(event_loop& loop, int fd, endpoint to) {
  check_socket(loop, fd);
  boost::system::error_code error = start_connecting(fd, socket_address(to));
  if (error == boost::system::errc::operation_in_progress) {
    co_await wait_ready(loop, fd, wait_ready::direction::write);
    error = pending_error(fd);
  }
  if (error) throw_error(error, "cannot connect to " + to_string(to));
}

inline int socket_option(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) {
    throw_last_error("getsockopt");
  }
  return value;
}

inline coro<> sock_connect_to_host(event_loop& loop, int fd, address_query query) {
  check_socket(loop, fd);
  query.options.family = socket_option(fd, SO_DOMAIN);
  query.options.type = socket_option(fd, SO_TYPE);
  query.options.proto = socket_option(fd, SO_PROTOCOL);
  auto resolved = find_addresses(loop, std::move(query));
  const std::vector<address_info> found = co_await std::move(resolved);
  if (found.empty()) throw_error(boost::asio::error::host_not_found, "sock_connect");
  co_await sock_connect(loop, fd, found.front().endpoint);
}

inline coro<std::pair<int, endpoint>> sock_accept(event_loop& loop, int fd) {
  check_socket(loop, fd);
  socket_address peer;
  auto accept = [&] {
    peer = socket_address();
    return ssize_t{accept_connection(fd, peer).release()};
  };
  auto accepted = call_when_ready(loop, fd, wait_ready::direction::read, "sock_accept",
                                  std::ref(accept));
  const std::size_t made = co_await std::move(accepted);
  co_return std::pair(static_cast<int>(made), peer.endpoint());
}

/// Bytes of any kind, owned.
template <class Bytes>
std::string own_bytes(Bytes&& bytes) {
  if constexpr (std::constructible_from<std::string, Bytes>) {
    return std::string(std::forward<Bytes>(bytes));
  } else if constexpr (std::convertible_to<Bytes, std::string_view>) {
    return std::string(std::string_view(bytes));
  } else {
    const std::span<const std::byte> some(bytes);
    return std::string(reinterpret_cast<const char*>(some.data()), some.size());
  }
}

/// Room for bytes of any kind.
template <class Buffer>
std::span<char> writable(Buffer& room) {
  if constexpr (std::constructible_from<std::span<char>, Buffer&>) {
    return std::span<char>(room);
  } else {
    const std::span<std::byte> some(room);
    return {reinterpret_cast<char*>(some.data()), some.size()};
  }
}

}  // namespace detail

// A socket is here its descriptor, or an object with native_handle(), such as one of
// Asio. It stays the caller's and must not block (in debug mode that is checked).
// Whoever reads from it takes the place of a callback of add_reader(), likewise for
// writing; two coroutines at a time may read and write, but not both the same.

/// Receives at most `n` bytes; empty at the end.
///
/// Cancellation: nothing is lost: what has come is still there.
/// Throws:       boost::system::system_error – as the system says; usage_error – the
///               socket belongs to a transport, or another coroutine reads from it;
///               std::invalid_argument – it blocks (debug mode); cancelled_error
/// Like:         loop.sock_recv
template <class Socket>
auto event_loop::sock_recv(Socket&& sock, std::size_t n) {
  return detail::sock_recv(*this, detail::native_handle_of(sock), n);
}

/// Receives into `room`, of char or std::byte. Yields how many bytes; 0 at the end.
///
/// Cancellation, Throws: see sock_recv
template <class Socket, class Buffer>
auto event_loop::sock_recv_into(Socket&& sock, Buffer&& room) {
  return detail::sock_recv_into(*this, detail::native_handle_of(sock),
                                detail::writable(room));
}

/// Receives one datagram, cut off after `n` bytes, and who sent it.
///
///     auto [bytes, from] = co_await loop.sock_recvfrom(fd, 2048);
///
/// Cancellation, Throws: see sock_recv
template <class Socket>
auto event_loop::sock_recvfrom(Socket&& sock, std::size_t n) {
  return detail::sock_recvfrom(*this, detail::native_handle_of(sock), n);
}

/// Receives one datagram into `room`, at most `n` bytes of it (0: as many as there is
/// room for). Yields how many bytes, and who sent them.
///
/// Cancellation, Throws: see sock_recv
template <class Socket, class Buffer>
auto event_loop::sock_recvfrom_into(Socket&& sock, Buffer&& room, std::size_t n) {
  const std::span<char> all = detail::writable(room);
  if (n > all.size()) {
    throw std::invalid_argument("sock_recvfrom_into: more bytes than there is room");
  }
  return detail::sock_recvfrom_into(*this, detail::native_handle_of(sock),
                                    n == 0 ? all : all.first(n));
}

/// Sends all of `bytes`, of which it keeps a copy.
///
/// Cancellation: what has been sent by then cannot be told; nor after an error.
/// Throws:       see sock_recv
/// Like:         loop.sock_sendall
template <class Socket, class Bytes>
auto event_loop::sock_sendall(Socket&& sock, Bytes&& bytes) {
  return detail::sock_sendall(*this, detail::native_handle_of(sock),
                              detail::own_bytes(std::forward<Bytes>(bytes)));
}

/// Sends one datagram. Yields how many bytes that were.
///
/// Cancellation: it is not sent.
/// Throws:       see sock_recv
template <class Socket, class Bytes>
auto event_loop::sock_sendto(Socket&& sock, Bytes&& bytes, const endpoint& to) {
  return detail::sock_sendto(*this, detail::native_handle_of(sock),
                             detail::own_bytes(std::forward<Bytes>(bytes)), to);
}

/// Connects a socket.
///
/// Cancellation: stops waiting; close the socket then.
/// Throws:       boost::system::system_error – refused, unreachable; see sock_recv
/// Like:         loop.sock_connect
template <class Socket>
auto event_loop::sock_connect(Socket&& sock, const endpoint& to) {
  return detail::sock_connect(*this, detail::native_handle_of(sock), to);
}

/// The same with the first address of a host for this kind of socket.
///
/// Cancellation, Throws: see above and getaddrinfo
template <class Socket, class Service>
auto event_loop::sock_connect(Socket&& sock, std::string_view host, Service port) {
  return detail::sock_connect_to_host(
      *this, detail::native_handle_of(sock),
      detail::address_query{std::string(host), detail::service_text(port), {}});
}

/// Accepts a connection: a descriptor of the caller's, which does not block, and the
/// other end.
///
///     auto [fd, peer] = co_await loop.sock_accept(listening);
///
/// Cancellation: nothing is accepted.
/// Throws:       see sock_recv
/// Like:         loop.sock_accept
template <class Socket>
auto event_loop::sock_accept(Socket&& sock) {
  return detail::sock_accept(*this, detail::native_handle_of(sock));
}

}  // namespace aio
