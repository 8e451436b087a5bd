// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// libuv: uv_try_write, and uv_write for what that leaves.

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../server.hpp"

namespace {

std::array<char, 65536> buffer;

struct rest {
  uv_write_t request;
  std::string data;
};

void free_handle(uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); }

void lend(uv_handle_t*, std::size_t, uv_buf_t* room) {
  *room = uv_buf_init(buffer.data(), buffer.size());
}

void received(uv_stream_t* stream, ssize_t n, const uv_buf_t* room);

// A client that does not read its replies is not read from.
void written(uv_write_t* request, int error) {
  rest* const done = static_cast<rest*>(request->data);
  uv_stream_t* const stream = request->handle;
  delete done;
  if (error == 0) uv_read_start(stream, lend, received);
}

void received(uv_stream_t* stream, ssize_t n, const uv_buf_t* room) {
  if (n < 0) {
    if (!uv_is_closing(reinterpret_cast<uv_handle_t*>(stream))) {
      uv_close(reinterpret_cast<uv_handle_t*>(stream), free_handle);
    }
    return;
  }
  if (n == 0) return;
  const auto size = static_cast<std::size_t>(n);
  uv_buf_t all = uv_buf_init(room->base, static_cast<unsigned>(size));
  const int sent = uv_try_write(stream, &all, 1);
  const std::size_t gone = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (gone == size) return;
  rest* const left = new rest;
  left->data.assign(room->base + gone, size - gone);
  left->request.data = left;
  uv_buf_t part =
      uv_buf_init(left->data.data(), static_cast<unsigned>(left->data.size()));
  uv_read_stop(stream);
  uv_write(&left->request, stream, &part, 1, written);
}

void connected(uv_stream_t* listener, int error) {
  if (error < 0) return;
  uv_tcp_t* const client = new uv_tcp_t;
  uv_tcp_init(listener->loop, client);
  if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(client)) != 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(client), free_handle);
    return;
  }
  uv_tcp_nodelay(client, 1);
  uv_read_start(reinterpret_cast<uv_stream_t*>(client), lend, received);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  uv_tcp_open(&listener, bench::listen_on(address, SOCK_NONBLOCK));
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), SOMAXCONN, connected) != 0) {
    bench::die("uv_listen");
  }
  return uv_run(loop, UV_RUN_DEFAULT);
}
