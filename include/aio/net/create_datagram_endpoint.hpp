// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Endpoints for datagrams.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/create_connection.hpp>
#include <aio/net/datagram_protocol.hpp>
#include <aio/net/detail/datagram_socket.hpp>
#include <aio/net/detail/listen.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/socket_address.hpp>
#include <aio/net/detail/socket_file.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/options.hpp>
#include <aio/net/resolve.hpp>

#include <boost/system/system_error.hpp>

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace aio {

/// Options are named in this order: `{.local_addr = {"0.0.0.0", 9999}}`.
///
/// Like: the keyword arguments of loop.create_datagram_endpoint
struct datagram_options {
  /// Where to receive; an empty host: on all IPv4 interfaces.
  host_and_port local_addr = {};
  /// The only peer.
  host_and_port remote_addr = {};
  /// AF_INET or AF_INET6: only such addresses. 0: both. AF_UNIX: the hosts are paths.
  int family = 0;
  /// Several sockets may be bound to the address.
  bool reuse_port = false;
  /// Datagrams to everybody in a network may be sent.
  bool allow_broadcast = false;
  /// A socket for datagrams, which is taken over; there are then no other options.
  int sock = -1;
};

namespace detail {

/// The options, with what they refer to.
struct datagram_plan {
  explicit datagram_plan(const datagram_options& from) : options(from) {
    if (from.sock >= 0) {
      const bool is_alone = !from.local_addr.has_value() &&
                            !from.remote_addr.has_value() && from.family == 0 &&
                            !from.reuse_port && !from.allow_broadcast;
      if (!is_alone) {
        throw std::invalid_argument(
            "create_datagram_endpoint: the option sock goes with no other");
      }
    } else if (!from.local_addr.has_value() && !from.remote_addr.has_value() &&
               from.family == 0) {
      throw std::invalid_argument(
          "create_datagram_endpoint: one of local_addr, remote_addr, family and sock "
          "is needed");
    }
    if (from.local_addr.has_value()) local_host = from.local_addr.host();
    if (from.remote_addr.has_value()) remote_host = from.remote_addr.host();
  }

  datagram_options options;
  std::optional<std::string> local_host;
  std::optional<std::string> remote_host;
};

struct datagram_ends {
  std::optional<endpoint> local;
  std::optional<endpoint> remote;
  int family = 0;
};

inline coro<std::vector<endpoint>> datagram_addresses(std::optional<std::string> host,
                                                      std::uint16_t port, int family) {
  std::vector<endpoint> all;
  if (!host) co_return all;
  if (family == AF_UNIX) {
    all.push_back(endpoint::unix_path(*std::move(host)));
    co_return all;
  }
  if (host->empty()) *host = family == AF_INET6 ? "::" : "0.0.0.0";
  const tcp_endpoints found = co_await resolve(*std::move(host), port, true);
  for (const auto& one : found) {
    if (family == 0 || one.protocol().family() == family) all.emplace_back(one);
  }
  co_return all;
}

/// All ways to go, each within one family.
inline std::vector<datagram_ends> datagram_choices(
    const datagram_plan& plan, const std::vector<endpoint>& locals,
    const std::vector<endpoint>& remotes) {
  std::vector<datagram_ends> all;
  const auto family_of = [](const endpoint& e) { return socket_address(e).family(); };
  if (!plan.local_host && !plan.remote_host) {
    all.push_back({{}, {}, plan.options.family});
  } else if (!plan.local_host) {
    for (const auto& remote : remotes) all.push_back({{}, remote, family_of(remote)});
  } else if (!plan.remote_host) {
    for (const auto& local : locals) all.push_back({local, {}, family_of(local)});
  } else {
    for (const auto& local : locals) {
      for (const auto& remote : remotes) {
        if (family_of(local) == family_of(remote)) {
          all.push_back({local, remote, family_of(local)});
        }
      }
    }
  }
  if (all.empty()) {
    throw std::invalid_argument(
        "create_datagram_endpoint: local_addr and remote_addr have no address family "
        "in common");
  }
  return all;
}

inline descriptor open_datagram_socket(const datagram_ends& ends,
                                       const datagram_options& options) {
  if (ends.local && ends.local->is_unix())
    socket_file::remove_stale(ends.local->path());
  descriptor fd = ends.local
                      ? bind_socket(*ends.local, SOCK_DGRAM, false, options.reuse_port)
                      : open_socket(ends.family, SOCK_DGRAM);
  if (options.allow_broadcast) {
    set_option(fd.get(), SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST");
  }
  // Answers to a broadcast come from others than it was sent to.
  if (ends.remote && !options.allow_broadcast) {
    const auto error = start_connecting(fd.get(), socket_address(*ends.remote));
    if (error) throw_error(error, "cannot connect to " + to_string(*ends.remote));
  }
  return fd;
}

struct opened_datagrams {
  descriptor fd;
  std::optional<endpoint> peer;
  bool is_connected = false;
};

inline opened_datagrams take_datagram_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    throw_last_error("the socket that was given");
  }
  if (type != SOCK_DGRAM) {
    throw std::invalid_argument("a socket for datagrams is needed");
  }
  set_nonblocking(fd);
  opened_datagrams made;
  made.fd = descriptor(fd);
  const endpoint peer = remote_endpoint(fd);
  made.is_connected = !peer.empty();
  if (made.is_connected) made.peer = peer;
  return made;
}

/// The first way that works; else the first error.
inline opened_datagrams open_one_of(const std::vector<datagram_ends>& choices,
                                    const datagram_options& options) {
  std::exception_ptr first_error;
  for (const auto& one : choices) {
    try {
      opened_datagrams made;
      made.fd = open_datagram_socket(one, options);
      made.peer = one.remote;
      made.is_connected = one.remote.has_value() && !options.allow_broadcast;
      return made;
    } catch (const boost::system::system_error&) {
      if (!first_error) first_error = std::current_exception();
    }
  }
  std::rethrow_exception(first_error);
}

inline coro<opened_datagrams> open_datagrams(datagram_plan plan) {
  const datagram_options& options = plan.options;
  if (options.sock >= 0) co_return take_datagram_socket(options.sock);
  const auto locals = co_await datagram_addresses(
      plan.local_host, options.local_addr.port(), options.family);
  const auto remotes = co_await datagram_addresses(
      plan.remote_host, options.remote_addr.port(), options.family);
  co_return open_one_of(datagram_choices(plan, locals, remotes), options);
}

template <class Factory>
auto make_datagram_endpoint(event_loop& loop, Factory factory, datagram_plan plan)
    -> coro<std::pair<datagram_transport, decltype(make_protocol(factory))>> {
  opened_datagrams opened = co_await open_datagrams(std::move(plan));
  auto protocol = make_protocol(factory);
  const intrusive_ptr<datagram_socket> made(new datagram_socket(
      loop, std::move(opened.fd), std::move(opened.peer), opened.is_connected));
  made->start(protocol);
  co_return std::pair(datagram_transport(made), std::move(protocol));
}

}  // namespace detail

/// Opens a socket for datagrams, and hands it to `factory()`, which returns a
/// std::unique_ptr or std::shared_ptr to an aio::datagram_protocol.
///
///     auto [transport, protocol] = co_await loop.create_datagram_endpoint(
///         factory, {.local_addr = {"127.0.0.1", 9999}});
///
/// With a remote address only that peer can send, unless broadcasts are allowed. With
/// AF_UNIX a socket that somebody left at the local path is removed first.
///
/// Returns:      the transport and a shared pointer to the protocol
/// Cancellation: gives up; the factory is not called.
/// Throws:       std::invalid_argument – options that do not go together;
///               boost::system::system_error – the address is in use, a host unknown;
///               cancelled_error
/// Like:         loop.create_datagram_endpoint
template <class Factory, class Options>
auto event_loop::create_datagram_endpoint(Factory factory, Options options) {
  return detail::make_datagram_endpoint(*this, std::move(factory),
                                        detail::datagram_plan(options));
}

}  // namespace aio
