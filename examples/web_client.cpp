// web_client: the ways of asking a web server, in the manner of aiohttp's client. The
// server is in the same program, so that it always answers the same.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/http.hpp>
#include <aio/web.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace http = aio::http;
namespace web = aio::web;
using namespace std::chrono_literals;

// [page]
// async with session.get(url) as resp: print(resp.status, await resp.text())
aio::coro<> one_page(http::client_session& session) {
  auto resp = co_await session.get("/hello");
  fmt::print("{} {}\n", resp.status(), resp.content_type());
  const std::string text = co_await resp.text();
  fmt::print("{}\n", text);
}
// [/page]

// [query]
// session.get(url, params=…, headers=…)
aio::coro<> a_query(http::client_session& session) {
  const http::parameters query{{"q", "two words"}, {"page", "2"}};
  const http::headers fields{{"X-Trace", "7"}};
  auto resp = co_await session.get("/echo", {.params = query, .headers = fields});
  const std::string text = co_await resp.text();
  fmt::print("{}\n", text);
}
// [/query]

// [json]
// async with session.post(url, json={…}) as resp: await resp.json()
aio::coro<> some_json(http::client_session& session) {
  const boost::json::value order = {{"item", "tea"}, {"count", 2}};
  auto resp = co_await session.post("/json", {.json = order});
  const boost::json::value answer = co_await resp.json();
  fmt::print("total {}\n", answer.at("total").as_int64());
}
// [/json]

// [many]
// await asyncio.gather(*(fetch(session, url) for url in urls))
aio::coro<std::size_t> size_of(http::client_session& session, std::string url) {
  auto resp = co_await session.get(url);
  const std::string body = co_await resp.read();
  co_return body.size();
}

aio::coro<> many_pages(http::client_session& session) {
  std::vector<aio::coro<std::size_t>> all;
  for (int i = 1; i <= 10; ++i) {
    all.push_back(size_of(session, fmt::format("/bytes/{}", i * 1000)));
  }
  const std::vector<std::size_t> sizes = co_await aio::gather(std::move(all));
  std::size_t sum = 0;
  for (const std::size_t size : sizes) sum += size;
  fmt::print("{} bytes in {} pages\n", sum, sizes.size());
}
// [/many]

// [down]
// async for chunk in resp.content.iter_any(): …
aio::coro<> streamed_down(http::client_session& session) {
  auto resp = co_await session.get("/bytes/5000000");
  std::size_t size = 0;
  while (auto piece = co_await resp.chunk()) size += piece->size();
  fmt::print("{} bytes, piece by piece\n", size);
}
// [/down]

// [up]
// session.post(url, data=numbers())
aio::async_generator<std::string> numbers() {
  for (int i = 0; i < 1000; ++i) co_yield fmt::format("{}\n", i);
}

aio::coro<> streamed_up(http::client_session& session) {
  auto body = numbers();
  auto resp = co_await session.post("/size", {.stream = &body});
  const std::string text = co_await resp.text();
  fmt::print("the server got {} bytes\n", text);
}
// [/up]

// [errors]
// except aiohttp.ClientResponseError / ServerTimeoutError / ClientConnectorError
aio::coro<> what_goes_wrong(http::client_session& session) {
  try {
    co_await session.get("/nowhere", {.raise_for_status = true});
  } catch (const http::client_response_error& e) {
    fmt::print("status {}: {}\n", e.status(), e.message());
  }
  try {
    const http::client_timeout limit{.total = 50ms};
    co_await session.get("/slow", {.timeout = limit});
  } catch (const aio::timeout_error& e) {
    fmt::print("{}\n", e.what());
  }
  try {
    co_await session.get("http://127.0.0.1:1/");
  } catch (const http::client_error& e) {
    fmt::print("{}\n", e.what());
  }
}
// [/errors]

aio::coro<web::response> hello(web::request&) {
  co_return web::response::text("Hello, World!");
}
aio::coro<web::response> echo(web::request& req) {
  co_return web::response::text(fmt::format("{} with {}", req.target(),
                                            req.headers().get("X-Trace", "no trace")));
}
aio::coro<web::response> total(web::request& req) {
  const auto order = co_await req.json<boost::json::value>();
  const boost::json::value answer = {{"total", 3 * order.at("count").as_int64()}};
  co_return web::response::json(answer);
}
aio::coro<web::response> bytes(web::request& req) {
  co_return web::response::bytes(
      std::string(std::stoul(std::string(req.match_info("n"))), 'x'));
}
aio::coro<web::response> size(web::request& req) {
  const std::string& body = co_await req.read();
  co_return web::response::text(std::to_string(body.size()));
}
aio::coro<web::response> slow(web::request&) {
  co_await aio::sleep(1h);
  co_return web::response::text("at last");
}

aio::coro<> run() {
  web::application app;
  app.get("/hello", hello);
  app.get("/echo", echo);
  app.post("/json", total);
  app.get("/bytes/{n}", bytes);
  app.post("/size", size);
  app.get("/slow", slow);
  web::app_runner runner(app, {.limits = {.handler_cancellation = true}});
  co_await runner.setup();
  web::tcp_site site(runner, "127.0.0.1", 0);
  co_await site.start();

  // [session]
  // async with aiohttp.ClientSession(base_url=…) as session: …
  const std::string base = site.name();
  co_await aio::with(http::client_session({.base_url = base}),
                     [](http::client_session& session) -> aio::coro<> {
                       co_await one_page(session);
                       co_await a_query(session);
                       co_await some_json(session);
                       co_await many_pages(session);
                       co_await streamed_down(session);
                       co_await streamed_up(session);
                       co_await what_goes_wrong(session);
                     });
  // [/session]
  co_await runner.cleanup();
}

int main() { aio::run(run()); }
