// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// libuv: uv_try_write, and uv_write for what that leaves.

#include <string_view>

#include "libuv_peer.hpp"

namespace {

class echo : public bench::uv_peer {
  void received(std::string_view data) override { pass_on(*this, data); }
};

}  // namespace

int main(int argc, char** argv) {
  bench::serve_with_libuv<echo>(bench::start_up(argc, argv));
}
