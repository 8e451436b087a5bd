// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The limit in TLS: plain epoll, and OpenSSL directly on the sockets.

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "epoll_server.hpp"
#include "server.hpp"
#include "tls_context.hpp"

namespace {

class tls_server : public bench::epoll_loop<tls_server> {
 public:
  tls_server(int listener, SSL_CTX* context)
      : epoll_loop(listener), context_(context) {}

  void accepted(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= clients_.size()) clients_.resize(index + 1);
    client& c = clients_[index];
    c.ssl.reset(SSL_new(context_));
    c.unsent.clear();
    SSL_set_fd(c.ssl.get(), fd);
    SSL_set_accept_state(c.ssl.get());
  }

  void readable(int fd) {
    client& c = at(fd);
    if (!c.unsent.empty()) return;
    do {
      const int n = SSL_read(c.ssl.get(), buffer_.data(), most_at_once);
      if (n <= 0) return close_unless_blocked(fd, n);
      if (!send_or_keep(fd, {buffer_.data(), static_cast<std::size_t>(n)})) return;
    } while (SSL_has_pending(c.ssl.get()) == 1);
  }

  void writable(int fd) {
    client& c = at(fd);
    if (c.unsent.empty()) return readable(fd);  // an error, which that will find
    const std::vector<char> rest = std::move(c.unsent);
    c.unsent.clear();
    if (!send_or_keep(fd, {rest.data(), rest.size()})) return;
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
    if (SSL_has_pending(c.ssl.get()) == 1) readable(fd);
  }

 private:
  struct client {
    bench::unique_ssl ssl;
    std::vector<char> unsent;
  };

  client& at(int fd) { return clients_[static_cast<std::size_t>(fd)]; }

  // Returns: whether all of it went
  bool send_or_keep(int fd, std::string_view data) {
    client& c = at(fd);
    while (!data.empty()) {
      const int n = SSL_write(c.ssl.get(), data.data(), static_cast<int>(data.size()));
      if (n <= 0) {
        c.unsent.assign(data.begin(), data.end());
        watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
        close_unless_blocked(fd, n);
        return false;
      }
      data.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  void close_unless_blocked(int fd, int result) {
    const int error = SSL_get_error(at(fd).ssl.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    at(fd) = {};
    close(fd);
  }

  SSL_CTX* context_;
  std::vector<client> clients_;  // by descriptor
  static constexpr int most_at_once = 65536;

  std::array<char, most_at_once> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::tls_address where = bench::start_up_tls(argc, argv);
  static tls_server server(bench::listen_on(where, SOCK_NONBLOCK),
                           bench::make_tls_context(where));
  server.run();
}
