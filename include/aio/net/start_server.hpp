// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Serves connections with coroutines on a reader and a writer.

#pragma once

#include <aio/net/create_server.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/task/task.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

/// A served connection: watches the task of its handler.
template <class Handler>
class served_connection final : public stream_connection {
 public:
  served_connection(loop_core& loop, std::size_t limit_bytes,
                    std::shared_ptr<Handler> handler)
      : stream_connection(loop, limit_bytes), handler_(std::move(handler)) {}

  bool is_server_side() const noexcept override { return true; }

 private:
  struct handler_end final : ready_node {
    explicit handler_end(served_connection& of) noexcept : self(of) {}
    void run() override { self.ended(); }
    void discard() noexcept override { self.release(); }
    served_connection& self;
  };

  void connection_made(transport& t) override {
    stream_connection::connection_made(t);
    serve();
  }

  void serve() {
    using result = std::invoke_result_t<Handler&, stream_reader, stream_writer>;
    const intrusive_ptr<stream_connection> self(this);
    if constexpr (is_coro<result>) {
      result body = std::invoke(*handler_, stream_reader(self), stream_writer(self));
      task_ = start_task(loop(), body);
      add_ref();  // until the handler has ended
      task_->add_waiter(handler_ended_);
    } else {
      std::invoke(*handler_, stream_reader(self), stream_writer(self));
    }
  }

  // A handler that fails ends its own connection, and is reported.
  void ended() {
    const intrusive_ptr<served_connection> keep(this);
    release();
    const intrusive_ptr<completion> task = std::move(task_);
    handler_.reset();
    if (!task->failed() && !task->cancelled()) return;
    if (task->failed()) {
      loop().call_exception_handler(
          {"unhandled exception in the handler of a connection", task->outcome_error(),
           "connection from " + to_string(source.peername())});
    }
    source.close();
  }

  std::shared_ptr<Handler> handler_;
  intrusive_ptr<completion> task_;
  handler_end handler_ended_{*this};
};

/// Runs `handler(reader, writer)` for each connection.
template <class Handler>
server_state::acceptor stream_acceptor(Handler&& handler,
                                       const server_options& options) {
  if (options.limit == 0)
    throw std::invalid_argument("a server of streams: a limit of 0");
  using kept = std::decay_t<Handler>;
  return with_tls(
      [shared = std::make_shared<kept>(std::forward<Handler>(handler)),
       limit = options.limit](server_state& state, byte_transport& connection) {
        const intrusive_ptr<served_connection<kept>> streams(
            new served_connection<kept>(state.loop().core(), limit, shared));
        state.serve(connection, stream_connection::as_protocol(streams));
      },
      options);
}

template <class F>
concept stream_handler = std::invocable < std::decay_t<F>
&, stream_reader, stream_writer > ;

}  // namespace detail

/// Listens on `host` (empty: all interfaces) and `port` (0: the system picks one), and
/// runs `handler(reader, writer)` as a task for each connection.
///
///     aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
///       for (;;) {
///         std::string data = co_await reader.read(4096);
///         if (data.empty()) break;
///         writer.write(data);
///         co_await writer.drain();
///       }
///     }
///     auto server = co_await aio::start_server(echo, "127.0.0.1", 8888);
///
/// The handler may also be a plain function. It is kept alive until all its tasks have
/// ended. A connection is closed when the handler lets go of the writer; an exception
/// of the handler closes its connection and goes to the exception handler.
///
/// Cancellation: nothing listens.
/// Throws:       boost::system::system_error – the port is in use, the host unknown;
///               cancelled_error; std::invalid_argument – a limit of 0, options that
///               do not go together
/// Like:         asyncio.start_server
template <detail::stream_handler Handler>
coro<server> start_server(Handler&& handler, std::string_view host, std::uint16_t port,
                          server_options options = {}) {
  detail::check_sock(options, false);
  return detail::make_server(
      get_running_loop(),
      detail::stream_acceptor(std::forward<Handler>(handler), options), host, port,
      options);
}
template <detail::stream_handler Handler>
coro<server> start_server(Handler&& handler, const std::vector<std::string>& hosts,
                          std::uint16_t port, server_options options = {}) {
  detail::check_sock(options, false);
  return detail::make_server(
      get_running_loop(),
      detail::stream_acceptor(std::forward<Handler>(handler), options), hosts, port,
      options);
}

/// The same on a socket that was bound elsewhere, the option sock.
///
/// Throws: std::invalid_argument – without the option, or no stream socket
template <detail::stream_handler Handler>
coro<server> start_server(Handler&& handler, server_options options) {
  detail::check_sock(options, true);
  return detail::make_server(
      get_running_loop(),
      detail::stream_acceptor(std::forward<Handler>(handler), options), options);
}

}  // namespace aio
