// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the servers with threads have in common: what one writes without an event loop.
/// Blocking receives, blocking sends, and kernel threads for each client.

#pragma once

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "server.hpp"

namespace bench {

/// The same size as in the other servers. It is address space: only the pages that are
/// received into become memory.
inline constexpr std::size_t blocking_buffer = 65536;

/// Returns: what has come; nothing at the end
inline std::string_view receive_some(int fd, char* buffer) {
  for (;;) {
    const ssize_t n = recv(fd, buffer, blocking_buffer, 0);
    if (n >= 0) return {buffer, static_cast<std::size_t>(n)};
    if (errno != EINTR) return {};
  }
}

/// Returns: false when the other end has gone
inline bool send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// Why not std::thread: its stack is 8 MiB. The smallest that holds the buffer makes
/// these servers as good as they can be at a thousand connections.
///
/// Returns: whether there is such a thread now
inline bool start_thread(pthread_t& thread, void* (*body)(void*), void* argument) {
  static const pthread_attr_t small = [] {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, blocking_buffer + 64 * 1024);
    return attributes;
  }();
  const int error = pthread_create(&thread, &small, body, argument);
  if (error == 0) return true;
  std::fprintf(stderr, "no more threads: %s\n", std::strerror(error));
  return false;
}

/// Calls `serve(fd)` for each connection in a thread of its own, then closes it.
template <void (*serve)(int fd)>
[[noreturn]] void serve_in_threads(int listener) {
  const auto body = [](void* argument) -> void* {
    const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
    serve(fd);
    close(fd);
    return nullptr;
  };
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      die("accept4");
    }
    send_without_delay(fd);
    pthread_t thread;
    void* argument = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
    if (start_thread(thread, body, argument)) {
      pthread_detach(thread);
    } else {
      close(fd);
    }
  }
}

}  // namespace bench
