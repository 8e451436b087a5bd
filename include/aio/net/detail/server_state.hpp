// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Accepting, and knowing one's connections.

#pragma once

#include <aio/coro/wait_list.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/byte_transport.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/detail/socket_address.hpp>
#include <aio/net/detail/socket_file.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/options.hpp>
#include <aio/net/stream_transport.hpp>
#include <aio/net/tls_transport.hpp>
#include <aio/net/transport.hpp>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aio::detail {

/// Accepts until it is closed, also if nobody holds it. Without descriptors left it
/// pauses for a second.
class server_state final : public connection_owner, public resident {
 public:
  /// Called for each connection that was accepted.
  using acceptor = move_only_function<void(server_state&, byte_transport&)>;

  server_state(event_loop& loop, acceptor on_accept, const server_options& options)
      : loop_(loop),
        on_accept_(std::move(on_accept)),
        backlog_(options.backlog),
        keep_alive_(options.keep_alive) {
    loop.core().add_service(*this);
  }

  /// A socket bound by us; `file`: what it has made in the file system.
  void add_socket(descriptor fd, socket_file file = {}) {
    add_foreign_socket(std::move(fd), std::move(file));
    if (const endpoint& name = endpoints_.back(); !name.is_unspecified()) {
      sockets_.back()->name = std::make_shared<const endpoint>(name);
    }
  }

  /// One bound elsewhere, for whatever addresses: the kernel knows them.
  void add_foreign_socket(descriptor fd, socket_file file = {}) {
    endpoints_.push_back(local_endpoint(fd.get()));
    sockets_.push_back(
        std::make_unique<listener>(*this, std::move(fd), std::move(file)));
  }

  void start_serving() {
    if (is_closed_) throw usage_error("the server is closed");
    if (std::exchange(is_serving_, true)) return;
    self_ = intrusive_ptr<server_state>(this);
    for (auto& one : sockets_) {
      if (::listen(one->fd.get(), backlog_) != 0) throw_last_error("listen");
      loop_.asio().watch(one->fd.get(), EPOLLIN, *one);
      one->is_watched = true;
    }
  }

  /// The connection is served from now on.
  void serve(byte_transport& connection, std::shared_ptr<base_protocol> protocol) {
    add(connection);
    try {
      connection.start(std::move(protocol), intrusive_ptr<connection_owner>(this));
    } catch (...) {
      remove(connection);
      throw;
    }
  }

  /// The connection will be served by `then`, through TLS. A handshake that fails is no
  /// error of ours.
  void secure(byte_transport& connection, const tls_settings& settings,
              const std::shared_ptr<acceptor>& then) {
    const intrusive_ptr<tls_transport> secured(new tls_transport(
        loop_.core(), intrusive_ptr<stream_interface>(&connection), settings));
    add(*secured);
    connection.start(secured->link());
    secured->shake_hands([self = intrusive_ptr<server_state>(this), secured,
                          then](std::exception_ptr error) {
      self->handshake_ended(*secured, std::move(error), *then);
    });
  }

  void connection_ended() noexcept override {
    --active_;
    wake_if_over();
  }

  void close() noexcept {
    if (std::exchange(is_closed_, true)) return;
    const intrusive_ptr<server_state> keep = std::exchange(self_, nullptr);
    is_serving_ = false;
    retry_.cancel();
    sockets_.clear();
    serving.wake_all();
    wake_if_over();
  }

  void close_clients() noexcept {
    connections_.for_each([](transport_interface& one) { one.close(); });
  }
  void abort_clients() noexcept {
    connections_.for_each([](transport_interface& one) { one.abort(); });
  }

  bool is_over() const noexcept { return is_closed_ && active_ == 0; }
  bool is_closed() const noexcept { return is_closed_; }
  bool is_serving() const noexcept { return is_serving_; }
  event_loop& loop() const noexcept { return loop_; }
  std::vector<endpoint> endpoints() const {
    return is_closed_ ? std::vector<endpoint>() : endpoints_;
  }
  std::vector<int> native_handles() const {
    std::vector<int> all;
    for (const auto& one : sockets_) all.push_back(one->fd.get());
    return all;
  }

  wait_list closing;  ///< those in wait_closed()
  wait_list serving;  ///< the one in serve_forever()

 private:
  struct listener final : watcher {
    listener(server_state& of, descriptor socket, socket_file bound_to)
        : server(of), fd(std::move(socket)), file(std::move(bound_to)) {}
    ~listener() {
      if (is_watched) server.loop_.asio().unwatch(fd.get(), *this);
    }
    void ready(std::uint32_t) override {
      const intrusive_ptr<server_state> keep(&server);
      server.accept_waiting(*this);
    }

    server_state& server;
    descriptor fd;
    socket_file file;
    std::shared_ptr<const endpoint> name;  ///< of all its connections; null if unknown
    bool is_watched = false;
  };

  ~server_state() override = default;

  // At most as many as may wait, so that those who are connected get their turn.
  void accept_waiting(listener& socket) {
    for (int i = 0; i < backlog_; ++i) {
      socket_address peer;
      descriptor fd = accept_connection(socket.fd.get(), peer);
      if (!fd) {
        if (is_out_of_resources(errno)) return pause_accepting(socket, errno);
        if (would_block(errno)) return;
        if (is_of_one_connection(errno)) continue;
        return stop_accepting(socket);
      }
      connected(std::move(fd), peer.endpoint(), socket.name);
      if (is_closed_) return;
    }
  }

  void connected(descriptor fd, endpoint peer, std::shared_ptr<const endpoint> name) {
    try {
      if (keep_alive_)
        set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
      const intrusive_ptr<byte_transport> made(
          new stream_transport(loop_, std::move(fd), std::move(peer), std::move(name)));
      on_accept_(*this, *made);
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      report_unserved();
    }
  }

  void handshake_ended(tls_transport& connection, std::exception_ptr error,
                       acceptor& then) {
    if (error) {
      if (loop_.get_debug()) report_handshake(connection, error);
      return remove(connection);
    }
    try {
      then(*this, connection);
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      report_unserved();
      connection.abort();
      remove(connection);
    }
  }

  void add(transport_interface& connection) noexcept {
    if (connection.list_hook<server_tag>::is_linked()) return;
    connections_.push_back(connection);
    ++active_;
  }
  void remove(transport_interface& connection) noexcept {
    if (!connection.list_hook<server_tag>::is_linked()) return;
    connection.list_hook<server_tag>::unlink();
    connection_ended();
  }

  void report_unserved() {
    loop_.call_exception_handler(
        {"a connection could not be served", std::current_exception(), title()});
  }
  void report_handshake(const tls_transport& with, const std::exception_ptr& error) {
    loop_.call_exception_handler({"the SSL handshake of a client failed", error,
                                  title() + ", client " + to_string(with.peername())});
  }

  static bool is_out_of_resources(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  }

  // The connection that failed is gone; the next one may be fine.
  static bool is_of_one_connection(int error) noexcept {
    switch (error) {
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
      case EPERM:
      case ENETDOWN:
      case ENOPROTOOPT:
      case EHOSTDOWN:
      case EHOSTUNREACH:
      case ENETUNREACH:
      case EOPNOTSUPP:
        return true;
      default:
        return false;
    }
  }

  void pause_accepting(listener& socket, int error) {
    loop_.asio().watch_for(socket.fd.get(), 0, socket);
    report("accept() is out of system resources; the server pauses for a second",
           {error, boost::system::system_category()});
    retry_ = loop_.call_later(
        std::chrono::seconds(1), [self = intrusive_ptr<server_state>(this), &socket] {
          if (self->is_closed_) return;
          self->loop_.asio().watch_for(socket.fd.get(), EPOLLIN, socket);
        });
  }

  void stop_accepting(listener& socket) {
    const boost::system::error_code error = last_error();
    loop_.asio().watch_for(socket.fd.get(), 0, socket);
    report("accepting failed; the server stops listening", error);
  }

  void report(const char* message, boost::system::error_code error) {
    loop_.call_exception_handler(
        {message, std::make_exception_ptr(boost::system::system_error(error, "accept")),
         title()});
  }

  std::string title() const {
    return "server on " +
           (endpoints_.empty() ? "no address" : to_string(endpoints_[0]));
  }

  void wake_if_over() noexcept {
    if (is_over()) closing.wake_all();
  }

  void loop_closing() noexcept override { close(); }

  event_loop& loop_;
  acceptor on_accept_;
  int backlog_;
  bool keep_alive_;
  std::vector<std::unique_ptr<listener>> sockets_;
  std::vector<endpoint> endpoints_;
  intrusive_list<transport_interface, server_tag> connections_;
  std::size_t active_ = 0;
  timer_handle retry_;
  intrusive_ptr<server_state> self_;  // while it serves
  bool is_serving_ = false;
  bool is_closed_ = false;
};

/// `then`, through TLS if the options ask for it.
///
/// Throws: std::invalid_argument – options that do not go together
inline server_state::acceptor with_tls(server_state::acceptor then,
                                       const server_options& options) {
  tls_settings settings = server_tls(options);
  if (!settings) return then;
  return [settings = std::move(settings),
          shared = std::make_shared<server_state::acceptor>(std::move(then))](
             server_state& server, byte_transport& connection) {
    server.secure(connection, settings, shared);
  };
}

}  // namespace aio::detail
