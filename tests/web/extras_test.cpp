// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/web/app_runner.hpp>
#include <aio/web/format_logger.hpp>
#include <aio/web/multipart_reader.hpp>
#include <aio/web/normalize_path.hpp>
#include <aio/web/sse_response.hpp>

#include <support/tools.hpp>
#include <support/web.hpp>

#if AIO_WITH_ZLIB
#include <zlib.h>
#endif

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

using aio::web::app_runner;
using aio::web::application;
using aio::web::request;
using aio::web::response;
using namespace std::chrono_literals;
using test::request_text;

AIO_WEB_TEST("sse_response: events, with lines, names and pings", "[web][sse]") {
  application app;
  std::string refused;
  app.get("/", [&](request& req) -> aio::coro<response> {
    aio::web::sse_response events;
    co_await events.prepare(req);
    co_await events.send("one");
    co_await events.send("two\nlines\r\n", {.event = "e", .id = "7", .retry = 3s});
    co_await events.ping();
    try {
      co_await events.send("x", {.event = "a\nb"});
    } catch (const std::invalid_argument&) {
      refused = "refused";
    }
    co_return events;
  });
  const app_runner runner(app);
  co_await runner.setup();
  const std::string all =
      co_await test::answer_to(runner, "GET / HTTP/1.0\r\nHost: x\r\n\r\n");
  CHECK(all.find("Content-Type: text/event-stream\r\n") != all.npos);
  CHECK(
      all.ends_with("\r\n\r\ndata: one\r\n\r\nid: 7\r\nevent: e\r\ndata: two\r\n"
                    "data: lines\r\ndata: \r\nretry: 3000\r\n\r\n: ping\r\n\r\n"));
  CHECK(refused == "refused");
  co_await runner.cleanup();
}

AIO_WEB_TEST("format_logger: what clients say cannot forge a line", "[web][log]") {
  std::string text;
  aio::web::format_logger log([&](std::string_view line) { text += line; },
                              "%a \"%r\" %s %T %D %Tf %{X}i %{Y}i 100%%");
  application app;
  app.get("/{x}", [](request&) -> aio::coro<response> {
    co_await aio::sleep(1500ms);
    co_return response::text("");
  });
  const app_runner runner(app, {.limits = {.access_log = &log}});
  co_await runner.setup();
  static_cast<void>(co_await test::get(runner, "/a\"b?c", "X: \"\xC3\xA4\\\r\n"));
  CHECK(text ==
        "192.0.2.1 \"GET /a\\x22b?c HTTP/1.1\" 200 1 1500000 1.500000 "
        "\\x22\\xc3\\xa4\\x5c - 100%\n");
  CHECK_THROWS_AS(aio::web::format_logger([](std::string_view) {}, "%q"),
                  std::invalid_argument);
  CHECK_THROWS_AS(aio::web::format_logger([](std::string_view) {}, "%{X}"),
                  std::invalid_argument);
  co_await runner.cleanup();
}

AIO_WEB_TEST("multipart_reader: parts as they come, cut at any place",
             "[web][multipart]") {
  application app({.client_max_size = 10});
  app.post("/", [](request& req) -> aio::coro<response> {
    std::string text;
    aio::web::multipart_reader parts(req);
    while (auto part = co_await parts.next()) {
      text += part->name + "," + part->filename + "," + part->content_type + "=";
      if (part->name == "skip") continue;
      const std::string content = co_await parts.read();
      text += content.size() < 20 ? content : std::to_string(content.size());
      text += ";";
    }
    co_return response::text(text);
  });
  const app_runner runner(app);
  co_await runner.setup();
  const std::string body =
      "preamble\r\n--B\r\nContent-Disposition: form-data; name=a\r\n\r\none\r\n--x\r\n"
      "--B \r\nContent-Disposition: form-data; name=\"skip\"\r\n\r\n" +
      std::string(5000, 's') +
      "\r\n--B\r\nContent-Disposition: form-data; name=f; filename=\"f.bin\"\r\n"
      "Content-Type: x/y\r\n\r\n" +
      std::string(3000, '\r') +
      "\r\n--B\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--B--\r\nrest";
  const auto post = [&](const std::string& what, std::size_t piece) {
    return test::answer_to(
        runner,
        request_text("POST", "/",
                     "Content-Type: multipart/form-data; boundary=B\r\n"
                     "Content-Length: " +
                         std::to_string(what.size()) + "\r\n") +
            what,
        piece);
  };
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100000U}) {
    CAPTURE(piece);
    const std::string all = co_await post(body, piece);
    CHECK(
        all.ends_with("\r\n\r\na,,text/plain=one\r\n--x;skip,,text/plain="
                      "f,f.bin,x/y=3000;empty,,text/plain=;"));
  }
  for (const std::size_t size : {0U, 20U, 60U, 5000U}) {
    CAPTURE(size);
    const std::string all = co_await post(body.substr(0, size), 100000);
    CHECK(all.starts_with("HTTP/1.1 400 "));
  }
  co_await runner.cleanup();
}

AIO_WEB_TEST("normalize_path: sends clients to the path with a route",
             "[web][multipart]") {
  application app;
  app.use(aio::web::normalize_path);
  app.get("/a/", [](request&) { return response::text("a/"); });
  app.get("/b", [](request&) { return response::text("b"); });
  const app_runner runner(app);
  co_await runner.setup();
  std::string all = co_await test::get(runner, "/a?x=1");
  CHECK(all.starts_with("HTTP/1.1 308 "));
  CHECK(all.find("Location: /a/?x=1\r\n") != all.npos);
  all = co_await test::get(runner, "/b/");
  CHECK(all.find("Location: /b\r\n") != all.npos);
  all = co_await test::get(runner, "/b");
  CHECK(all.ends_with("\r\n\r\nb"));
  for (const char* path : {"/c", "/c/", "//a", "/"}) {
    all = co_await test::get(runner, path);
    CHECK(all.starts_with("HTTP/1.1 404 "));
  }
  co_await runner.cleanup();
}

AIO_WEB_TEST("response: its framing is the server's to say", "[web][response]") {
  application app;
  app.get("/", [](request&) {
    response resp = response::text("four");
    resp.headers().set("Content-Length", "400");
    resp.headers().set("Transfer-Encoding", "chunked");
    resp.headers().set("Connection", "upgrade");
    resp.headers().set("X-Mine", "1");
    return resp;
  });
  app.get("/own", [](request&) {
    response resp = response::text("own");
    resp.headers().set("Content-Type", "text/x").set("Date", "never");
    resp.set_status(299, "Fine");
    resp.force_close();
    return resp;
  });
  const app_runner runner(app);
  co_await runner.setup();
  std::string all = co_await test::get(runner, "/");
  CHECK(all ==
        "HTTP/1.1 200 OK\r\nX-Mine: 1\r\n" + test::text_response("four").substr(17));
  all = co_await test::get(runner, "/own");
  CHECK(all ==
        "HTTP/1.1 299 Fine\r\nContent-Type: text/x\r\nContent-Length: 3\r\n"
        "Connection: close\r\n\r\nown");
  co_await runner.cleanup();
}

TEST_CASE("compression: which codings a client takes", "[web][compression]") {
  using aio::web::detail::accepts_coding;
  CHECK(accepts_coding("gzip", "gzip"));
  CHECK(accepts_coding("br, GZIP;q=0.5", "gzip"));
  CHECK_FALSE(accepts_coding("gzip;q=0, deflate", "gzip"));
  CHECK_FALSE(accepts_coding("gzip; q=0.000", "gzip"));
  CHECK_FALSE(accepts_coding("xgzip,", "gzip"));
  CHECK_FALSE(accepts_coding("", "gzip"));
}

#if AIO_WITH_ZLIB

namespace {

std::string inflated(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(::inflateInit2(&stream, MAX_WBITS + 32) == Z_OK);
  std::string out(4'000'000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(::inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::inflateEnd(&stream);
  return out;
}

}  // namespace

AIO_WEB_TEST("compression: of bodies and of streams, for who takes it",
             "[web][compression]") {
  std::string text;
  while (text.size() < 300'000) text += std::to_string(text.size()) + " ";
  application app;
  app.get("/{size}", [&](request& req) {
    response resp = response::text(text.substr(0, req.match<std::size_t>("size")));
    resp.enable_compression();
    return resp;
  });
  app.get("/stream/x", [&](request& req) -> aio::coro<response> {
    aio::web::stream_response resp;
    resp.enable_compression();
    co_await resp.prepare(req);
    co_await resp.write("first ");
    co_await resp.write(text);
    co_return resp;
  });
  const app_runner runner(app);
  co_await runner.setup();
  const auto body_of = [](const std::string& all) {
    return all.substr(all.find("\r\n\r\n") + 4);
  };
  for (const std::size_t size : {100U, 300'000U}) {
    for (const char* coding : {"gzip", "deflate"}) {
      const std::string all =
          co_await test::get(runner, "/" + std::to_string(size),
                             "Accept-Encoding: " + std::string(coding) + "\r\n");
      CHECK(all.find("Content-Encoding: " + std::string(coding) + "\r\n") != all.npos);
      CHECK(inflated(body_of(all)) == text.substr(0, size));
    }
  }
  std::string all = co_await test::get(runner, "/100");
  CHECK(body_of(all) == text.substr(0, 100));
  CHECK(all.find("Vary: Accept-Encoding\r\n") != all.npos);
  all = co_await test::answer_to(
      runner, "GET /stream/x HTTP/1.0\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(inflated(body_of(all)) == "first " + text);
  co_await runner.cleanup();
}

#endif
