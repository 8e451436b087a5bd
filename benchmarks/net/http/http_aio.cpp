// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// http_aio PORT: the application of aio::web that says hello.

#include <aio/io/run.hpp>
#include <aio/web/application.hpp>
#include <aio/web/run_app.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

aio::coro<aio::web::response> hello(aio::web::request&) {
  co_return aio::web::response::text("Hello, World!");
}

aio::coro<> serve(std::uint16_t port) {
  aio::web::application app;
  app.get("/", hello);
  co_await aio::web::run_app(app, {.host = "127.0.0.1", .port = port});
}

}  // namespace

int main(int, char** argv) {
  aio::run(serve(static_cast<std::uint16_t>(std::atoi(argv[1]))));
}
