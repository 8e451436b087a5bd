// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Thread-per-connection: what one writes without an event loop. Blocking receive,
// blocking send, one kernel thread for each client.

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "server.hpp"

namespace {

bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

void* echo(void* argument) {
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
  // The same size as in the other servers. It is address space: only the pages that
  // are received into become memory.
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || !send_all(fd, buffer.data(), static_cast<std::size_t>(n))) break;
  }
  close(fd);
  return nullptr;
}

// Why not std::thread: its stack is 8 MiB. The smallest that holds the buffer makes
// this server as good as it can be at a thousand connections.
pthread_attr_t small_and_detached() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  return attributes;
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = bench::listen_on(bench::start_up(argc, argv));
  const pthread_attr_t attributes = small_and_detached();
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      bench::die("accept4");
    }
    bench::send_without_delay(fd);
    pthread_t thread;
    void* argument = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
    const int error = pthread_create(&thread, &attributes, echo, argument);
    if (error != 0) {
      std::fprintf(stderr, "echo_threads: no more threads: %s\n", std::strerror(error));
      close(fd);
    }
  }
}
