// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Sockets that are bound, and a server on them.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/server_state.hpp>
#include <aio/net/detail/socket_address.hpp>
#include <aio/net/detail/socket_file.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/options.hpp>
#include <aio/net/resolve.hpp>

#include <boost/system/system_error.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace aio::detail {

/// A new socket bound to `where`.
///
/// `type`: SOCK_STREAM, SOCK_DGRAM
/// Throws: boost::system::system_error – names the address
inline descriptor bind_socket(const endpoint& where, int type, bool reuse_address,
                              bool reuse_port) {
  const socket_address address(where);
  descriptor fd = open_socket(address.family(), type);
  if (reuse_address) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  // The same port is bound for IPv4 by a socket of its own.
  if (where.is_v6()) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  if (::bind(fd.get(), address.data(), address.size()) != 0) {
    const auto error = last_error();
    throw_error(error, "cannot bind to " + to_string(where));
  }
  return fd;
}

/// A server that closes again unless it gets as far as serving.
class server_in_the_making {
 public:
  server_in_the_making(event_loop& loop, server_state::acceptor on_accept,
                       const server_options& options)
      : made_(new server_state(loop, std::move(on_accept), options)),
        starts_serving_(options.start_serving) {}
  server_in_the_making(const server_in_the_making&) = delete;
  server_in_the_making& operator=(const server_in_the_making&) = delete;
  ~server_in_the_making() {
    if (made_) made_->close();
  }

  server_state* operator->() const noexcept { return made_.get(); }

  intrusive_ptr<server_state> finish() {
    if (starts_serving_) made_->start_serving();
    return std::exchange(made_, nullptr);
  }

 private:
  intrusive_ptr<server_state> made_;
  bool starts_serving_;
};

/// The addresses of all hosts, each once.
inline coro<std::vector<endpoint>> addresses_to_bind(std::vector<std::string> hosts,
                                                     std::uint16_t port, int family) {
  std::vector<endpoint> all;
  for (std::string& host : hosts) {
    const tcp_endpoints found = co_await resolve(std::move(host), port, true);
    for (const auto& one : found) {
      const endpoint address(one);
      if (family != 0 && one.protocol().family() != family) continue;
      if (std::find(all.begin(), all.end(), address) == all.end()) {
        all.push_back(address);
      }
    }
  }
  co_return all;
}

/// Binds all addresses of `hosts`.
inline coro<intrusive_ptr<server_state>> listen_on(event_loop& loop,
                                                   server_state::acceptor on_accept,
                                                   std::vector<std::string> hosts,
                                                   std::uint16_t port,
                                                   server_options options) {
  // All interfaces, of both families, shall be reached at the same port.
  const bool is_one_port = hosts.size() == 1 && hosts.front().empty();
  const std::vector<endpoint> addresses =
      co_await addresses_to_bind(std::move(hosts), port, options.family);
  server_in_the_making made(loop, std::move(on_accept), options);
  for (endpoint one : addresses) {
    if (is_one_port && port != 0) one = endpoint(one.address(), port);
    // Of several families, those that this machine does not have are left out.
    try {
      made->add_socket(
          bind_socket(one, SOCK_STREAM, options.reuse_address, options.reuse_port));
    } catch (const boost::system::system_error& error) {
      const bool is_missing =
          error.code() == boost::system::errc::address_family_not_supported ||
          error.code() == boost::system::errc::address_not_available;
      if (addresses.size() == 1 || !is_missing) throw;
      continue;
    }
    if (is_one_port) port = made->endpoints().back().port();
  }
  if (made->endpoints().empty()) {
    throw boost::system::system_error(
        make_error_code(boost::system::errc::address_not_available),
        "none of the addresses to listen on can be bound");
  }
  co_return made.finish();
}

/// On a socket of the file system, or an abstract one.
inline coro<intrusive_ptr<server_state>> listen_on_unix(
    event_loop& loop, server_state::acceptor on_accept, std::string path,
    server_options options) {
  server_in_the_making made(loop, std::move(on_accept), options);
  socket_file::remove_stale(path);
  descriptor fd = bind_socket(endpoint::unix_path(path), SOCK_STREAM, false, false);
  made->add_socket(std::move(fd),
                   options.cleanup_socket ? socket_file(path) : socket_file());
  co_return made.finish();
}

/// On a socket that was bound elsewhere; it stays there in case of an error.
inline coro<intrusive_ptr<server_state>> listen_on_socket(
    event_loop& loop, server_state::acceptor on_accept, server_options options) {
  check_stream_socket(options.sock);
  server_in_the_making made(loop, std::move(on_accept), options);
  set_nonblocking(options.sock);
  made->add_foreign_socket(descriptor(options.sock));
  co_return made.finish();
}

}  // namespace aio::detail
