// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A proxy with two threads for each connection: one for each direction.

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "server.hpp"
#include "threads.hpp"

namespace {

struct direction {
  int from;
  int to;
};

bench::address target;

// The end of this direction is passed on, and leaves the other one open.
void* pass_on(void* argument) {
  const auto [from, to] = *static_cast<const direction*>(argument);
  std::array<char, bench::blocking_buffer> buffer;
  for (;;) {
    const std::string_view data = bench::receive_some(from, buffer.data());
    if (data.empty() || !bench::send_all(to, data)) break;
  }
  shutdown(to, SHUT_WR);
  return nullptr;
}

void join(int fd) {
  const sockaddr_in to = bench::to_native(target);
  const int up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (up < 0) bench::die("socket");
  if (connect(up, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    bench::send_without_delay(up);
    direction there{fd, up}, back{up, fd};
    pthread_t other;
    if (bench::start_thread(other, pass_on, &back)) {
      pass_on(&there);
      pthread_join(other, nullptr);
    }
  }
  close(up);
}

}  // namespace

int main(int argc, char** argv) {
  const auto [address, to] = bench::start_up_proxy(argc, argv);
  target = to;
  bench::serve_in_threads<join>(bench::listen_on(address));
}
