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
#include <utility>
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
          .arguments = {"echo_asyncio.py", loop, style},
          .packages = uvloop ? "python3-uvloop" : "python3",
          .seen = calls::but_memory};
}

inline contender go(const char* program) {
  return {
      .name = "Go", .program = program, .packages = "golang-go", .seen = calls::traced};
}

inline contender tokio(std::vector<std::string> arguments = {}) {
  return {.name = "Tokio",
          .program = "echo_tokio",
          .arguments = std::move(arguments),
          .packages = "cargo librust-tokio-dev"};
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
      {"libuv", "echo_libuv", {}, "libuv1-dev"},
      go("echo_go"),
      tokio(),
      python("asyncio streams", "asyncio", "streams"),
      python("asyncio protocol", "asyncio", "protocol"),
      python("uvloop streams", "uvloop", "streams"),
      python("uvloop protocol", "uvloop", "protocol"),
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
      {"aio streams", "lines_aio"},
      {"Asio awaitable", "lines_asio_awaitable"},
      go("lines_go"),
      tokio({"lines"}),
      python("asyncio streams", "asyncio", "lines"),
      python("uvloop streams", "uvloop", "lines"),
  };
  return all;
}

/// Those whose memory for idle clients is measured.
inline std::vector<contender> idle_servers() {
  std::vector<contender> all;
  for (const contender& c : echo_servers()) {
    if (!c.for_data) all.push_back(c);
    if (std::string_view(c.name) == "aio streams") {
      all.push_back({"aio next_line", "lines_aio"});
    }
  }
  return all;
}

inline std::span<const contender> tls_servers() {
  static const contender all[] = {
      {"epoll", "tls_epoll"},
      {"aio streams", "tls_aio"},
      {"Asio callbacks", "tls_asio_callbacks"},
      {"Asio awaitable", "tls_asio_awaitable"},
      go("tls_go"),
      python("asyncio streams", "asyncio", "tls"),
      python("uvloop streams", "uvloop", "tls"),
  };
  return all;
}

inline std::span<const contender> udp_servers() {
  static const contender all[] = {{"epoll", "udp_epoll"}, {"aio", "udp_aio"}};
  return all;
}

inline std::span<const contender> proxies() {
  static const contender all[] = {{"epoll", "proxy_epoll"}, {"aio", "proxy_aio"}};
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
