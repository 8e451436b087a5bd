// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A server's life up to Ctrl-C or SIGTERM, in one line.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/server.hpp>
#include <aio/os/signals.hpp>
#include <aio/task/task.hpp>
#include <aio/task/wait.hpp>

#include <chrono>
#include <csignal>
#include <memory>
#include <utility>
#include <vector>

namespace aio {

struct shutdown_options {
  /// Which signals end the server.
  signal_numbers signals = {SIGINT, SIGTERM};
  /// How long clients have to take what was written for them.
  time_limit grace = std::chrono::seconds(10);
};

namespace detail {

/// Waits until the last connection is over, until `grace` is, or until the next signal.
///
/// Cancellation: stops waiting.
inline coro<> let_clients_go(const server& of, signal_stream& signals,
                             time_limit grace) {
  task<> gone = create_task(of.wait_closed());
  task<int> hurry = create_task(signals.next());
  const scope_exit stop([&] {
    gone.cancel();
    hurry.cancel();
  });
  std::vector<any_task> either = {gone, hurry};
  co_await wait(std::move(either), {.timeout = grace, .return_when = first_completed});
}

inline coro<int> serve_until(std::unique_ptr<signal_stream> signals, server serving,
                             time_limit grace) {
  const scope_exit close_in_any_case([&] { serving.close(); });
  co_await serving.start_serving();
  const int came = co_await signals->next();
  serving.close();
  serving.close_clients();
  {
    const scope_exit abort_in_any_case([&] { serving.abort_clients(); });
    co_await let_clients_go(serving, *signals, grace);
  }
  co_await serving.wait_closed();
  co_return came;
}

}  // namespace detail

/// Serves until one of the signals comes, and then ends the server in order: it stops
/// listening, closes the connections when what was written to them has been sent, and
/// after the grace time, or at the next signal, aborts those that are left. Yields the
/// number of the signal.
///
///     auto server = co_await aio::start_server(handle, "0.0.0.0", 8888);
///     co_await aio::serve_until_signal(server);
///
/// The default actions of the signals are off from the call on, so what is printed
/// between the call and the await may already be answered with a signal.
///
/// Cancellation: the server is closed, and connections stay as they are; in the grace
///               time they are aborted.
/// Throws:       cancelled_error; usage_error – the server is closed
inline coro<int> serve_until_signal(const server& serving,
                                    shutdown_options options = {}) {
  return detail::serve_until(std::make_unique<signal_stream>(options.signals), serving,
                             options.grace);
}

}  // namespace aio
