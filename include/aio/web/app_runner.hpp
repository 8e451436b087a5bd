// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// app_runner: an application that serves.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/create_server.hpp>
#include <aio/net/server.hpp>
#include <aio/task/sleep.hpp>
#include <aio/web/application.hpp>
#include <aio/web/detail/connection_task.hpp>
#include <aio/web/detail/server_core.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace aio::web {

/// Options are named in this order.
struct runner_options {
  connection_limits limits = {};
  /// How long cleanup() waits for handlers before it cancels them.
  time_limit shutdown_timeout = std::chrono::seconds(60);
};

namespace detail {

/// What a runner and its sites share.
struct runner_state {
  runner_state(application of, const runner_options& with)
      : app(std::move(of)), options(with) {}

  server_core& core() const {
    if (!server) throw usage_error("a site needs a runner after setup()");
    return *server;
  }

  /// What makes the protocols of a site.
  auto factory(bool secure) const {
    core();
    return [server = server, secure] {
      return std::make_shared<connection>(server, secure);
    };
  }

  application app;
  runner_options options;
  std::shared_ptr<server_core> server;  ///< from setup() to cleanup()
  std::vector<aio::server> sites;
  bool was_set_up = false;
};

/// In the order of aiohttp: no new connection, no idle one, the callbacks, the handlers.
///
/// Cancellation: what is left stays as it is.
inline coro<> clean_up(std::shared_ptr<runner_state> of) {
  if (!of->server) co_return;
  const std::shared_ptr<server_core> core = std::exchange(of->server, nullptr);
  collected_errors errors;
  for (const aio::server& one : of->sites) one.close();
  co_await sleep(duration::zero());
  core->begin_shutdown();
  try {
    co_await of->app.state()->shutdown();
  } catch (const std::exception&) {
    errors.add(std::current_exception());
  }
  co_await core->finish_shutdown(of->options.shutdown_timeout);
  for (const aio::server& one : of->sites) {
    one.abort_clients();
    co_await one.wait_closed();
  }
  of->sites.clear();
  try {
    co_await of->app.state()->cleanup();
  } catch (const std::exception&) {
    errors.add(std::current_exception());
  }
  errors.rethrow("several errors while a server was shut down");
}

inline coro<> set_up(std::shared_ptr<runner_state> of) {
  if (std::exchange(of->was_set_up, true))
    throw usage_error("setup() was called already");
  std::exception_ptr failure;
  try {
    co_await of->app.state()->startup();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    try {
      co_await of->app.state()->cleanup();
    } catch (const std::exception&) {  // the first error is the one to tell
    }
    std::rethrow_exception(failure);
  }
  of->server = std::make_shared<server_core>(get_running_loop(), of->app.state(),
                                             of->options.limits);
}

}  // namespace detail

/// An application that serves, at any number of sites: a handle, cheap to copy.
///
///     aio::web::app_runner runner(app);
///     co_await runner.setup();
///     aio::web::tcp_site site(runner, "localhost", 8080);
///     co_await site.start();
///     …
///     co_await runner.cleanup();
///
/// Like: aiohttp.web.AppRunner
class app_runner {
 public:
  explicit app_runner(application app, const runner_options& options = {})
      : state_(std::make_shared<detail::runner_state>(std::move(app), options)) {}

  /// Starts the application: its contexts and on_startup.
  ///
  /// Cancellation: what was started is cleaned up.
  /// Throws:       what the application throws; usage_error – a second time
  coro<> setup() const { return detail::set_up(state_); }

  /// Stops the sites, lets the requests under way end, runs on_shutdown and on_cleanup;
  /// see HSV29 of the documentation for the order. May be repeated.
  ///
  /// Cancellation: connections that are left stay as they are, and the application is
  ///               not cleaned up.
  /// Throws:       what the callbacks of the application throw, after the rest was
  ///               done; cancelled_error
  coro<> cleanup() const { return detail::clean_up(state_); }

  /// As a resource of aio::with: setup() and cleanup().
  ///
  /// Cancellation: see setup() and cleanup()
  coro<> enter() const { return setup(); }
  coro<> exit(std::exception_ptr) const { return cleanup(); }

  /// Connections at this moment.
  std::size_t connections() const noexcept {
    return state_->server ? state_->server->connections() : 0;
  }

  const application& app() const noexcept { return state_->app; }
  /// For the machinery.
  const std::shared_ptr<detail::runner_state>& state() const noexcept { return state_; }

  /// What makes the protocols of connections, for loop.create_server() and the like.
  ///
  /// Throws: usage_error – before setup()
  /// Like:   web.Server
  auto factory(bool secure = false) const { return state_->factory(secure); }

 private:
  std::shared_ptr<detail::runner_state> state_;
};

}  // namespace aio::web
