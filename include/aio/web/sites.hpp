// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Sites: where an application is served.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/create_server.hpp>
#include <aio/net/options.hpp>
#include <aio/net/server.hpp>
#include <aio/net/ssl_context.hpp>
#include <aio/net/unix.hpp>
#include <aio/web/app_runner.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web {

/// Options are named in this order.
struct site_options {
  /// TLS with this context.
  ssl_option ssl = {};
  /// Connections that may wait to be accepted.
  int backlog = 128;
  /// Several processes may listen on the port.
  bool reuse_port = false;
};

namespace detail {

/// What all kinds of sites have.
class site {
 public:
  /// Where it listens, as a URL.
  std::string name() const {
    if (!path_.empty()) return (ssl_ ? "https+unix://" : "http+unix://") + path_;
    std::string host = host_.empty() ? std::string("0.0.0.0") : host_;
    if (host.find(':') != host.npos) host = "[" + host + "]";
    return (ssl_ ? "https://" : "http://") + host + ":" + std::to_string(port());
  }
  /// The port it listens on, also if the system chose it.
  std::uint16_t port() const { return server_ ? server_.port() : port_; }
  std::vector<endpoint> addresses() const { return server_.endpoints(); }

  /// Accepts no further connections. Those there are stay until the runner is cleaned
  /// up.
  void stop() const {
    if (server_) server_.close();
  }

 protected:
  site(const app_runner& runner, std::string host, std::uint16_t port, std::string path,
       int sock, const site_options& options)
      : runner_(runner),
        host_(std::move(host)),
        port_(port),
        path_(std::move(path)),
        sock_(sock),
        options_(options) {
    if (options.ssl.has_value())
      ssl_ = std::make_unique<ssl_context>(options.ssl.value());
  }

  server_options for_server() const {
    server_options made;
    made.backlog = options_.backlog;
    made.reuse_port = options_.reuse_port;
    made.ssl = ssl_option(ssl_.get());
    made.keep_alive = true;
    made.sock = sock_;
    return made;
  }

  void check_not_started() const {
    if (server_) throw usage_error("this site was started already");
  }
  void started(server made) {
    server_ = std::move(made);
    runner_.state()->sites.push_back(server_);
  }

  app_runner runner_;
  std::string host_;
  std::uint16_t port_;
  std::string path_;
  int sock_;
  site_options options_;
  std::unique_ptr<ssl_context> ssl_;
  server server_;
};

}  // namespace detail

/// Serves at a host (empty: all interfaces) and a port (0: the system picks one).
///
/// Like: aiohttp.web.TCPSite
class tcp_site : public detail::site {
 public:
  tcp_site(const app_runner& runner, std::string_view host = {},
           std::uint16_t port = 8080, const site_options& options = {})
      : site(runner, std::string(host), port, {}, -1, options) {}

  /// Cancellation: nothing listens.
  /// Throws:       boost::system::system_error – the port is in use, the host unknown;
  ///               usage_error – started already, or before setup(); cancelled_error
  coro<> start() {
    check_not_started();
    auto starting = get_running_loop().create_server(runner_.factory(ssl_ != nullptr),
                                                     host_, port_, for_server());
    started(co_await std::move(starting));
  }
};

/// Serves at a unix socket. Like: aiohttp.web.UnixSite
class unix_site : public detail::site {
 public:
  unix_site(const app_runner& runner, std::string_view path,
            const site_options& options = {})
      : site(runner, {}, 0, std::string(path), -1, options) {}

  /// Cancellation, Throws: see tcp_site
  coro<> start() {
    check_not_started();
    auto starting = get_running_loop().create_unix_server(
        runner_.factory(ssl_ != nullptr), path_, for_server());
    started(co_await std::move(starting));
  }
};

/// Serves at a socket that was bound elsewhere, which it takes over.
///
/// Like: aiohttp.web.SockSite
class sock_site : public detail::site {
 public:
  sock_site(const app_runner& runner, int sock, const site_options& options = {})
      : site(runner, "socket", 0, {}, sock, options) {}

  /// Cancellation, Throws: see tcp_site
  coro<> start() {
    check_not_started();
    auto starting = get_running_loop().create_server(runner_.factory(ssl_ != nullptr),
                                                     for_server());
    started(co_await std::move(starting));
  }
};

}  // namespace aio::web
