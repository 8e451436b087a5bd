// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio's own coroutines in TLS.

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "asio_listen.hpp"
#include "tls_asio_context.hpp"

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

asio::awaitable<void> echo(tcp::socket socket, asio::ssl::context& secure) {
  try {
    asio::ssl::stream<tcp::socket> stream(std::move(socket), secure);
    co_await stream.async_handshake(asio::ssl::stream_base::server, use_awaitable);
    std::vector<char> data(65536);
    for (;;) {
      const std::size_t n =
          co_await stream.async_read_some(asio::buffer(data), use_awaitable);
      co_await asio::async_write(stream, asio::buffer(data, n), use_awaitable);
    }
  } catch (const std::exception&) {
    // The client has gone.
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::tls_address where = bench::start_up_tls(argc, argv);
  asio::ssl::context secure = bench::make_asio_context(where);
  bench::serve_with_coroutines(
      where, [&](tcp::socket socket) { return echo(std::move(socket), secure); });
}
