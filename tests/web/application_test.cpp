// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/web/application.hpp>

#include <aio/coro/async_generator.hpp>
#include <aio/sync/event.hpp>
#include <aio/web/app_runner.hpp>
#include <aio/web/json.hpp>
#include <aio/web/stream_response.hpp>

#include <support/tools.hpp>
#include <support/web.hpp>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>

using aio::web::app_runner;
using aio::web::application;
using aio::web::next;
using aio::web::request;
using aio::web::response;
using namespace std::chrono_literals;
using test::request_text;

namespace {

/// A middleware that leaves a mark on the way in and on the way out.
auto marks(std::string& log, const std::string& name) {
  return [&log, name](request& req, next then) -> aio::coro<response> {
    log += name + "(";
    response resp = co_await then(req);
    log += ")" + name;
    co_return resp;
  };
}

const aio::web::app_key<std::string> greeting("greeting");
const aio::web::app_key<int> counter("counter");

aio::coro<std::string> body_of(const app_runner& runner, std::string_view target) {
  std::string all = co_await test::get(runner, target);
  co_return all.substr(all.find("\r\n\r\n") + 4);
}

}  // namespace

AIO_WEB_TEST("application: middlewares run from outside in, also around 404",
             "[web][application]") {
  std::string log;
  application inner;
  inner.get("/x", [](request&) { return response::text("x"); });
  inner.use(marks(log, "c"));
  application app;
  app.use(marks(log, "a")).use(marks(log, "b"));
  app.use([](request& req, next then) -> aio::coro<response> {
    int status = 0;
    if (req.query().contains("short")) co_return response::text("cut");
    try {
      co_return co_await then(req);
    } catch (const aio::web::not_found& error) {
      status = error.status();
    }
    co_return response::text("caught " + std::to_string(status));
  });
  app.get("/", [](request&) { return response::text("root"); }).mount("/in", inner);
  const app_runner runner(app);
  co_await runner.setup();
  std::string body = co_await body_of(runner, "/");
  CHECK(body == "root");
  CHECK(std::exchange(log, {}) == "a(b()b)a");
  body = co_await body_of(runner, "/?short");
  CHECK(body == "cut");
  log.clear();
  body = co_await body_of(runner, "/in/x");
  CHECK(body == "x");
  CHECK(std::exchange(log, {}) == "a(b(c()c)b)a");
  body = co_await body_of(runner, "/nothing");
  CHECK(body == "caught 404");
  CHECK(std::exchange(log, {}) == "a(b()b)a");
  body = co_await body_of(runner, "/in/nothing");
  CHECK(body == "caught 404");
  CHECK(std::exchange(log, {}) == "a(b(c()b)a");
  co_await runner.cleanup();
}

AIO_WEB_TEST("application: state under typed keys", "[web][application]") {
  application app;
  app.set(greeting, std::string("hi")).set(counter, 0);
  app.use([](request& req, next then) -> aio::coro<response> {
    req.set(greeting, "request of " + std::string(req.path()));
    co_return co_await then(req);
  });
  app.get("/{x}", [](request& req) {
    const int n = ++req.app()[counter];
    return response::text(req.app()[greeting] + " " + std::to_string(n) + " " +
                          req[greeting]);
  });
  CHECK_THROWS_AS(app[aio::web::app_key<int>("other")], std::out_of_range);
  const app_runner runner(app);
  co_await runner.setup();
  std::string body = co_await body_of(runner, "/a");
  CHECK(body == "hi 1 request of /a");
  body = co_await body_of(runner, "/b");
  CHECK(body == "hi 2 request of /b");
  CHECK(app[counter] == 2);
  CHECK_THROWS_AS(app.set(counter, 3), aio::usage_error);
  CHECK_THROWS_AS(app.use(marks(body, "late")), aio::usage_error);
  co_await runner.cleanup();
}

namespace {

struct life {
  std::string log;

  aio::coro<> say(std::string what) {
    log += what + " ";
    co_return;
  }
  aio::async_generator<bool> context(std::string name) {
    log += "+" + name + " ";
    co_yield true;
    log += "-" + name + " ";
  }
};

struct resource {
  life* of;
  aio::coro<> enter() { return of->say("enter"); }
  aio::coro<> exit(std::exception_ptr) { return of->say("exit"); }
};

}  // namespace

AIO_WEB_TEST("application: contexts and signals, in order and in reverse",
             "[web][application]") {
  life seen;
  application app;
  app.context([&] { return seen.context("a"); });
  app.context([&] { return seen.say("start"); }, [&] { return seen.say("stop"); });
  app.with(resource{&seen});
  app.context([&](const application&) { return seen.context("b"); });
  app.on_startup.append([&] { return seen.say("startup"); });
  app.on_shutdown.append([&](const application&) { return seen.say("shutdown"); });
  app.on_cleanup.append([&] { return seen.say("cleanup"); });
  const app_runner runner(app);
  co_await runner.setup();
  CHECK(std::exchange(seen.log, {}) == "+a start enter +b startup ");
  co_await runner.cleanup();
  CHECK(std::exchange(seen.log, {}) == "shutdown cleanup -b exit stop -a ");
  co_await runner.cleanup();
  CHECK(seen.log == "");
}

AIO_WEB_TEST("application: only contexts that started are stopped",
             "[web][application]") {
  life seen;
  application app;
  app.context([&] { return seen.context("a"); });
  app.context(
      [&]() -> aio::coro<> {
        throw test::boom();
        co_return;
      },
      [&] { return seen.say("never"); });
  app.context([&] { return seen.context("c"); });
  const app_runner runner(app);
  const std::string how = co_await test::ending(runner.setup());
  CHECK(how == "boom");
  CHECK(seen.log == "+a -a ");
  const std::string again = co_await test::ending(runner.setup());
  CHECK(again == "usage");
}

AIO_WEB_TEST("app_runner: cleanup() lets handlers end, and then cancels them",
             "[web][application]") {
  std::string log;
  application app;
  app.get("/{n}", [&](request& req) -> aio::coro<response> {
    const std::string how =
        co_await test::ending(aio::sleep(std::chrono::seconds(req.match<int>("n"))));
    log += how + " ";
    if (how == "cancelled") throw aio::cancelled_error();
    co_return response::text("done");
  });
  app.post("/", [&](request& req) -> aio::coro<response> {
    const std::string how = co_await test::ending(req.read());
    log += "read " + how + " ";
    co_return response::text("stopped");
  });
  app.on_shutdown.append([&]() -> aio::coro<> {
    log += "shutdown ";
    co_return;
  });
  const app_runner runner(app, {.shutdown_timeout = 5s});
  co_await runner.setup();
  auto idle = test::connect_to(runner);
  auto quick = test::connect_to(runner);
  quick.writer.write(request_text("GET", "/2") + request_text("GET", "/2"));
  auto stuck = test::connect_to(runner);
  stuck.writer.write(request_text("GET", "/100"));
  auto reader = test::connect_to(runner);
  reader.writer.write(request_text("POST", "/", "Content-Length: 1\r\n"));
  co_await aio::sleep(1s);
  auto cleaning = aio::create_task(runner.cleanup());
  std::string all = co_await idle.reader.read();
  CHECK(all == "");
  CHECK(log == "shutdown ");
  all = co_await quick.reader.read();
  CHECK(test::shortened(all) == test::text_response("done", "Connection: close\r\n"));
  all = co_await reader.reader.read();
  CHECK(test::shortened(all) ==
        test::text_response("stopped", "Connection: close\r\n"));
  co_await cleaning;
  CHECK(log == "shutdown returned read cancelled cancelled ");
  // 5 s for the handlers, and 5 s for those that read.
  CHECK(aio::get_running_loop().time().time_since_epoch() == 11s);
  CHECK(runner.connections() == 0);
}

AIO_WEB_TEST("request: what a client may say in a request", "[web][request]") {
  application app;
  app.get("/{x}", [](request& req) {
    std::string text;
    for (const auto& [name, value] : req.query()) text += name + "=" + value + ";";
    for (const auto& [name, value] : req.cookies()) text += name + ":" + value + ";";
    text += std::string(req.header("x-a")) + ";" + std::string(req.host()) + ";" +
            std::string(req.scheme()) + ";" + std::string(req.path()) + ";" +
            std::string(req.content_type()) + ";" + std::string(req.charset()) + ";" +
            std::to_string(req.headers().get_all("X-A").size());
    return response::text(text);
  });
  const app_runner runner(app);
  co_await runner.setup();
  const std::string body = co_await body_of(runner, "/a%20b?x=1&y=%C3%A4+b&x=&&z");
  CHECK(body == "x=1;y=\xC3\xA4 b;x=;z=;;x;http;/a b;application/octet-stream;;0");
  std::string all = co_await test::get(
      runner, "/p",
      "x-A: one\r\nX-a: two\r\nCookie: a=1; b=\"2 3\"; =; c\r\nCookie: d=4\r\n"
      "Content-Type: Text/Plain ; charset=\"UTF-8\"\r\n");
  CHECK(all.ends_with("\r\n\r\na:1;b:2 3;d:4;one;x;http;/p;Text/Plain;UTF-8;2"));
  all = co_await test::answer_to(
      runner, "GET http://other/q?z=1 HTTP/1.1\r\nHost: other\r\n\r\n");
  CHECK(all.ends_with("\r\n\r\nz=1;;other;http;/q;application/octet-stream;;0"));
  co_await runner.cleanup();
}

AIO_WEB_TEST("request: post() reads forms, with files", "[web][request]") {
  application app;
  app.post("/", [](request& req) -> aio::coro<response> {
    const aio::web::form_data& form = co_await req.post();
    std::string text;
    for (const auto& [name, value] : form) text += name + "=" + value + ";";
    for (const aio::web::form_file& one : form.files()) {
      text += one.name + ":" + one.filename + ":" + one.content_type + ":" +
              one.content + ";";
    }
    co_return response::text(text);
  });
  const app_runner runner(app);
  co_await runner.setup();
  const auto post = [&](std::string type, std::string body) {
    return test::answer_to(
        runner, request_text("POST", "/",
                             "Content-Type: " + type + "\r\nContent-Length: " +
                                 std::to_string(body.size()) + "\r\n") +
                    body);
  };
  std::string all =
      co_await post("application/x-www-form-urlencoded", "a=1&b=2+%263&a=");
  CHECK(all.ends_with("\r\n\r\na=1;b=2 &3;a=;"));
  const std::string parts =
      "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhi\r\n"
      "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a \\\"b.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\nline\r\n--X\r\n\r\n--XX--\r\nepilogue";
  all = co_await post("multipart/form-data; boundary=\"XX\"", parts);
  CHECK(all.ends_with("\r\n\r\ntext=hi;f:a \"b.txt:text/plain:line\r\n--X\r\n;"));
  all = co_await post("multipart/form-data; boundary=XX", parts.substr(0, 60));
  CHECK(all.starts_with("HTTP/1.1 400 "));
  all = co_await post("multipart/form-data", parts);
  CHECK(all.starts_with("HTTP/1.1 400 "));
  all = co_await post("text/plain", "a=1");
  CHECK(all.ends_with("\r\n\r\n"));
  co_await runner.cleanup();
}

AIO_WEB_TEST("request: json() reads what response::json() writes", "[web][request]") {
  application app;
  app.post("/map", [](request& req) -> aio::coro<response> {
    auto numbers = co_await req.json<std::map<std::string, int>>();
    numbers["sum"] = numbers["a"] + numbers["b"];
    co_return response::json(numbers);
  });
  app.post("/any", [](request& req) -> aio::coro<response> {
    const auto value = co_await req.json<boost::json::value>();
    co_return response::json(value, 201);
  });
  const app_runner runner(app);
  co_await runner.setup();
  const auto post = [&](std::string path, std::string body) {
    return test::answer_to(
        runner,
        request_text("POST", path,
                     "Content-Length: " + std::to_string(body.size()) + "\r\n") +
            body);
  };
  std::string all = co_await post("/map", "{\"a\": 1, \"b\": 2}");
  CHECK(all.find("Content-Type: application/json; charset=utf-8\r\n") != all.npos);
  CHECK(all.ends_with("\r\n\r\n{\"a\":1,\"b\":2,\"sum\":3}"));
  all = co_await post("/any", "[null, \"x\"]");
  CHECK(all.starts_with("HTTP/1.1 201 Created\r\n"));
  CHECK(all.ends_with("[null,\"x\"]"));
  all = co_await post("/any", "[null");
  CHECK(all.starts_with("HTTP/1.1 400 "));
  all = co_await post("/map", "[]");
  CHECK(all.starts_with("HTTP/1.1 400 "));
  co_await runner.cleanup();
}

AIO_WEB_TEST("response: cookies are set and deleted, and cannot break out",
             "[web][request]") {
  application app;
  app.get("/", [](request&) {
    response resp = response::text("");
    resp.set_cookie(
        "a", "1 2",
        {.max_age = 60s, .secure = true, .httponly = true, .samesite = "Lax"});
    resp.del_cookie("b");
    CHECK_THROWS_AS(resp.set_cookie("c", "x\r\ny"), std::invalid_argument);
    CHECK_THROWS_AS(resp.set_cookie("c d", "x"), std::invalid_argument);
    CHECK_THROWS_AS(resp.set_cookie("c", "x", {.path = "/;x"}), std::invalid_argument);
    CHECK_THROWS_AS(resp.headers().set("X", "a\nb"), std::invalid_argument);
    CHECK_THROWS_AS(resp.set_status(200, "a\nb"), std::invalid_argument);
    return resp;
  });
  const app_runner runner(app);
  co_await runner.setup();
  const std::string all = co_await test::get(runner, "/");
  CHECK(all.find("Set-Cookie: a=\"1 2\"; Max-Age=60; Path=/; Secure; HttpOnly; "
                 "SameSite=Lax\r\n") != all.npos);
  CHECK(all.find("Set-Cookie: b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; "
                 "Path=/\r\n") != all.npos);
  co_await runner.cleanup();
}
