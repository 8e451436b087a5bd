// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Names to addresses and back.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/resolver_pool.hpp>
#include <aio/net/detail/socket_address.hpp>
#include <aio/net/endpoint.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio {

/// What to look for, as AF_INET6, SOCK_STREAM, IPPROTO_TCP, AI_CANONNAME say it; 0: all.
struct getaddrinfo_options {
  int family = 0;
  int type = 0;
  int proto = 0;
  int flags = 0;
};

/// How to reach a host: what a socket is made with, and where it is to connect.
struct address_info {
  int family = 0;
  int type = 0;
  int proto = 0;
  std::string canonname;  ///< of the first result only, and if AI_CANONNAME asks for it
  aio::endpoint endpoint;
};

namespace detail {

struct address_query {
  std::string host;
  std::string service;
  getaddrinfo_options options;
};

inline std::string service_text(std::string_view name) { return std::string(name); }
inline std::string service_text(std::integral auto port) {
  return std::to_string(port);
}

inline boost::system::error_code lookup_error(int status) noexcept {
  namespace error = boost::asio::error;
  switch (status) {
    case EAI_SYSTEM:
      return {errno, boost::system::system_category()};
    case EAI_AGAIN:
      return error::host_not_found_try_again;
    case EAI_FAIL:
      return error::no_recovery;
    case EAI_MEMORY:
      return error::no_memory;
    case EAI_FAMILY:
      return error::address_family_not_supported;
    case EAI_SERVICE:
      return error::service_not_found;
    case EAI_SOCKTYPE:
      return error::socket_type_not_supported;
    case EAI_BADFLAGS:
      return error::invalid_argument;
    default:
      return error::host_not_found;
  }
}

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

inline std::string describe(const address_query& query) {
  std::string text = "the host '" + query.host + "'";
  if (!query.service.empty() && !is_digit(query.service.front())) {
    text += " with the service '" + query.service + "'";
  }
  return text;
}

/// The blocking call.
inline std::vector<address_info> look_up(const address_query& query) {
  addrinfo hints{};
  hints.ai_family = query.options.family;
  hints.ai_socktype = query.options.type;
  hints.ai_protocol = query.options.proto;
  hints.ai_flags = query.options.flags;
  addrinfo* first = nullptr;
  const int status = ::getaddrinfo(
      query.host.empty() ? nullptr : query.host.c_str(),
      query.service.empty() ? nullptr : query.service.c_str(), &hints, &first);
  if (status != 0) {
    throw boost::system::system_error(lookup_error(status),
                                      "cannot resolve " + describe(query));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(first,
                                                                   &::freeaddrinfo);
  std::vector<address_info> found;
  for (const addrinfo* one = first; one != nullptr; one = one->ai_next) {
    socket_address address;
    if (one->ai_addrlen > address.size()) continue;
    std::memcpy(address.data(), one->ai_addr, one->ai_addrlen);
    address.size() = one->ai_addrlen;
    found.push_back({one->ai_family, one->ai_socktype, one->ai_protocol,
                     one->ai_canonname != nullptr ? one->ai_canonname : "",
                     address.endpoint()});
  }
  return found;
}

/// Whether the answer is known without asking anybody.
inline bool is_numeric(const address_query& query) {
  std::array<char, sizeof(in6_addr)> unused;
  const std::string bare = query.host.substr(0, query.host.find('%'));
  return (bare.empty() || ::inet_pton(AF_INET, bare.c_str(), unused.data()) == 1 ||
          ::inet_pton(AF_INET6, bare.c_str(), unused.data()) == 1) &&
         std::all_of(query.service.begin(), query.service.end(), is_digit);
}

/// Runs a look-up in a thread of the loop's resolver pool.
template <class F>
coro<std::invoke_result_t<F>> look_up_aside(event_loop& loop, std::string what,
                                            F look) {
  const time_point begun = clock::now();
  auto found = co_await loop.use_service<resolver_pool>().run(std::move(look));
  const duration took = clock::now() - begun;
  if (loop.get_debug() && took >= loop.core().slow_callback_duration) {
    using milliseconds = std::chrono::duration<double, std::milli>;
    loop.call_exception_handler(
        {fmt::format("looking up {} took {:.1f} ms", what, milliseconds(took).count()),
         nullptr,
         {}});
  }
  co_return found;
}

inline coro<std::vector<address_info>> find_addresses(event_loop& loop,
                                                      address_query query) {
  if (is_numeric(query)) {
    query.options.flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    co_return look_up(query);
  }
  std::string what = describe(query);
  auto look = [asked = std::move(query)] { return look_up(asked); };
  auto found = look_up_aside(loop, std::move(what), std::move(look));
  co_return co_await std::move(found);
}

using host_and_service = std::pair<std::string, std::string>;

/// The blocking call.
inline host_and_service look_up_name(const endpoint& of, int flags) {
  const socket_address address(of);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  const int status = ::getnameinfo(address.data(), address.size(), host.data(),
                                   static_cast<socklen_t>(host.size()), service.data(),
                                   static_cast<socklen_t>(service.size()), flags);
  if (status != 0) {
    throw boost::system::system_error(lookup_error(status),
                                      "cannot find a name for " + to_string(of));
  }
  return {host.data(), service.data()};
}

inline coro<host_and_service> find_name(event_loop& loop, endpoint of, int flags) {
  if ((flags & NI_NUMERICHOST) != 0 && (flags & NI_NUMERICSERV) != 0) {
    co_return look_up_name(of, flags);
  }
  std::string what = "a name for " + to_string(of);
  auto look = [asked = std::move(of), flags] { return look_up_name(asked, flags); };
  auto found = look_up_aside(loop, std::move(what), std::move(look));
  co_return co_await std::move(found);
}

}  // namespace detail

/// Looks up the addresses of `host` (empty: this machine) for a `service`: a port, the
/// name of a service, or empty.
///
///     auto all = co_await loop.getaddrinfo("localhost", 80, {.type = SOCK_STREAM});
///     for (const aio::address_info& one : all) fmt::print("{}\n", one.endpoint);
///
/// A name is looked up in a thread of a pool of its own, so that one that hangs keeps
/// nobody else waiting, nor the end of the loop.
///
/// Returns:      the addresses, in the order in which they should be tried
/// Cancellation: stops waiting; what is found later is dropped.
/// Throws:       boost::system::system_error – not found; cancelled_error
/// Like:         loop.getaddrinfo
template <class Service, class Options>
auto event_loop::getaddrinfo(std::string_view host, Service service, Options options) {
  return detail::find_addresses(
      *this,
      detail::address_query{std::string(host), detail::service_text(service), options});
}

/// Looks up the names of an address and a port. `flags` as NI_NUMERICHOST.
///
///     auto [host, service] = co_await loop.getnameinfo(writer.peername());
///
/// Cancellation: see getaddrinfo
/// Throws:       boost::system::system_error – not found; cancelled_error
/// Like:         loop.getnameinfo
inline coro<std::pair<std::string, std::string>> event_loop::getnameinfo(
    const endpoint& of, int flags) {
  return detail::find_name(*this, of, flags);
}

/// The same on the running loop. See event_loop::getaddrinfo.
template <class Service>
coro<std::vector<address_info>> getaddrinfo(std::string_view host, Service service,
                                            getaddrinfo_options options = {}) {
  return get_running_loop().getaddrinfo(host, service, options);
}

/// The same on the running loop. See event_loop::getnameinfo.
inline coro<std::pair<std::string, std::string>> getnameinfo(const endpoint& of,
                                                             int flags = 0) {
  return get_running_loop().getnameinfo(of, flags);
}

}  // namespace aio
