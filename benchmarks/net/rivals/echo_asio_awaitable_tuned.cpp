// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio's coroutines with all that makes them cheaper: one executor type that is
// known at compile time, errors as values, and a write that is tried at once.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <utility>
#include <vector>

#include "../server.hpp"

namespace asio = boost::asio;

namespace {

using executor = asio::io_context::executor_type;
using token = asio::as_tuple_t<asio::use_awaitable_t<executor>>;
using tcp_socket =
    token::as_default_on_t<asio::ip::tcp::socket::rebind_executor<executor>::other>;
using tcp_acceptor =
    token::as_default_on_t<asio::ip::tcp::acceptor::rebind_executor<executor>::other>;
template <class T>
using awaitable = asio::awaitable<T, executor>;

awaitable<void> echo(tcp_socket socket) {
  socket.non_blocking(true);
  std::vector<char> data(65536);
  for (;;) {
    const auto [read_error, n] = co_await socket.async_read_some(asio::buffer(data));
    if (read_error) break;
    boost::system::error_code error;
    const std::size_t sent = socket.write_some(asio::buffer(data, n), error);
    if (error && error != asio::error::would_block) break;
    if (sent == n) continue;
    const auto [write_error, rest] =
        co_await asio::async_write(socket, asio::buffer(data.data() + sent, n - sent));
    if (write_error) break;
  }
}

awaitable<void> accept(tcp_acceptor acceptor) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept();
    if (error) continue;
    socket.set_option(asio::ip::tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), echo(tcp_socket(std::move(socket))),
                   asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::address address = bench::start_up(argc, argv);
  asio::io_context context(1);
  tcp_acceptor acceptor(context, asio::ip::tcp::v4(), bench::listen_on(address));
  asio::co_spawn(context.get_executor(), accept(std::move(acceptor)), asio::detached);
  context.run();
}
