// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio with callbacks, datagrams: async_receive_from, async_send_to, again.

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>
#include <cstddef>

#include "../server.hpp"

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

namespace {

class echo {
 public:
  echo(asio::io_context& context, int fd) : socket_(context, udp::v4(), fd) {}

  void receive() {
    socket_.async_receive_from(
        asio::buffer(buffer_), from_,
        [this](error_code error, std::size_t n) { error ? receive() : send(n); });
  }

 private:
  void send(std::size_t size) {
    socket_.async_send_to(asio::buffer(buffer_, size), from_,
                          [this](error_code, std::size_t) { receive(); });
  }

  udp::socket socket_;
  udp::endpoint from_;
  std::array<char, 65536> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  asio::io_context context(1);
  echo server(context, bench::bind_to(bench::start_up(argc, argv), SOCK_DGRAM));
  server.receive();
  context.run();
}
