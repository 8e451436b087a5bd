// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// libuv, lines: the answers of one receive leave together.

#include <string>
#include <string_view>

#include "../lines.hpp"
#include "libuv_peer.hpp"

namespace {

std::string answers;  // what is left of them is copied

class line_echo : public bench::uv_peer {
  void received(std::string_view data) override {
    answers.clear();
    bench::answer_lines(begun_, data, answers);
    if (!answers.empty()) pass_on(*this, answers);
  }

  std::string begun_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::serve_with_libuv<line_echo>(bench::start_up(argc, argv));
}
