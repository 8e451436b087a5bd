// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Boost.Asio with callbacks in TLS.

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "asio_listen.hpp"
#include "tls_asio_context.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class session : public std::enable_shared_from_this<session> {
 public:
  session(tcp::socket socket, asio::ssl::context& secure)
      : stream_(std::move(socket), secure) {}

  void start() {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](error_code error) {
                              if (!error) self->read();
                            });
  }

 private:
  void read() {
    stream_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](error_code error, std::size_t n) {
          if (!error) self->write(n);
        });
  }

  void write(std::size_t size) {
    asio::async_write(stream_, asio::buffer(buffer_, size),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  asio::ssl::stream<tcp::socket> stream_;
  std::array<char, 65536> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::tls_address where = bench::start_up_tls(argc, argv);
  asio::ssl::context secure = bench::make_asio_context(where);
  bench::serve_with_callbacks(where, [&](tcp::socket socket) {
    std::make_shared<session>(std::move(socket), secure)->start();
  });
}
