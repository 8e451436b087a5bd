// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio's own coroutines, line by line.

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <exception>
#include <string>

#include "asio_listen.hpp"

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

asio::awaitable<void> answer(tcp::socket socket) {
  try {
    std::string data;
    for (;;) {
      const std::size_t n = co_await asio::async_read_until(
          socket, asio::dynamic_buffer(data, 65536), '\n', use_awaitable);
      co_await asio::async_write(socket, asio::buffer(data, n), use_awaitable);
      data.erase(0, n);
    }
  } catch (const std::exception&) {
    // The client has gone.
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::serve_with_coroutines(bench::start_up(argc, argv), answer);
}
