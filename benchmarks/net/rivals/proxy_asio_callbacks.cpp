// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A proxy on Boost.Asio with callbacks: each direction reads, writes, and reads again.

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "asio_listen.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket client)
      : client_(std::move(client)), up_(client_.get_executor()) {}

  void start(const tcp::endpoint& target) {
    up_.async_connect(target, [self = shared_from_this()](error_code error) {
      if (error) return;
      self->up_.set_option(tcp::no_delay(true));
      self->read(self->client_, self->up_, self->there_);
      self->read(self->up_, self->client_, self->back_);
    });
  }

 private:
  using room = std::array<char, 65536>;

  // Both sides stay with this object, which the handlers keep.
  void read(tcp::socket& from, tcp::socket& to, room& buffer) {
    from.async_read_some(asio::buffer(buffer), [&, self = shared_from_this()](
                                                   error_code error, std::size_t n) {
      error ? self->end(to, error) : self->write(from, to, buffer, n);
    });
  }

  void write(tcp::socket& from, tcp::socket& to, room& buffer, std::size_t size) {
    asio::async_write(to, asio::buffer(buffer, size),
                      [&, self = shared_from_this()](error_code error, std::size_t) {
                        error ? self->close() : self->read(from, to, buffer);
                      });
  }

  // The end of one direction leaves the other one open.
  void end(tcp::socket& to, error_code why) {
    if (why != asio::error::eof) return close();
    error_code ignored;
    to.shutdown(tcp::socket::shutdown_send, ignored);
  }

  void close() {
    client_.close();
    up_.close();
  }

  tcp::socket client_;
  tcp::socket up_;
  room there_;
  room back_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto [address, target] = bench::start_up_proxy(argc, argv);
  const tcp::endpoint to(asio::ip::make_address(target.host), target.port);
  bench::serve_with_callbacks(address, [&](tcp::socket socket) {
    std::make_shared<session>(std::move(socket))->start(to);
  });
}
