// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Datagrams awaited.

#include <aio/aio.hpp>

#include "server.hpp"

namespace {

aio::coro<> serve(bench::address address) {
  const aio::udp_socket socket =
      co_await aio::udp_socket::bind(address.host, address.port);
  bench::announce(address.host, socket.sockname().port());
  for (;;) {
    const aio::datagram came = co_await socket.recv_from();
    co_await socket.send_to(came.data, came.from);
  }
}

}  // namespace

int main(int argc, char** argv) { aio::run(serve(bench::start_up(argc, argv))); }
