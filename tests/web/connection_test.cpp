// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync/event.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/timeout.hpp>
#include <aio/web/access_logger.hpp>
#include <aio/web/app_runner.hpp>

#include <support/tools.hpp>
#include <support/web.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using aio::web::app_runner;
using aio::web::application;
using aio::web::request;
using aio::web::response;
using aio::web::runner_options;
using namespace std::chrono_literals;
using test::answer_to;
using test::connect_to;
using test::one_response;
using test::request_text;
using test::text_response;

namespace {

aio::coro<response> hello(request& req) {
  co_return response::text("Hello, " + std::string(req.match_info("name")) + "!");
}

aio::coro<response> slow(request& req) {
  co_await aio::sleep(std::chrono::seconds(req.match<int>("n")));
  co_return response::text("slow");
}

aio::coro<response> echo(request& req) {
  const std::string& body = co_await req.read();
  co_return response::text(body);
}

application make_app() {
  application app({.client_max_size = 20});
  app.get("/hello/{name}", hello).get("/slow/{n}", slow).post("/echo", echo);
  app.post("/ignore", [](request&) { return response::text("no"); });
  app.get("/none", [](request&) { return response(204); });
  return app;
}

aio::coro<> set_up(const app_runner& runner) { return runner.setup(); }

}  // namespace

AIO_WEB_TEST("connection: a response, and the connection stays for the next",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  auto client = connect_to(runner);
  for (const char* name : {"a", "b", "c"}) {
    client.writer.write(request_text("GET", std::string("/hello/") + name));
    const std::string all = co_await one_response(client);
    CHECK(all == text_response(std::string("Hello, ") + name + "!"));
  }
  CHECK(runner.connections() == 1);
  co_await runner.cleanup();
  CHECK(runner.connections() == 0);
}

AIO_WEB_TEST("connection: pipelined requests are answered in order, however they come",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  const std::string requests =
      request_text("GET", "/hello/1") + request_text("GET", "/slow/2") +
      request_text("POST", "/echo", "Content-Length: 3\r\n") + "abc" +
      request_text("POST", "/echo", "Transfer-Encoding: chunked\r\n") +
      "2\r\nde\r\n1;x=y\r\nf\r\n0\r\nX-Trailer: 1\r\n\r\n" +
      request_text("GET", "/hello/2");
  const std::string expected = text_response("Hello, 1!") + text_response("slow") +
                               text_response("abc") + text_response("def") +
                               text_response("Hello, 2!");
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100000U}) {
    CAPTURE(piece);
    const std::string all = co_await answer_to(runner, requests, piece);
    CHECK(all == expected);
  }
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: who offers an upgrade in vain is answered as others",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  const std::string offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n";
  std::string requests;
  std::string expected;
  for (int i = 0; i < 3; ++i) {
    const std::string name = "anna" + std::to_string(i);
    requests += request_text("GET", "/hello/" + name, offer);
    expected += text_response("Hello, " + name + "!");
  }
  for (const std::size_t piece : {1U, 50U, 100'000U}) {
    const std::string all = co_await answer_to(runner, requests, piece);
    CHECK(all == expected);
  }
  auto client = connect_to(runner);
  for (int i = 0; i < 3; ++i) {  // each after the response to the one before it
    client.writer.write(request_text("GET", "/hello/bert", offer));
    const std::string one = co_await one_response(client);
    CHECK(one == text_response("Hello, bert!"));
  }
}

AIO_WEB_TEST("connection: many pipelined requests with a handler that waits",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  std::string requests;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const bool waits = i % 400 == 0;
    requests += request_text("GET", waits ? "/slow/1" : "/hello/x");
    expected += text_response(waits ? "slow" : "Hello, x!");
  }
  const std::string all = co_await answer_to(runner, requests);
  CHECK(all == expected);
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: one that pipelines for ever lets others be answered",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  auto greedy = connect_to(runner);
  std::string flood;
  for (int i = 0; i < 200; ++i) flood += request_text("GET", "/hello/x");
  const auto keep_asking = [&]() -> aio::coro<> {
    for (;;) {
      greedy.writer.write(flood);
      co_await greedy.writer.drain();
    }
  };
  const auto keep_reading = [&]() -> aio::coro<> {
    for (std::string some = "x"; !some.empty();) {
      some = co_await greedy.reader.read(1 << 20);
    }
  };
  auto asking = aio::create_task(keep_asking);
  auto reading = aio::create_task(keep_reading);
  co_await test::turns(50);
  for (int i = 0; i < 5; ++i) {
    auto other = connect_to(runner);
    other.writer.write(request_text("GET", "/hello/y"));
    co_await test::turns(10);
    CHECK(other.reader.buffered() > 0);
  }
  asking.cancel();
  reading.cancel();
  co_await test::turns(2);
  greedy.writer.transport().abort();
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: closes when the client or HTTP/1.0 says so",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  const std::string closing = text_response("Hello, a!", "Connection: close\r\n");
  std::string all = co_await answer_to(
      runner, request_text("GET", "/hello/a", "Connection: close\r\n") +
                  request_text("GET", "/hello/never"));
  CHECK(all == closing);
  all =
      co_await answer_to(runner, "GET /hello/a HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n");
  CHECK(all == closing);
  all = co_await answer_to(runner,
                           "GET /hello/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                           "GET /hello/a HTTP/1.0\r\n\r\n");
  CHECK(all == text_response("Hello, a!", "Connection: keep-alive\r\n") + closing);
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: HEAD and 204 have no body", "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  const std::string all = co_await answer_to(
      runner, request_text("HEAD", "/hello/a") + request_text("GET", "/none") +
                  request_text("GET", "/hello/b"));
  CHECK(all ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n" +
            text_response("Hello, b!"));
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: what is no HTTP is refused, after what came before it",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  const std::string all = co_await answer_to(
      runner, request_text("GET", "/hello/a") + "GET / HTTP/1.1\r\n\r\nmore");
  CHECK(all.starts_with(text_response("Hello, a!") + "HTTP/1.1 400 Bad Request\r\n"));
  CHECK(all.find("Connection: close\r\n") != all.npos);
  const std::string expectation =
      co_await test::get(runner, "/hello/a", "Expect: a-miracle\r\n");
  CHECK(expectation.starts_with("HTTP/1.1 417 "));
  for (const char* target : {"OPTIONS *", "CONNECT x:1"}) {
    const std::string other = co_await answer_to(
        runner, target + std::string(" HTTP/1.1\r\nHost: x:1\r\n\r\n"));
    CHECK(other.starts_with("HTTP/1.1 404 "));
  }
  const std::string large =
      co_await test::get(runner, "/hello/a", "X: " + std::string(9000, 'x') + "\r\n");
  CHECK(large.starts_with("HTTP/1.1 431 "));
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: a body above client_max_size is answered 413",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  const std::string body(21, 'x');
  std::string all = co_await answer_to(
      runner, request_text("POST", "/echo", "Content-Length: 21\r\n") + body +
                  request_text("GET", "/hello/a"));
  const std::string refusal =
      text_response("413: Content Too Large", {}, "413 Content Too Large");
  CHECK(all == refusal + text_response("Hello, a!"));
  all = co_await answer_to(
      runner, request_text("POST", "/echo", "Transfer-Encoding: chunked\r\n") +
                  "15\r\n" + body + "\r\n0\r\n\r\n" + request_text("GET", "/hello/a"));
  CHECK(all == refusal + text_response("Hello, a!"));
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: a large body behind a head of any size",
             "[web][connection]") {
  application app({.client_max_size = 1'000'000});
  app.post("/", [](request& req) -> aio::coro<response> {
    const std::string& body = co_await req.read();
    co_return response::text(std::to_string(body.size()) + body.substr(0, 2) +
                             std::string(req.header("x")).substr(0, 1));
  });
  const app_runner runner(app);
  co_await set_up(runner);
  for (const std::size_t size : {1U, 3000U, 6000U, 8000U}) {
    const std::string field(size, 'x');
    std::string fields = "Content-Length: 300000\r\nX: " + field + "\r\n";
    if (size > 4000) fields += "Y: " + field + "\r\n";
    const std::string all = co_await answer_to(
        runner, request_text("POST", "/", fields) + std::string(300000, 'y') +
                    request_text("POST", "/"));
    CHECK(all == text_response("300000yyx") + text_response("0"));
  }
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: 100 Continue is said when the handler wants the body",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  const std::string expecting = "Expect: 100-continue\r\nContent-Length: 3\r\n";
  auto client = connect_to(runner);
  client.writer.write(request_text("POST", "/echo", expecting));
  std::string answer = co_await client.reader.readuntil("\r\n\r\n");
  CHECK(answer == "HTTP/1.1 100 Continue\r\n\r\n");
  client.writer.write("abc");
  answer = co_await one_response(client);
  CHECK(answer == text_response("abc"));
  // One that does not want it answers at once, and what may still come is not read.
  client.writer.write(request_text("POST", "/ignore", expecting));
  answer = co_await client.reader.read();
  CHECK(test::shortened(answer) == text_response("no", "Connection: close\r\n"));
  client.writer.close();
  // One that comes with its body needs no word.
  answer = co_await answer_to(runner, request_text("POST", "/echo", expecting) + "abc");
  CHECK(answer == text_response("abc"));
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: a body that nobody read is dropped before the next request",
             "[web][connection]") {
  const app_runner runner(make_app());
  co_await set_up(runner);
  auto client = connect_to(runner);
  client.writer.write(request_text("POST", "/ignore", "Content-Length: 100000\r\n"));
  std::string answer = co_await one_response(client);
  CHECK(answer == text_response("no"));
  client.writer.write(std::string(100000, 'x') + request_text("GET", "/hello/a"));
  answer = co_await one_response(client);
  CHECK(answer == text_response("Hello, a!"));
  // But not for ever.
  client.writer.write(request_text("POST", "/ignore", "Content-Length: 9\r\n"));
  answer = co_await one_response(client);
  const auto before = aio::get_running_loop().time();
  answer = co_await client.reader.read();
  CHECK(answer == "");
  CHECK(aio::get_running_loop().time() - before == 10s);
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: an idle one is closed after the time limit",
             "[web][connection]") {
  const app_runner runner(make_app(), {.limits = {.keepalive_timeout = 5s}});
  co_await set_up(runner);
  auto& loop = aio::get_running_loop();
  auto client = connect_to(runner);
  co_await aio::sleep(4s);
  client.writer.write(request_text("GET", "/slow/20"));
  std::string answer = co_await one_response(client);
  CHECK(answer == text_response("slow"));
  CHECK(loop.time().time_since_epoch() == 24s);
  answer = co_await client.reader.read();
  CHECK(answer == "");
  CHECK(loop.time().time_since_epoch() == 29s);
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: a head that does not come in time is answered 408",
             "[web][connection]") {
  const app_runner runner(make_app(), {.limits = {.header_timeout = 3s}});
  co_await set_up(runner);
  auto client = connect_to(runner);
  co_await aio::sleep(10s);
  for (int i = 0; i < 2; ++i) {  // each byte is no reason to wait for longer
    client.writer.write("G");
    co_await aio::sleep(1s);
  }
  const std::string answer = co_await client.reader.read();
  CHECK(answer.starts_with("HTTP/1.1 408 "));
  CHECK(aio::get_running_loop().time().time_since_epoch() == 13s);
  client.writer.close();
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: a body that stops is answered 408", "[web][connection]") {
  const app_runner runner(make_app(), {.limits = {.body_timeout = 3s}});
  co_await set_up(runner);
  auto client = connect_to(runner);
  client.writer.write(request_text("POST", "/echo", "Content-Length: 4\r\n") + "a");
  co_await aio::sleep(2s);
  client.writer.write("b");
  const std::string answer = co_await client.reader.read();
  CHECK(answer.starts_with("HTTP/1.1 408 "));
  CHECK(aio::get_running_loop().time().time_since_epoch() == 5s);
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: limits on requests and connections", "[web][connection]") {
  const app_runner runner(make_app(),
                          {.limits = {.max_requests = 2, .max_connections = 2}});
  co_await set_up(runner);
  const std::string one = request_text("GET", "/hello/a");
  const std::string all = co_await answer_to(runner, one + one + one);
  CHECK(all == text_response("Hello, a!") +
                   text_response("Hello, a!", "Connection: close\r\n"));
  auto first = connect_to(runner);
  auto second = connect_to(runner);
  auto third = connect_to(runner);
  const std::string busy = co_await third.reader.read();
  CHECK(busy.starts_with("HTTP/1.1 503 "));
  first.writer.close();
  co_await test::turns(5);
  CHECK(runner.connections() == 1);
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: exceptions of handlers are answers", "[web][connection]") {
  application app;
  app.get("/gone", [](request&) -> response { throw aio::web::gone("over"); });
  app.get("/moved",
          [](request&) -> response { throw aio::web::redirect(302, "/elsewhere"); });
  app.get("/boom", [](request&) -> response { throw test::boom(); });
  app.get("/timeout", [](request&) -> aio::coro<response> {
    co_await aio::wait_for(aio::sleep(9s), 1s);
    co_return response();
  });
  const app_runner runner(app);
  co_await set_up(runner);
  std::string all = co_await test::get(runner, "/gone");
  CHECK(all == text_response("over", {}, "410 Gone"));
  all = co_await test::get(runner, "/moved");
  CHECK(all.find("Location: /elsewhere\r\n") != all.npos);
  all = co_await test::get(runner, "/timeout");
  CHECK(all.starts_with("HTTP/1.1 504 "));
  CHECK(reports.take() == "");
  all = co_await test::get(runner, "/boom");
  CHECK(all == text_response("500: Internal Server Error", "Connection: close\r\n",
                             "500 Internal Server Error"));
  CHECK(reports.take() == "error handling a request: boom\n");
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: a client that goes breaks the reading of its body",
             "[web][connection]") {
  application app;
  std::string how;
  app.post("/", [&](request& req) -> aio::coro<response> {
    how = co_await test::ending(req.read());
    co_return response();
  });
  const app_runner runner(app);
  co_await set_up(runner);
  auto client = connect_to(runner);
  client.writer.write(request_text("POST", "/", "Content-Length: 4\r\n") + "a");
  co_await test::turns(3);
  client.writer.close();
  co_await test::turns(5);
  CHECK(how.find("client closed the connection") != how.npos);
  CHECK(runner.connections() == 0);
  co_await runner.cleanup();
}

AIO_WEB_TEST("connection: a handler goes on without its client, unless told otherwise",
             "[web][connection]") {
  for (const bool cancels : {false, true}) {
    application app;
    std::string how;
    app.get("/", [&](request&) -> aio::coro<response> {
      how = "running";
      how = co_await test::ending(aio::sleep(9s));
      if (how == "cancelled") throw aio::cancelled_error();
      co_return response();
    });
    const app_runner runner(app, {.limits = {.handler_cancellation = cancels}});
    co_await set_up(runner);
    auto client = connect_to(runner);
    client.writer.write(request_text("GET", "/"));
    co_await test::turns(3);
    CHECK(how == "running");
    client.writer.close();
    co_await aio::sleep(1s);
    CHECK(how == (cancels ? "cancelled" : "running"));
    co_await aio::sleep(9s);
    CHECK(how == (cancels ? "cancelled" : "returned"));
    CHECK(runner.connections() == 0);
    co_await runner.cleanup();
  }
}

namespace {

struct collector : aio::protocol {
  void data_received(std::string_view data) override { text += data; }
  std::string text;
};

}  // namespace

AIO_WEB_TEST("request: take_over() gives the connection to another protocol",
             "[web][connection]") {
  application app;
  const auto next = std::make_shared<collector>();
  std::string unread;
  bool is_told = false;
  aio::event done;
  app.get("/up", [&](request& req) -> aio::coro<response> {
    aio::http::headers fields;
    fields.set("Upgrade", "lines");
    auto taken = req.take_over(fields, next);
    req.on_server_shutdown([&] { is_told = true; });
    unread = taken.unread;
    taken.transport.resume_reading();
    taken.transport.write("welcome");
    co_await done.wait();
    taken.transport.write(" bye");
    co_return response::sent();
  });
  const app_runner runner(app);
  co_await set_up(runner);
  auto client = connect_to(runner);
  client.writer.write(request_text("GET", "/up", "Upgrade: lines\r\n") + "early");
  const std::string head = co_await client.reader.readuntil("\r\n\r\n");
  CHECK(head ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "
        "lines\r\n\r\n");
  const std::string welcome = co_await client.reader.readexactly(7);
  CHECK(welcome == "welcome");
  CHECK(unread == "early");
  client.writer.write("late");
  co_await test::turns(3);
  CHECK(next->text == "late");
  auto cleaning = aio::create_task(runner.cleanup());
  co_await test::turns(5);
  CHECK(is_told);
  CHECK_FALSE(cleaning.done());
  done.set();
  const std::string rest = co_await client.reader.read();
  CHECK(rest == " bye");
  co_await cleaning;
}

AIO_WEB_TEST("connection: the access logger is told, unless it is off",
             "[web][connection]") {
  struct logger final : aio::web::access_logger {
    bool enabled() const noexcept override { return is_on; }
    void log(const aio::web::access_record& of) override {
      text += std::string(of.req.method()) + " " + std::string(of.req.target()) + " " +
              std::to_string(of.status) + " " + std::to_string(of.took / 1s) + "\n";
      bytes = of.bytes;
    }
    bool is_on = true;
    std::string text;
    std::size_t bytes = 0;
  };
  logger log;
  const app_runner runner(make_app(), {.limits = {.access_log = &log}});
  co_await set_up(runner);
  auto client = connect_to(runner);
  client.writer.write(request_text("GET", "/hello/a") + request_text("GET", "/slow/3") +
                      request_text("GET", "/nothing"));
  co_await aio::sleep(4s);
  CHECK(log.text == "GET /hello/a 200 0\nGET /slow/3 200 3\nGET /nothing 404 0\n");
  const std::string before = log.text;
  CHECK(log.bytes > 100);
  log.is_on = false;
  client.writer.write(request_text("GET", "/hello/a"));
  co_await aio::sleep(1s);
  CHECK(log.text == before);
  co_await runner.cleanup();
}
