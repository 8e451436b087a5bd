// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio's own coroutines in TLS.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "../server.hpp"

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

asio::awaitable<void> accept(tcp::acceptor acceptor, asio::ssl::context& secure) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), echo(std::move(socket), secure),
                   asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::tls_address where = bench::start_up_tls(argc, argv);
  asio::ssl::context secure(asio::ssl::context::tls_server);
  secure.use_certificate_chain_file(where.certificate);
  secure.use_private_key_file(where.key, asio::ssl::context::pem);
  asio::io_context context(1);
  tcp::acceptor acceptor(context, tcp::v4(), bench::listen_on(where));
  asio::co_spawn(context, accept(std::move(acceptor), secure), asio::detached);
  context.run();
}
