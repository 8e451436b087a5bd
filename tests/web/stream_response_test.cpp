// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/web/stream_response.hpp>

#include <aio/sync/event.hpp>
#include <aio/web/app_runner.hpp>

#include <support/tools.hpp>
#include <support/web.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

using aio::web::app_runner;
using aio::web::application;
using aio::web::request;
using aio::web::response;
using aio::web::stream_response;
using namespace std::chrono_literals;
using test::answer_to;
using test::request_text;

namespace {

aio::coro<response> count(request& req) {
  stream_response resp;
  resp.headers().set("Content-Type", "text/plain");
  if (req.query().contains("length")) resp.set_content_length(6);
  co_await resp.prepare(req);
  for (const char* word : {"one", "two"}) {
    co_await resp.write(word);
    co_await aio::sleep(1s);
  }
  co_return resp;
}

}  // namespace

AIO_WEB_TEST("stream_response: is chunked, or as long as was said", "[web][stream]") {
  application app;
  app.get("/", count);
  const app_runner runner(app);
  co_await runner.setup();
  const std::string type = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
  const std::string chunked = type + "Transfer-Encoding: chunked\r\n\r\n";
  std::string all =
      co_await answer_to(runner, request_text("GET", "/") + request_text("HEAD", "/"));
  CHECK(all == chunked + "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" + chunked);
  all = co_await test::get(runner, "/?length");
  CHECK(all == type + "Content-Length: 6\r\n\r\nonetwo");
  all = co_await answer_to(runner, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(all == type + "Connection: close\r\n\r\nonetwo");
  co_await runner.cleanup();
}

AIO_WEB_TEST("stream_response: pieces arrive while the handler goes on",
             "[web][stream]") {
  application app;
  app.get("/", count);
  const app_runner runner(app);
  co_await runner.setup();
  auto client = test::connect_to(runner);
  client.writer.write(request_text("GET", "/"));
  auto& loop = aio::get_running_loop();
  std::string part = co_await client.reader.readuntil("one\r\n");
  CHECK(loop.time().time_since_epoch() == 0s);
  part = co_await client.reader.readuntil("two\r\n");
  CHECK(loop.time().time_since_epoch() == 1s);
  part = co_await client.reader.readuntil("0\r\n\r\n");
  CHECK(loop.time().time_since_epoch() == 2s);
  co_await runner.cleanup();
}

AIO_WEB_TEST("stream_response: write() waits for a client that does not read",
             "[web][stream]") {
  application app;
  std::size_t written = 0;
  app.get("/", [&](request& req) -> aio::coro<response> {
    stream_response resp;
    co_await resp.prepare(req);
    for (int i = 0; i < 1000; ++i) {
      co_await resp.write(std::string(10'000, 'x'));
      written += 10'000;
    }
    co_return resp;
  });
  const app_runner runner(app);
  co_await runner.setup();
  auto client = test::connect_to(runner);
  client.writer.write(request_text("GET", "/", "Connection: close\r\n"));
  co_await test::turns(100);
  CHECK(written > 0);
  CHECK(written < 3'000'000);
  const std::string all = co_await client.reader.read();
  CHECK(written == 10'000'000);
  CHECK(all.ends_with("x\r\n0\r\n\r\n"));
  co_await runner.cleanup();
}

AIO_WEB_TEST("stream_response: an error after the head breaks the connection",
             "[web][stream]") {
  application app;
  app.get("/", [](request& req) -> aio::coro<response> {
    stream_response resp;
    co_await resp.prepare(req);
    co_await resp.write("some");
    throw test::boom();
  });
  app.get("/short", [](request& req) -> aio::coro<response> {
    stream_response resp;
    resp.set_content_length(10);
    co_await resp.prepare(req);
    co_await resp.write("some");
    co_return resp;
  });
  const app_runner runner(app);
  co_await runner.setup();
  std::string all = co_await test::get(runner, "/");
  CHECK(reports.take() == "error handling a request: boom\n");
  CHECK_FALSE(all.ends_with("0\r\n\r\n"));
  all = co_await answer_to(
      runner, request_text("GET", "/short") + request_text("GET", "/short"));
  CHECK(all.ends_with("some"));
  CHECK(all.find("some") == all.rfind("some"));
  CHECK(reports.take() == "a response is shorter than its Content-Length\n");
  co_await runner.cleanup();
}

AIO_WEB_TEST("stream_response: what it is not for is a usage_error", "[web][stream]") {
  application app;
  std::string seen;
  app.get("/", [&](request& req) -> aio::coro<response> {
    stream_response resp;
    seen += co_await test::ending(resp.write("early"));
    resp.set_content_length(2);
    co_await resp.prepare(req);
    seen += co_await test::ending(resp.prepare(req));
    stream_response other;
    seen += co_await test::ending(other.prepare(req));
    seen += co_await test::ending(resp.write("abc"));
    co_await resp.write("ab");
    co_await resp.write_eof();
    seen += co_await test::ending(resp.write("x"));
    co_return resp;
  });
  const app_runner runner(app);
  co_await runner.setup();
  const std::string all = co_await test::get(runner, "/");
  CHECK(all.ends_with("\r\n\r\nab"));
  CHECK(seen == "usageusageusageusageusage");
  co_await runner.cleanup();
}

AIO_WEB_TEST("stream_response: writing to a client that is gone is an error",
             "[web][stream]") {
  application app;
  std::string how;
  app.get("/", [&](request& req) -> aio::coro<response> {
    stream_response resp;
    co_await resp.prepare(req);
    for (int i = 0; i < 10 && (how.empty() || how == "returned"); ++i) {
      how = co_await test::ending(resp.write("x"));
      co_await aio::sleep(1s);
    }
    throw test::boom();  // of which nobody needs to know: the client is gone
  });
  const app_runner runner(app);
  co_await runner.setup();
  auto client = test::connect_to(runner);
  client.writer.write(request_text("GET", "/"));
  co_await test::turns(3);
  client.writer.transport().abort();
  co_await aio::sleep(20s);
  CHECK(how.find("client closed the connection") != how.npos);
  CHECK(reports.take() == "error handling a request: boom\n");
  co_await runner.cleanup();
}

AIO_WEB_TEST("on_response_prepare: may change the fields of any response",
             "[web][stream]") {
  application app;
  app.get("/", count).get("/text", [](request&) { return response::text("t"); });
  app.on_response_prepare.append(
      [](request&, aio::web::response_base& what) -> aio::coro<> {
        what.headers().set("X-Seen", "yes");
        co_return;
      });
  const app_runner runner(app);
  co_await runner.setup();
  for (const char* path : {"/", "/text", "/nothing"}) {
    const std::string all = co_await test::get(runner, path);
    CHECK(all.find("X-Seen: yes\r\n") != all.npos);
  }
  co_await runner.cleanup();
}
