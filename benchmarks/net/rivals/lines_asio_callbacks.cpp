// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio with callbacks, line by line.

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "asio_listen.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    asio::async_read_until(
        socket_, asio::dynamic_buffer(data_, 65536), '\n',
        [self = shared_from_this()](error_code error, std::size_t n) {
          if (!error) self->write(n);
        });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(data_, size),
                      [self = shared_from_this()](error_code error, std::size_t n) {
                        self->data_.erase(0, n);
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  std::string data_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::serve_with_callbacks(bench::start_up(argc, argv), [](tcp::socket socket) {
    std::make_shared<session>(std::move(socket))->read();
  });
}
