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

namespace aio {
namespace detail {

/// A served connection: watches the task of its handler.
template <class Handler>
class served_connection final : public stream_connection {
 public:
  served_connection(loop_core& loop, std::size_t limit_bytes,
                    std::shared_ptr<Handler> handler)
      : stream_connection(loop, limit_bytes), handler_(std::move(handler)) {}

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

 private:
  struct handler_end final : ready_node {
    explicit handler_end(served_connection& of) noexcept : self(of) {}
    void run() override { self.ended(); }
    void discard() noexcept override { self.release(); }
    served_connection& self;
  };

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
///               cancelled_error; std::invalid_argument – a limit of 0
/// Like:         asyncio.start_server
template <class Handler>
requires std::invocable < std::decay_t<Handler>
&, stream_reader,
    stream_writer > coro<server> start_server(Handler&& handler, std::string_view host,
                                              std::uint16_t port,
                                              server_options options = {}) {
  if (options.limit == 0) throw std::invalid_argument("start_server: a limit of 0");
  using kept = std::decay_t<Handler>;
  event_loop& loop = get_running_loop();
  return detail::make_server(
      loop,
      [shared = std::make_shared<kept>(std::forward<Handler>(handler)),
       limit = options.limit](
          detail::server_state& state,
          detail::intrusive_ptr<detail::stream_transport> connection) {
        using served = detail::served_connection<kept>;
        const detail::intrusive_ptr<served> streams(
            new served(state.loop().core(), limit, shared));
        state.attach(*connection);
        connection->start(served::as_protocol(streams),
                          detail::intrusive_ptr<detail::connection_owner>(&state));
        streams->serve();
      },
      std::string(host), port, options);
}

}  // namespace aio
