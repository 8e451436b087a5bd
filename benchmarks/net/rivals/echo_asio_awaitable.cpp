// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio's own coroutines, as its documentation writes them.

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <exception>
#include <vector>

#include "asio_listen.hpp"

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

asio::awaitable<void> echo(tcp::socket socket) {
  try {
    std::vector<char> data(65536);
    for (;;) {
      const std::size_t n =
          co_await socket.async_read_some(asio::buffer(data), use_awaitable);
      co_await asio::async_write(socket, asio::buffer(data, n), use_awaitable);
    }
  } catch (const std::exception&) {
    // The client has gone.
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::serve_with_coroutines(bench::start_up(argc, argv), echo);
}
