// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The servers that `bench` measures. The first of each list is the one that the others
/// are compared with.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios.hpp"

namespace bench {

/// How the calls of a program can be counted.
enum class calls {
  visible,     ///< it calls the C library
  but_memory,  ///< the same, but its allocator asks the C library for large pieces only
  traced,      ///< it makes its system calls itself: strace sees them
};

struct contender {
  const char* name;
  const char* program;  ///< beside this one, or with its whole path
  std::vector<std::string> arguments = {};
  const char* packages = nullptr;  ///< of a rival that may be missing
  calls seen = calls::visible;
  bool for_data = false;  ///< only makes a difference with large messages
};

inline contender python(const char* name, const char* loop, const char* style) {
  const bool uvloop = std::string_view(loop) == "uvloop";
  return {.name = name,
          .program = "/usr/bin/python3",
          .arguments = {"servers_asyncio.py", loop, style},
          .packages = uvloop ? "python3-uvloop" : "python3",
          .seen = calls::but_memory};
}

inline contender libuv(const char* program) {
  return {.name = "libuv", .program = program, .packages = "libuv1-dev"};
}

inline contender go(const char* program) {
  return {
      .name = "Go", .program = program, .packages = "golang-go", .seen = calls::traced};
}

inline contender tokio(const char* style) {
  return {.name = "Tokio",
          .program = "servers_tokio",
          .arguments = {style},
          .packages = "cargo librust-tokio-dev"};
}

inline contender tokio_with_tls() {
  return {.name = "Tokio",
          .program = "tls_tokio",
          .packages = "cargo librust-tokio-rustls-dev librust-rustls-pemfile-dev"};
}

inline std::span<const contender> echo_servers() {
  static const contender all[] = {
      {"epoll", "echo_epoll"},
      {.name = "epoll greedy",
       .program = "echo_epoll",
       .arguments = {"greedy"},
       .for_data = true},
      {"threads", "echo_threads"},
      {"aio streams", "echo_aio_streams"},
      {"aio protocol", "echo_aio_protocol"},
      {"Asio callbacks", "echo_asio_callbacks"},
      {"Asio awaitable", "echo_asio_awaitable"},
      {"the same, tuned", "echo_asio_awaitable_tuned"},
      libuv("echo_libuv"),
      go("echo_go"),
      tokio("echo"),
      python("asyncio streams", "asyncio", "echo-streams"),
      python("asyncio protocol", "asyncio", "echo-protocol"),
      python("uvloop streams", "uvloop", "echo-streams"),
      python("uvloop protocol", "uvloop", "echo-protocol"),
  };
  return all;
}

/// Those whose growth with the number of connections is measured.
inline bool is_scaled(const contender& c) {
  const std::string_view name = c.name;
  return name == "epoll" || name == "aio streams" || name == "aio protocol" ||
         name == "Asio awaitable" || name == "Tokio";
}

inline std::span<const contender> line_servers() {
  static const contender all[] = {
      {"epoll", "lines_epoll"},
      {"threads", "lines_threads"},
      {"aio streams", "lines_aio_streams"},
      {"aio protocol", "lines_aio_protocol"},
      {"Asio callbacks", "lines_asio_callbacks"},
      {"Asio awaitable", "lines_asio_awaitable"},
      libuv("lines_libuv"),
      go("lines_go"),
      tokio("lines"),
      python("asyncio streams", "asyncio", "lines-streams"),
      python("asyncio protocol", "asyncio", "lines-protocol"),
      python("uvloop streams", "uvloop", "lines-streams"),
      python("uvloop protocol", "uvloop", "lines-protocol"),
  };
  return all;
}

/// Those whose memory for idle clients is measured.
inline std::vector<contender> idle_servers() {
  std::vector<contender> all;
  for (const contender& c : echo_servers()) {
    if (!c.for_data) all.push_back(c);
    if (std::string_view(c.name) == "aio streams") {
      all.push_back({"aio next_line", "lines_aio_streams"});
    }
  }
  return all;
}

inline std::span<const contender> tls_servers() {
  static const contender all[] = {
      {"epoll", "tls_epoll"},
      {"threads", "tls_threads"},
      {"aio streams", "tls_aio_streams"},
      {"aio protocol", "tls_aio_protocol"},
      {"Asio callbacks", "tls_asio_callbacks"},
      {"Asio awaitable", "tls_asio_awaitable"},
      go("tls_go"),
      tokio_with_tls(),
      python("asyncio streams", "asyncio", "tls-streams"),
      python("asyncio protocol", "asyncio", "tls-protocol"),
      python("uvloop streams", "uvloop", "tls-streams"),
      python("uvloop protocol", "uvloop", "tls-protocol"),
  };
  return all;
}

inline std::span<const contender> udp_servers() {
  static const contender all[] = {
      {"epoll", "udp_epoll"},
      {"threads", "udp_threads"},
      {"aio udp_socket", "udp_aio_socket"},
      {"aio protocol", "udp_aio_protocol"},
      {"Asio callbacks", "udp_asio_callbacks"},
      {"Asio awaitable", "udp_asio_awaitable"},
      libuv("udp_libuv"),
      go("udp_go"),
      tokio("udp"),
      python("asyncio protocol", "asyncio", "udp"),
      python("uvloop protocol", "uvloop", "udp"),
  };
  return all;
}

inline std::span<const contender> proxies() {
  static const contender all[] = {
      {"epoll", "proxy_epoll"},
      {"threads", "proxy_threads"},
      {"aio streams", "proxy_aio_streams"},
      {"aio protocol", "proxy_aio_protocol"},
      {"Asio callbacks", "proxy_asio_callbacks"},
      {"Asio awaitable", "proxy_asio_awaitable"},
      libuv("proxy_libuv"),
      go("proxy_go"),
      tokio("proxy"),
      python("asyncio streams", "asyncio", "proxy-streams"),
      python("asyncio protocol", "asyncio", "proxy-protocol"),
      python("uvloop streams", "uvloop", "proxy-streams"),
      python("uvloop protocol", "uvloop", "proxy-protocol"),
  };
  return all;
}

/// Returns: those that take part in a scenario
inline std::vector<contender> contenders_of(const load_scenario& s) {
  std::span<const contender> all = echo_servers();
  if (s.what == subject::lines) all = line_servers();
  if (s.what == subject::tls) all = tls_servers();
  if (s.what == subject::udp) all = udp_servers();
  if (s.what == subject::proxy) all = proxies();
  std::vector<contender> some;
  for (const contender& c : all) {
    if (!c.for_data || (s.what == subject::echo && s.size >= 4096)) some.push_back(c);
  }
  return some;
}

}  // namespace bench
