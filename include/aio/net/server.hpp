// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// server: listens, accepts, and knows its connections.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/options.hpp>
#include <aio/net/resolve.hpp>
#include <aio/net/stream_transport.hpp>
#include <aio/task/sleep.hpp>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>

#include <cerrno>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aio {

namespace detail {

/// Accepts until it is closed, also if nobody holds it. Without descriptors left it
/// pauses for a second.
class server_state final : public connection_owner, public resident {
 public:
  /// Called for each connection that was accepted.
  using acceptor =
      move_only_function<void(server_state&, intrusive_ptr<stream_transport>)>;

  server_state(event_loop& loop, acceptor on_accept, int backlog)
      : loop_(loop), on_accept_(std::move(on_accept)), backlog_(backlog) {
    loop.core().add_service(*this);
  }

  void add_socket(descriptor fd) {
    endpoints_.push_back(local_endpoint(fd.get()));
    sockets_.push_back(std::make_unique<listener>(*this, std::move(fd)));
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
  void attach(transport_interface& connection) noexcept {
    connections_.push_back(connection);
    ++active_;
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

  wait_list closing;  ///< those in wait_closed()
  wait_list serving;  ///< the one in serve_forever()

 private:
  struct listener final : watcher {
    listener(server_state& of, descriptor socket) : server(of), fd(std::move(socket)) {}
    ~listener() {
      if (is_watched) server.loop_.asio().unwatch(fd.get(), *this);
    }
    void ready(std::uint32_t) override {
      const intrusive_ptr<server_state> keep(&server);
      server.accept_waiting(*this);
    }

    server_state& server;
    descriptor fd;
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
      connected(std::move(fd), peer.endpoint());
      if (is_closed_) return;
    }
  }

  void connected(descriptor fd, endpoint peer) {
    try {
      intrusive_ptr<stream_transport> made(
          new stream_transport(loop_, std::move(fd), std::move(peer)));
      on_accept_(*this, std::move(made));
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      loop_.call_exception_handler(
          {"a connection could not be served", std::current_exception(), title()});
    }
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
  std::vector<std::unique_ptr<listener>> sockets_;
  std::vector<endpoint> endpoints_;
  intrusive_list<transport_interface, server_tag> connections_;
  std::size_t active_ = 0;
  timer_handle retry_;
  intrusive_ptr<server_state> self_;  // while it serves
  bool is_serving_ = false;
  bool is_closed_ = false;
};

/// Waits in one of a server's lines unless `Over` holds.
template <bool (server_state::*Over)() const noexcept>
class [[nodiscard]] server_wait {
 public:
  server_wait(intrusive_ptr<server_state> of, wait_list& line)
      : of_(std::move(of)), line_(line) {}

  auto operator co_await() && { return awaiter(std::move(of_), line_); }

 private:
  class awaiter final : public wait_list::waiter {
   public:
    awaiter(intrusive_ptr<server_state> of, wait_list& line)
        : of_(std::move(of)), line_(line) {}
    bool await_ready() const noexcept { return ((*of_).*Over)(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      wait_in(line_, frame.promise());
    }
    void await_resume() { throw_if_cancelled(); }

   private:
    intrusive_ptr<server_state> of_;
    wait_list& line_;
  };

  intrusive_ptr<server_state> of_;
  wait_list& line_;
};

/// A socket bound to `where`.
inline descriptor bind_listener(const boost::asio::ip::tcp::endpoint& where,
                                const server_options& options) {
  descriptor fd = open_socket(where.protocol().family(), SOCK_STREAM);
  if (options.reuse_address)
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (options.reuse_port)
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  // The same port is bound for IPv4 by a socket of its own.
  if (where.address().is_v6())
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  if (::bind(fd.get(), where.data(), static_cast<socklen_t>(where.size())) != 0) {
    const auto error = last_error();
    throw_error(error, "cannot listen on " + to_string(endpoint(where)));
  }
  return fd;
}

/// Binds all addresses of `host` and starts to serve, if asked to.
inline coro<intrusive_ptr<server_state>> listen_on(event_loop& loop,
                                                   server_state::acceptor on_accept,
                                                   std::string host, std::uint16_t port,
                                                   server_options options) {
  tcp_endpoints addresses = co_await resolve(host, port, true);
  intrusive_ptr<server_state> made(
      new server_state(loop, std::move(on_accept), options.backlog));
  const scope_exit close_if_unused([&] {
    if (made) made->close();
  });
  for (auto& one : addresses) {
    // Of several families, those that this machine does not have are left out.
    try {
      made->add_socket(bind_listener(one, options));
    } catch (const boost::system::system_error& error) {
      const bool is_missing =
          error.code() == boost::system::errc::address_family_not_supported ||
          error.code() == boost::system::errc::address_not_available;
      if (addresses.size() == 1 || !is_missing) throw;
    }
    if (port == 0 && host.empty()) port = made->endpoints().back().port();
    if (&one != &addresses.back() && host.empty()) (&one + 1)->port(port);
  }
  if (made->endpoints().empty()) {
    throw boost::system::system_error(
        make_error_code(boost::system::errc::address_not_available),
        "cannot listen on any address of '" + host + "'");
  }
  if (options.start_serving) made->start_serving();
  co_return std::exchange(made, nullptr);
}

}  // namespace detail

/// A listening server: a handle, cheap to copy. It serves on until it is closed or its
/// loop ends, also without handles.
///
///     auto server = co_await aio::start_server(handle, "127.0.0.1", 8888);
///     co_await server.serve_forever();
///
/// Like: asyncio.Server
class server {
 public:
  server() = default;
  explicit server(detail::intrusive_ptr<detail::server_state> state) noexcept
      : state_(std::move(state)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(state_); }

  /// The port of the first socket; 0 when closed.
  std::uint16_t port() const {
    const auto all = endpoints();
    return all.empty() ? std::uint16_t{0} : all.front().port();
  }

  /// Where it listens; empty when closed. Like: Server.sockets
  std::vector<endpoint> endpoints() const { return state().endpoints(); }

  /// Begins to accept, if it does not yet. Gives way once.
  ///
  /// Cancellation: it accepts all the same.
  /// Throws:       usage_error – closed; cancelled_error
  coro<> start_serving() const { return begin(state_); }

  /// Serves until the task is cancelled or the server closed, and then closes the
  /// server and waits until the connections have ended (see wait_closed).
  ///
  /// Cancellation: see above
  /// Throws:       cancelled_error – also after close() from elsewhere; usage_error –
  ///               closed already, or another task serves
  coro<> serve_forever() const { return serve(required()); }

  /// Stops listening; connections stay. May be repeated.
  void close() const { state().close(); }

  /// Waits until the server is closed and its connections have ended. The tasks of
  /// handlers may go on after their connections.
  ///
  /// Cancellation: stops waiting.
  auto wait_closed() const {
    return detail::server_wait<&detail::server_state::is_over>(required(),
                                                               state().closing);
  }

  /// Closes every connection: what is queued is still sent, for which a client that
  /// does not read has all the time it likes. abort_clients() ends those.
  void close_clients() const { state().close_clients(); }
  /// Ends every connection at once.
  void abort_clients() const { state().abort_clients(); }

  bool is_serving() const { return state().is_serving(); }
  event_loop& get_loop() const { return state().loop(); }

  // As a resource of aio::with: close() and wait_closed() at the end of the block.
  // Cancellation: of exit(): stops waiting; the server is closed.
  coro<server> enter() const { return entered(*this); }
  coro<> exit(std::exception_ptr) const { return closed(*this); }

 private:
  using state_ptr = detail::intrusive_ptr<detail::server_state>;

  const state_ptr& required() const {
    if (!state_) throw usage_error("an empty server: it was never started");
    return state_;
  }
  detail::server_state& state() const { return *required(); }

  static coro<> begin(state_ptr state) {
    state->start_serving();
    co_await sleep(duration::zero());
  }
  static coro<server> entered(server of) { co_return of; }
  static coro<> closed(server of) {
    of.close();
    co_await of.wait_closed();
  }

  static coro<> serve(state_ptr state) {
    if (state->is_closed()) throw usage_error("the server is closed");
    if (!state->serving.empty()) {
      throw usage_error("serve_forever() is already being awaited");
    }
    state->start_serving();
    std::exception_ptr cancelled;
    try {
      co_await detail::server_wait<&detail::server_state::is_closed>(state,
                                                                     state->serving);
    } catch (const cancelled_error&) {
      cancelled = std::current_exception();
    }
    if (!cancelled) cancelled = std::make_exception_ptr(cancelled_error());
    const server self(state);
    self.close();
    co_await self.wait_closed();
    std::rethrow_exception(cancelled);
  }

  state_ptr state_;
};

}  // namespace aio
