// web_hello: the smallest web server: it greets whoever is named in the path.
//
//   $ web_hello [HOST] [PORT]
//   ======== Running on http://127.0.0.1:8888 ========
//   (Press CTRL+C to quit)
//
//   $ curl http://127.0.0.1:8888/World
//   Hello, World!
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/web.hpp>

#include <fmt/format.h>

#include "support/program.hpp"

// [hello]
aio::coro<aio::web::response> hello(aio::web::request& req) {
  co_return aio::web::response::text(
      fmt::format("Hello, {}!", req.match_info("name", "Anonymous")));
}

aio::coro<int> serve(support::address at) {
  aio::web::application app;
  app.get("/", hello);
  app.get("/{name}", hello);
  co_await aio::web::run_app(app, {.host = at.host, .port = at.port});
  co_return 0;
}
// [/hello]

int main(int argc, char** argv) {
  return support::run("web_hello", serve(support::parse_address(argc, argv)));
}
