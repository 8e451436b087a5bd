// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Thread-per-connection: blocking receive, blocking send.

#include <array>
#include <string_view>

#include "server.hpp"
#include "threads.hpp"

namespace {

void echo(int fd) {
  std::array<char, bench::blocking_buffer> buffer;
  for (;;) {
    const std::string_view data = bench::receive_some(fd, buffer.data());
    if (data.empty() || !bench::send_all(fd, data)) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::serve_in_threads<echo>(bench::listen_on(bench::start_up(argc, argv)));
}
