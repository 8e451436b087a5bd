// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// libuv, datagrams: uv_udp_try_send, and uv_udp_send for what that leaves.

#include <uv.h>

#include <array>
#include <cstddef>
#include <string>

#include "../server.hpp"

namespace {

struct unsent {
  uv_udp_send_t request;
  std::string data;
};

void lend(uv_handle_t*, std::size_t, uv_buf_t* room) {
  static std::array<char, 65536> buffer;
  *room = uv_buf_init(buffer.data(), buffer.size());
}

void send_later(uv_udp_t* socket, const uv_buf_t& data, const sockaddr* to) {
  unsent* const kept = new unsent{{}, std::string(data.base, data.len)};
  kept->request.data = kept;
  const uv_buf_t part =
      uv_buf_init(kept->data.data(), static_cast<unsigned>(kept->data.size()));
  const auto sent = [](uv_udp_send_t* request, int) {
    delete static_cast<unsent*>(request->data);
  };
  if (uv_udp_send(&kept->request, socket, &part, 1, to, sent) != 0) delete kept;
}

void received(uv_udp_t* socket, ssize_t n, const uv_buf_t* room, const sockaddr* from,
              unsigned) {
  if (n < 0 || from == nullptr) return;  // an error; nothing more for now
  const uv_buf_t data = uv_buf_init(room->base, static_cast<unsigned>(n));
  if (uv_udp_try_send(socket, &data, 1, from) == UV_EAGAIN) {
    send_later(socket, data, from);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  uv_loop_t* const loop = uv_default_loop();
  uv_udp_t socket;
  uv_udp_init(loop, &socket);
  uv_udp_open(&socket, bench::bind_to(address, SOCK_DGRAM | SOCK_NONBLOCK));
  if (uv_udp_recv_start(&socket, lend, received) != 0) bench::die("uv_udp_recv_start");
  return uv_run(loop, UV_RUN_DEFAULT);
}
