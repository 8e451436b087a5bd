// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/web/static_files.hpp>

#include <aio/web/app_runner.hpp>
#include <aio/web/detail/file_answer.hpp>

#include <support/tools.hpp>
#include <support/tree.hpp>
#include <support/web.hpp>

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using aio::web::app_runner;
using aio::web::application;
using aio::web::request;
using aio::web::response;
using test::request_text;

namespace {

/// The status, and the body if there is one.
std::string in_short(const std::string& all) {
  return all.substr(9, 3) + " " + all.substr(all.find("\r\n\r\n") + 4);
}

std::string range_of(std::string_view text, std::uint64_t size) {
  const auto found = aio::web::detail::parse_range(text, size);
  if (!found) return "all";
  return std::to_string(found->first) + ".." + std::to_string(found->second);
}

}  // namespace

TEST_CASE("static_files: which bytes a range is", "[web][static]") {
  CHECK(range_of("bytes=0-3", 10) == "0..4");
  CHECK(range_of("bytes=3-", 10) == "3..10");
  CHECK(range_of("Bytes= 3-99", 10) == "3..10");
  CHECK(range_of("bytes=-4", 10) == "6..10");
  CHECK(range_of("bytes=-40", 10) == "0..10");
  CHECK(range_of("bytes=10-", 10) == "10..10");
  CHECK(range_of("bytes=-0", 10) == "10..10");
  CHECK(range_of("bytes=0-18446744073709551615", 10) == "0..10");
  for (const char* other :
       {"", "lines=1-2", "bytes=", "bytes=-", "bytes=3-2", "bytes=1-2,4-5", "bytes=x-2",
        "bytes=1-2x", "bytes=+1-2", "bytes=99999999999999999999-"}) {
    CAPTURE(other);
    CHECK(range_of(other, 10) == "all");
  }
}

AIO_WEB_TEST("static_files: serves what is in the folder and nothing else",
             "[web][static]") {
  const test::tree folder;
  folder.add("public/a.txt", "text of a");
  folder.add("public/sub/b b.html", "<b>");
  folder.add("secret.txt", "secret");
  folder.link("../secret.txt", "public/out");
  folder.link("a.txt", "public/in");
  folder.link("..", "public/up");
  folder.link("loop", "public/loop");
  REQUIRE(::mkfifo((folder / "public/pipe").c_str(), 0600) == 0);
  application app;
  app.static_files("/s/", folder / "public", {.name = "static"});
  app.static_files("/f", folder / "public", {.follow_symlinks = true});
  CHECK(app.url_for("static", {{"filename", "a.txt"}}) == "/s/a.txt");
  CHECK_THROWS_AS(app.static_files("/n", folder / "nothing"), std::exception);
  const app_runner runner(app);
  co_await runner.setup();
  const auto get = [&](std::string path) { return test::get(runner, std::move(path)); };
  std::string all = co_await get("/s/a.txt");
  CHECK(in_short(all) == "200 text of a");
  CHECK(all.find("Content-Type: text/plain; charset=utf-8\r\n") != all.npos);
  CHECK(all.find("Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\n") != all.npos);
  all = co_await get("/s/sub/b%20b.html");
  CHECK(in_short(all) == "200 <b>");
  all = co_await get("/s/in");
  CHECK(in_short(all) == "200 text of a");
  all = co_await get("/f/out");
  CHECK(in_short(all) == "200 secret");
  for (const char* path :
       {"/s/nothing", "/s/../secret.txt", "/s/%2e%2e/secret.txt", "/s/..%2fsecret.txt",
        "/s/sub/../../secret.txt", "/s/out", "/s/up/secret.txt", "/s//etc/passwd",
        "/s/%2fetc/passwd", "/s/a.txt%00.html", "/s/loop", "/s/a.txt/", "/s"}) {
    CAPTURE(path);
    all = co_await get(path);
    CHECK(in_short(all) == "404 404: Not Found");
  }
  for (const char* path : {"/s/", "/s/sub", "/s/sub/", "/s/pipe"}) {
    CAPTURE(path);
    all = co_await get(path);
    CHECK(in_short(all) == "403 403: Forbidden");
  }
  co_await runner.cleanup();
}

AIO_WEB_TEST("static_files: conditions and ranges, as the standard orders them",
             "[web][static]") {
  const test::tree folder;
  folder.add("a", "0123456789");
  application app;
  app.static_files("/s", folder / "");
  const app_runner runner(app);
  co_await runner.setup();
  const auto get = [&](std::string more) {
    return test::get(runner, "/s/a", std::move(more));
  };
  std::string all = co_await get("");
  const std::size_t at = all.find("ETag: ") + 6;
  const std::string etag = all.substr(at, all.find("\r\n", at) - at);
  const std::string changed = "Sat, 01 Jan 2000 00:00:00 GMT\r\n";
  const std::string before = "Fri, 31 Dec 1999 23:59:59 GMT\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {"If-None-Match: " + etag + "\r\n", "304 "},
      {"If-None-Match: \"x\", W/" + etag + "\r\n", "304 "},
      {"If-None-Match: *\r\n", "304 "},
      {"If-None-Match: \"x\"\r\nIf-Modified-Since: " + changed, "200 0123456789"},
      {"If-Modified-Since: " + changed, "304 "},
      {"If-Modified-Since: " + before, "200 0123456789"},
      {"If-Match: " + etag + "\r\n", "200 0123456789"},
      {"If-Match: W/" + etag + "\r\n", "412 412: Precondition Failed"},
      {"If-Unmodified-Since: " + before, "412 412: Precondition Failed"},
      {"If-Unmodified-Since: " + changed, "200 0123456789"},
      {"Range: bytes=2-4\r\n", "206 234"},
      {"Range: bytes=-2\r\n", "206 89"},
      {"Range: bytes=10-\r\n", "416 "},
      {"Range: bytes=2-1\r\n", "200 0123456789"},
      {"Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n", "206 234"},
      {"Range: bytes=2-4\r\nIf-Range: \"x\"\r\n", "200 0123456789"},
      {"Range: bytes=2-4\r\nIf-Range: " + changed, "206 234"},
      {"Range: bytes=2-4\r\nIf-Range: " + before, "200 0123456789"},
      {"Range: bytes=2-4\r\nIf-None-Match: " + etag + "\r\n", "304 "},
  };
  for (const auto& [fields, expected] : cases) {
    CAPTURE(fields);
    all = co_await get(fields);
    CHECK(in_short(all) == expected);
  }
  all = co_await get("Range: bytes=2-4\r\n");
  CHECK(all.find("Content-Range: bytes 2-4/10\r\n") != all.npos);
  CHECK(all.find("Content-Length: 3\r\n") != all.npos);
  all = co_await get("Range: bytes=10-\r\n");
  CHECK(all.find("Content-Range: bytes */10\r\n") != all.npos);
  all = co_await test::answer_to(runner, request_text("HEAD", "/s/a"));
  CHECK(all.find("Content-Length: 10\r\n") != all.npos);
  CHECK(all.ends_with("\r\n\r\n"));
  co_await runner.cleanup();
}

AIO_WEB_TEST("static_files: the compressed file beside it is for who takes it",
             "[web][static]") {
  const test::tree folder;
  folder.add("a.txt", "plain");
  folder.add("a.txt.gz", "compressed");
  folder.add("lonely.gz", "alone");
  application app;
  app.static_files("/s", folder / "");
  const app_runner runner(app);
  co_await runner.setup();
  const std::string takes = "Accept-Encoding: gzip\r\n";
  std::string all = co_await test::get(runner, "/s/a.txt", takes);
  CHECK(in_short(all) == "200 compressed");
  CHECK(all.find("Content-Encoding: gzip\r\n") != all.npos);
  CHECK(all.find("Content-Type: text/plain; charset=utf-8\r\n") != all.npos);
  all = co_await test::get(runner, "/s/a.txt");
  CHECK(in_short(all) == "200 plain");
  all = co_await test::get(runner, "/s/lonely.gz", takes);
  CHECK(in_short(all) == "200 alone");
  all = co_await test::get(runner, "/s/lonely", takes);
  CHECK(in_short(all) == "404 404: Not Found");
  co_await runner.cleanup();
}

AIO_WEB_TEST("static_files: a large file, and a part of it", "[web][static]") {
  const test::tree folder;
  std::string text;
  while (text.size() < 3'000'000) text += std::to_string(text.size()) + " ";
  folder.add("large", text);
  application app;
  app.static_files("/s", folder / "");
  const app_runner runner(app);
  co_await runner.setup();
  std::string all = co_await test::answer_to(
      runner, request_text("GET", "/s/large", "Range: bytes=1000-2000999\r\n") +
                  request_text("HEAD", "/s/large") + request_text("GET", "/s/large"));
  REQUIRE(all.size() > 5'000'000);
  const std::size_t body = all.find("\r\n\r\n") + 4;
  CHECK(all.substr(body, 2'000'000) == text.substr(1000, 2'000'000));
  CHECK(all.substr(body + 2'000'000, 12) == "HTTP/1.1 200");
  CHECK(all.ends_with("\r\n\r\n" + text));
  co_await runner.cleanup();
}
