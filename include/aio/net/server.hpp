// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// server: listens, accepts, and knows its connections.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/detail/server_state.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/task/sleep.hpp>

#include <coroutine>
#include <cstdint>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

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
  /// The descriptors of its sockets, for their options.
  std::vector<int> native_handles() const { return state().native_handles(); }

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
