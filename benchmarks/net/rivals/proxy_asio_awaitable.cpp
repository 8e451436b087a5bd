// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A proxy on Boost.Asio's own coroutines: one for each direction.

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "asio_listen.hpp"

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// The end of this direction is passed on, and leaves the other one open.
asio::awaitable<void> pass_on(tcp::socket& from, tcp::socket& to) {
  std::vector<char> data(65536);
  for (;;) {
    error_code error;
    const std::size_t n = co_await from.async_read_some(
        asio::buffer(data), asio::redirect_error(use_awaitable, error));
    if (error == asio::error::eof) break;
    if (error) throw boost::system::system_error(error);
    co_await asio::async_write(to, asio::buffer(data, n), use_awaitable);
  }
  to.shutdown(tcp::socket::shutdown_send);
}

asio::awaitable<void> join(tcp::socket client, tcp::endpoint target) {
  using namespace asio::experimental::awaitable_operators;
  try {
    tcp::socket up(client.get_executor());
    co_await up.async_connect(target, use_awaitable);
    up.set_option(tcp::no_delay(true));
    co_await (pass_on(client, up) && pass_on(up, client));
  } catch (const std::exception&) {
    // One of the two has gone.
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto [address, target] = bench::start_up_proxy(argc, argv);
  const tcp::endpoint to(asio::ip::make_address(target.host), target.port);
  bench::serve_with_coroutines(
      address, [&](tcp::socket socket) { return join(std::move(socket), to); });
}
