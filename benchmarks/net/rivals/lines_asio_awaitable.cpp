// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio's own coroutines, line by line.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <utility>

#include "../server.hpp"

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

asio::awaitable<void> accept(tcp::acceptor acceptor) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), answer(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  asio::io_context context(1);
  tcp::acceptor acceptor(context, tcp::v4(), bench::listen_on(address));
  asio::co_spawn(context, accept(std::move(acceptor)), asio::detached);
  context.run();
}
