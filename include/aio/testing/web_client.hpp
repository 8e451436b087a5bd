// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// test_client: asks a web application within the process.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/loop.hpp>
#include <aio/coro/coro.hpp>
#include <aio/http/detail/body_decoder.hpp>
#include <aio/http/detail/head_parser.hpp>
#include <aio/http/detail/head_writer.hpp>
#include <aio/http/detail/message_head.hpp>
#include <aio/http/headers.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/net/stream_reader.hpp>
#include <aio/net/stream_writer.hpp>
#include <aio/testing/memory_streams.hpp>
#include <aio/web/app_runner.hpp>
#include <aio/web/application.hpp>

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::web {

/// What an application answered to a test_client.
class test_response {
 public:
  test_response(int status, http::headers fields, std::string body)
      : status_(status), headers_(std::move(fields)), body_(std::move(body)) {}

  int status() const noexcept { return status_; }
  const http::headers& headers() const noexcept { return headers_; }
  /// The body, all of it.
  const std::string& text() const noexcept { return body_; }

 private:
  int status_;
  http::headers headers_;
  std::string body_;
};

namespace detail {

/// Throws: std::runtime_error – what came is no response, or not all of it
inline test_response parse_test_response(std::string_view method,
                                         std::string_view all) {
  using enum http::detail::parse_state;
  http::detail::message_head head;
  do {
    http::detail::head_parser parser;
    const auto state = parser.parse_response(all, head);
    if (state == needs_more) {
      throw std::runtime_error("the connection was closed without a response");
    }
    if (state == refused) throw std::runtime_error(std::string(parser.error().text));
    all.remove_prefix(parser.size());
  } while (head.status < 200 && head.status != 101);
  auto decoder = http::detail::body_decoder::of_response(head, method);
  std::string body;
  while (!all.empty() && !decoder.is_done() && !decoder.error()) {
    const auto [consumed, payload] = decoder.next(all);
    all.remove_prefix(consumed);
    body += payload;
  }
  if (decoder.error() || !decoder.finish()) {
    throw std::runtime_error("the body of the response is cut short or not valid");
  }
  return {head.status, copy_headers(head), std::move(body)};
}

}  // namespace detail

/// Asks an application as a client would, without sockets: all of the server is in
/// between, its framing and its limits. In virtual time, time limits cost nothing.
///
///     aio::web::test_client client(app);
///     co_await client.start();
///     const auto resp = co_await client.get("/users/7");
///     CHECK(resp.status() == 200);
///     co_await client.close();
///
/// As a resource of aio::with it starts and closes itself.
///
/// Like: aiohttp.test_utils.TestClient
class test_client {
 public:
  explicit test_client(application app, const runner_options& options = {})
      : runner_(std::move(app), options) {}

  /// Starts the application.
  ///
  /// Cancellation, Throws: see app_runner::setup
  coro<> start() const { return runner_.setup(); }
  /// Ends it, as a server does.
  ///
  /// Cancellation, Throws: see app_runner::cleanup
  coro<> close() const { return runner_.cleanup(); }

  // As a resource of aio::with. Cancellation: see start() and close()
  coro<test_client> enter() const { return entered(*this); }
  coro<> exit(std::exception_ptr) const { return close(); }

  /// Sends a request on a connection of its own and yields the response with its body.
  /// Host, Connection: close and the length of the body are added to the fields.
  ///
  /// Cancellation: the connection is closed.
  /// Throws:       http::invalid_header – what cannot be sent; std::runtime_error – the
  ///               connection was closed before the end of a response; usage_error –
  ///               not started
  coro<test_response> request(std::string_view method, std::string_view target,
                              std::string_view body = {},
                              const http::headers& fields = {}) const {
    std::string text;
    http::detail::write_request_line(text, method, target);
    http::detail::write_field(text, "Host", "test");
    http::detail::write_field(text, "Connection", "close");
    http::detail::write_fields(text, fields);
    if (!body.empty()) http::detail::write_field(text, "Content-Length", body.size());
    http::detail::end_head(text);
    text += body;
    return exchange(runner_, std::string(method), std::move(text));
  }
  /// Cancellation, Throws: see request
  coro<test_response> get(std::string_view target,
                          const http::headers& fields = {}) const {
    return request("GET", target, {}, fields);
  }
  /// Cancellation, Throws: see request
  coro<test_response> post(std::string_view target, std::string_view body,
                           const http::headers& fields = {}) const {
    return request("POST", target, body, fields);
  }

  /// A connection to write and read by hand.
  ///
  /// Throws: usage_error – not started
  aio::testing::memory_stream connect(
      const aio::testing::memory_options& options = {}) const {
    return connect_to(runner_, options);
  }

  const app_runner& runner() const noexcept { return runner_; }

 private:
  static coro<test_client> entered(test_client self) {
    co_await self.start();
    co_return self;
  }

  static aio::testing::memory_stream connect_to(
      const app_runner& runner, const aio::testing::memory_options& options) {
    using connection = aio::detail::stream_connection;
    aio::detail::loop_core& loop = aio::detail::loop_core::require_running();
    const aio::detail::intrusive_ptr<connection> client(
        new connection(loop, options.limit));
    auto server = runner.factory()();
    const auto both = aio::detail::make_memory_transports(loop, options.piece);
    aio::testing::memory_stream made{stream_reader(client), stream_writer(client)};
    aio::detail::start_memory_transports(both, connection::as_protocol(client),
                                         std::move(server));
    return made;
  }

  static coro<test_response> exchange(app_runner runner, std::string method,
                                      std::string text) {
    aio::testing::memory_stream client = connect_to(runner, {});
    client.writer.write(text);
    const std::string all = co_await client.reader.read();
    co_return detail::parse_test_response(method, all);
  }

  app_runner runner_;
};

}  // namespace aio::web
