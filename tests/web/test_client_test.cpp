// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/web_client.hpp>

#include <aio/task/sleep.hpp>
#include <aio/task/with.hpp>
#include <aio/web/stream_response.hpp>

#include <support/web.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

using aio::web::application;
using aio::web::request;
using aio::web::response;
using aio::web::test_client;
using namespace std::chrono_literals;

namespace {

application make_app() {
  application app;
  app.get("/{name}", [](request& req) {
    return response::text("Hello, " + std::string(req.match_info("name")) +
                          std::string(req.header("X-End")));
  });
  app.post("/echo", [](request& req) -> aio::coro<response> {
    const std::string& body = co_await req.text();
    co_return response::bytes(body, "text/x", 201);
  });
  app.get("/stream/{n}", [](request& req) -> aio::coro<response> {
    aio::web::stream_response resp;
    co_await resp.prepare(req);
    for (int i = 0; i < req.match<int>("n"); ++i) {
      co_await resp.write("x");
      co_await aio::sleep(1h);
    }
    if (req.query().contains("fail")) throw std::runtime_error("failed");
    co_return resp;
  });
  return app;
}

}  // namespace

AIO_WEB_TEST("test_client: asks an application without sockets", "[web][test_client]") {
  const test_client client(make_app());
  const std::string early = co_await test::ending(client.get("/x"));
  CHECK(early == "usage");
  co_await client.start();
  aio::http::headers fields;
  fields.set("X-End", "!");
  auto resp = co_await client.get("/x", fields);
  CHECK(resp.status() == 200);
  CHECK(resp.text() == "Hello, x!");
  resp = co_await client.post("/echo", "body");
  CHECK(resp.status() == 201);
  CHECK(resp.headers().get("content-type") == "text/x");
  CHECK(resp.text() == "body");
  resp = co_await client.request("HEAD", "/x");
  CHECK(resp.text() == "");
  CHECK(resp.headers().get("content-length") == "8");
  resp = co_await client.get("/no/thing");
  CHECK(resp.status() == 404);
  resp = co_await client.get("/stream/24");
  CHECK(resp.text() == std::string(24, 'x'));
  CHECK(aio::get_running_loop().time().time_since_epoch() == 24h);
  const std::string cut = co_await test::ending(client.get("/stream/1?fail"));
  CHECK(cut == "the body of the response is cut short or not valid");
  CHECK(reports.take() == "error handling a request: failed\n");
  CHECK_THROWS_AS(client.get("/a b"), aio::http::invalid_header);
  co_await client.close();
}

AIO_WEB_TEST("test_client: is a resource", "[web][test_client]") {
  int stopped = 0;
  application app = make_app();
  app.on_cleanup.append([&]() -> aio::coro<> {
    ++stopped;
    co_return;
  });
  const auto body = [](const test_client& client) -> aio::coro<std::string> {
    const auto resp = co_await client.get("/with");
    co_return resp.text();
  };
  const std::string text = co_await aio::with(test_client(app), body);
  CHECK(text == "Hello, with");
  CHECK(stopped == 1);
}
