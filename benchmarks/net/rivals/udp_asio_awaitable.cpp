// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio's own coroutines, datagrams.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <utility>
#include <vector>

#include "../server.hpp"

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::udp;

namespace {

asio::awaitable<void> echo(udp::socket socket) {
  std::vector<char> data(65536);
  udp::endpoint from;
  for (;;) {
    const std::size_t n =
        co_await socket.async_receive_from(asio::buffer(data), from, use_awaitable);
    co_await socket.async_send_to(asio::buffer(data, n), from, use_awaitable);
  }
}

}  // namespace

int main(int argc, char** argv) {
  asio::io_context context(1);
  const int fd = bench::bind_to(bench::start_up(argc, argv), SOCK_DGRAM);
  asio::co_spawn(context, echo(udp::socket(context, udp::v4(), fd)), asio::detached);
  context.run();
}
