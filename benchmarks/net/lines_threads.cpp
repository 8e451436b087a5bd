// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Lines with a thread per connection: the answers of one receive leave together.

#include <array>
#include <string>
#include <string_view>

#include "lines.hpp"
#include "server.hpp"
#include "threads.hpp"

namespace {

void answer(int fd) {
  std::array<char, bench::blocking_buffer> buffer;
  std::string begun, answers;
  for (;;) {
    const std::string_view data = bench::receive_some(fd, buffer.data());
    if (data.empty()) return;
    answers.clear();
    bench::answer_lines(begun, data, answers);
    if (!bench::send_all(fd, answers)) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::serve_in_threads<answer>(bench::listen_on(bench::start_up(argc, argv)));
}
