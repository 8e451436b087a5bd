// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// run_app: a web server in one line.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/coro/coro.hpp>
#include <aio/net/ssl_context.hpp>
#include <aio/os/signals.hpp>
#include <aio/web/app_runner.hpp>
#include <aio/web/application.hpp>
#include <aio/web/detail/server_core.hpp>
#include <aio/web/sites.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web {

/// Options are named in this order.
struct run_app_options {
  /// Empty: all interfaces.
  std::string_view host = {};
  /// If not given 8080, or 8443 with ssl; 0: the system picks one.
  std::optional<std::uint16_t> port = {};
  /// A unix socket to serve at, beside host and port if these are given.
  std::string_view path = {};
  /// TLS with this context.
  ssl_option ssl = {};
  connection_limits limits = {};
  /// How long handlers may go on after a signal.
  time_limit shutdown_timeout = std::chrono::seconds(60);
  int backlog = 128;
  bool reuse_port = false;
  /// Whether SIGINT and SIGTERM end it.
  bool handle_signals = true;
  /// Whether it prints where it serves.
  bool print = true;
};

namespace detail {

class app_run {
 public:
  app_run(application app, const run_app_options& options)
      : runner_(std::move(app), {options.limits, options.shutdown_timeout}),
        handles_signals_(options.handle_signals),
        prints_(options.print) {
    const site_options of_site{options.ssl, options.backlog, options.reuse_port};
    if (!options.path.empty()) unix_.emplace(runner_, options.path, of_site);
    if (options.path.empty() || !options.host.empty() || options.port) {
      const std::uint16_t usual = options.ssl.has_value() ? 8443 : 8080;
      tcp_.emplace(runner_, options.host, options.port.value_or(usual), of_site);
    }
  }

  static coro<> run(std::unique_ptr<app_run> self) {
    std::exception_ptr failure;
    try {
      co_await self->runner_.setup();
      co_await self->serve();
    } catch (...) {
      failure = std::current_exception();
    }
    co_await self->runner_.cleanup();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  coro<> serve() {
    std::unique_ptr<signal_stream> signals;
    if (handles_signals_) {
      signals = std::make_unique<signal_stream>(signal_numbers{SIGINT, SIGTERM});
    }
    std::string names;
    if (tcp_) {
      co_await tcp_->start();
      names = tcp_->name();
    }
    if (unix_) {
      co_await unix_->start();
      if (!names.empty()) names += ", ";
      names += unix_->name();
    }
    if (prints_) {
      std::printf("======== Running on %s ========\n(Press CTRL+C to quit)\n",
                  names.c_str());
      std::fflush(stdout);
    }
    if (signals) {
      co_await signals->next();
    } else {
      co_await future<>(get_running_loop().create_future<void>());
    }
  }

  app_runner runner_;
  std::optional<tcp_site> tcp_;
  std::optional<unix_site> unix_;
  bool handles_signals_;
  bool prints_;
};

}  // namespace detail

/// Serves an application until SIGINT or SIGTERM comes, and then ends it in order:
/// nothing is accepted any more, requests under way are answered, what is left after
/// the time limit is cancelled.
///
///     co_await aio::web::run_app(app, {.host = "localhost", .port = 8080});
///
/// Cancellation: it ends in the same way, and then raises.
/// Throws:       what the application throws when it starts or ends;
///               boost::system::system_error – it cannot listen there; cancelled_error
/// Like:         aiohttp.web.run_app, but awaited
inline coro<> run_app(const application& app, const run_app_options& options = {}) {
  return detail::app_run::run(std::make_unique<detail::app_run>(app, options));
}

}  // namespace aio::web
