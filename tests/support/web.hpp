// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A web server and its clients within one process, in virtual time.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/net/detail/stream_connection.hpp>
#include <aio/testing/memory_streams.hpp>
#include <aio/testing/run_virtual.hpp>
#include <aio/web/app_runner.hpp>
#include <aio/web/application.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Defines a test whose body is a coroutine in virtual time; what was reported is in
/// `reports`, and what is left there at the end is a failure.
#define AIO_WEB_TEST(...) \
  AIO_WEB_TEST_(INTERNAL_CATCH_UNIQUE_NAME(aio_web_test_), __VA_ARGS__)
#define AIO_WEB_TEST_(body, ...)                               \
  static ::aio::coro<void> body(::test::web_reports& reports); \
  TEST_CASE(__VA_ARGS__) { ::test::run_web_test(body); }       \
  static ::aio::coro<void> body([[maybe_unused]] ::test::web_reports& reports)

namespace test {

/// What the loop reported, a line each.
struct web_reports {
  std::string take() { return std::exchange(text, {}); }
  std::string text;
};

inline void run_web_test(aio::coro<void> (*body)(web_reports&)) {
  web_reports seen;
  aio::testing::virtual_options options;
  options.exception_handler = [&](const aio::exception_context& context) {
    seen.text += context.message;
    if (context.exception) seen.text += ": " + name_of(context.exception);
    seen.text += '\n';
  };
  aio::testing::run_virtual(body(seen), options);
  CHECK(seen.take() == "");
}

/// A client on a connection of its own.
inline aio::testing::memory_stream connect_to(const aio::web::app_runner& runner,
                                              std::optional<std::size_t> piece = {}) {
  using connection = aio::detail::stream_connection;
  aio::detail::loop_core& loop = aio::detail::loop_core::require_running();
  const aio::detail::intrusive_ptr<connection> client(new connection(loop, 1 << 20));
  const auto both = aio::detail::make_memory_transports(loop, piece);
  aio::testing::memory_stream made{aio::stream_reader(client),
                                   aio::stream_writer(client)};
  aio::detail::start_memory_transports(both, connection::as_protocol(client),
                                       runner.factory()());
  return made;
}

/// A request of HTTP/1.1 with a Host, and these further lines.
inline std::string request_text(std::string_view method, std::string_view target,
                                std::string_view more = {}) {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" +
         std::string(more) + "\r\n";
}

/// Without what every response says of the server and the day.
inline std::string shortened(std::string text) {
  for (const char* name : {"Date: ", "Server: "}) {
    for (std::size_t at = text.find(name); at != text.npos; at = text.find(name)) {
      text.erase(at, text.find("\r\n", at) + 2 - at);
    }
  }
  return text;
}

/// Sends `bytes` and the end, and yields all that comes back, shortened.
inline aio::coro<std::string> answer_to(const aio::web::app_runner& runner,
                                        std::string bytes,
                                        std::optional<std::size_t> piece = {}) {
  aio::testing::memory_stream client = connect_to(runner, piece);
  client.writer.write(bytes);
  client.writer.write_eof();
  std::string all = co_await client.reader.read();
  co_return shortened(std::move(all));
}

/// The same for one GET.
inline aio::coro<std::string> get(const aio::web::app_runner& runner,
                                  std::string_view target, std::string_view more = {}) {
  return answer_to(runner, request_text("GET", target, more));
}

/// One response from a connection that stays: its head and the body that its
/// Content-Length announces.
inline aio::coro<std::string> one_response(aio::testing::memory_stream& from) {
  std::string all = co_await from.reader.readuntil("\r\n\r\n");
  const std::size_t at = all.find("Content-Length: ");
  if (at != all.npos) {
    const std::string body =
        co_await from.reader.readexactly(std::stoi(all.substr(at + 16)));
    all += body;
  }
  co_return shortened(std::move(all));
}

/// Head and body of a small text.
inline std::string text_response(std::string_view body, std::string_view more = {},
                                 std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" +
         std::string(body);
}

}  // namespace test
