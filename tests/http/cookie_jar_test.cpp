// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/http/cookie_jar.hpp>

#include <aio/http/detail/inflate.hpp>
#include <aio/http/form_data.hpp>
#include <aio/http/parameters.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using aio::http::cookie_jar;
using aio::http::detail::parse_url;

namespace {

const auto now = std::chrono::system_clock::time_point(784111777s);

/// What is sent to `to` after `from` has sent this.
std::string sent(std::string_view set_cookie, std::string_view from,
                 std::string_view to, std::chrono::seconds later = 0s) {
  cookie_jar jar;
  jar.update(set_cookie, parse_url(from), now);
  return jar.header_for(parse_url(to), now + later);
}

}  // namespace

TEST_CASE("cookie_jar: a cookie goes where it belongs", "[http][cookie_jar]") {
  const auto on = [](std::string_view cookie, std::string_view to) {
    return sent(cookie, "http://www.a.example/x/y", to);
  };
  CHECK(on("n=v", "http://www.a.example/x/z") == "n=v");
  CHECK(on("n=v", "http://www.a.example/x") == "n=v");
  CHECK(on("n=v", "http://www.a.example/xx") == "");
  CHECK(on("n=v", "http://www.a.example/") == "");
  CHECK(on("n=v; path=/", "http://www.a.example/") == "n=v");
  CHECK(on("n=v; path=relative", "http://www.a.example/x/") == "n=v");
  CHECK(on("n=v; Path=/", "http://a.example/") == "");
  CHECK(on("n=v; Path=/", "http://b.www.a.example/") == "");
  CHECK(on("n=v; Path=/; Domain=a.example", "http://a.example/") == "n=v");
  CHECK(on("n=v; Path=/; Domain=.A.example", "http://b.a.example/") == "n=v");
  CHECK(on("n=v; Path=/; Domain=a.example", "http://ba.example/") == "");
  CHECK(on("n=v; Path=/; Domain=b.example", "http://b.example/") == "");
  CHECK(on("n=v; Path=/; Domain=example", "http://b.example/") == "");
  CHECK(on("n=v; Path=/; Domain=ww.a.example", "http://ww.a.example/") == "");
  CHECK(on("n=v; Secure", "https://www.a.example/x/") == "");
  CHECK(sent("n=v; Secure", "https://a.example/", "https://a.example/") == "n=v");
  CHECK(sent("n=v; Secure", "https://a.example/", "http://a.example/") == "");
}

TEST_CASE("cookie_jar: what is no cookie is ignored", "[http][cookie_jar]") {
  const std::string_view at = "http://a.example/";
  CHECK(sent("nothing", at, at) == "");
  CHECK(sent("=v", at, at) == "");
  CHECK(sent("", at, at) == "");
  CHECK(sent(";;;", at, at) == "");
  CHECK(sent("n=" + std::string(5000, 'x'), at, at) == "");
  CHECK(sent(" n = v ;;x; =; max-age", at, at) == "n=v");
  CHECK(sent("n=a=b", at, at) == "n=a=b");
  CHECK(sent("n=", at, at) == "n=");
  CHECK(sent("n=v", "http://127.0.0.1/", "http://127.0.0.1/") == "");
  CHECK(sent("n=v", "http://[::1]/", "http://[::1]/") == "");
}

TEST_CASE("cookie_jar: cookies end", "[http][cookie_jar]") {
  const std::string_view at = "http://a.example/";
  CHECK(sent("n=v; Max-Age=10", at, at, 9s) == "n=v");
  CHECK(sent("n=v; Max-Age=10", at, at, 10s) == "");
  CHECK(sent("n=v; Max-Age=0", at, at) == "");
  CHECK(sent("n=v; Max-Age=-1", at, at) == "");
  CHECK(sent("n=v; Max-Age=x", at, at, 1000s) == "n=v");
  CHECK(sent("n=v; Expires=Sun, 06 Nov 1994 08:49:40 GMT", at, at, 2s) == "n=v");
  CHECK(sent("n=v; Expires=Sun, 06 Nov 1994 08:49:40 GMT", at, at, 3s) == "");
  CHECK(sent("n=v; Max-Age=9; Expires=Sun, 06 Nov 1994 08:49:40 GMT", at, at, 5s) ==
        "n=v");
  cookie_jar jar;
  const auto url = parse_url(at);
  jar.update("a=1", url, now);
  jar.update("b=2", url, now);
  jar.update("a=3", url, now);
  CHECK(jar.header_for(url, now) == "b=2; a=3");
  jar.update("b=x; Max-Age=0", url, now);
  CHECK(jar.header_for(url, now) == "a=3");
  for (int i = 0; i < 4000; ++i) jar.update("n" + std::to_string(i) + "=v", url, now);
  CHECK(jar.size() == 3000);
}

TEST_CASE("parameters: are written as forms are", "[http][parameters]") {
  aio::http::parameters all{{"a b", "c&d=e"}};
  all.add("~-._", "\xc3\xa9\n");
  CHECK(all.encoded() == "a+b=c%26d%3De&~-._=%C3%A9%0A");
  CHECK(aio::http::parameters().encoded() == "");
}

TEST_CASE("form_data: is written in parts, and no name can end one",
          "[http][form_data]") {
  aio::http::form_data form;
  form.add_field("a", "1\r\n2").add_file("f\"\r\nX: y", "g\n\".txt", "bytes", "text/x");
  const std::string type = form.content_type();
  REQUIRE(type.starts_with("multipart/form-data; boundary="));
  const std::string mark = "--" + type.substr(type.find('=') + 1);
  CHECK(form.body() ==
        mark + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n" +
            mark +
            "\r\nContent-Disposition: form-data; name=\"f%22%0D%0AX: y\"; "
            "filename=\"g%0A%22.txt\"\r\nContent-Type: text/x\r\n\r\nbytes\r\n" +
            mark + "--\r\n");
  CHECK_THROWS_AS(form.add_file("f", "g", "b", "text/x\r\nX: y"),
                  aio::http::invalid_header);
  CHECK(aio::http::form_data().content_type() != type);
}

TEST_CASE("request_url: takes URLs apart", "[http][request_url]") {
  auto url = parse_url("HTTP://User:p%40ss@Example.ORG:8080/a/../b?q=1#frag");
  CHECK(url.host == "example.org");
  CHECK(url.port == 8080);
  CHECK(url.user == "User");
  CHECK(url.password == "p@ss");
  CHECK(url.text() == "http://example.org:8080/a/../b?q=1");
  url = parse_url("https://[::1]");
  CHECK(url.is_tls);
  CHECK(url.host == "::1");
  CHECK(url.host_field() == "[::1]");
  CHECK(url.target == "/");
  CHECK(parse_url("http://h:80/").host_field() == "h");
  CHECK(parse_url("http://h:443/").host_field() == "h:443");
  CHECK(parse_url("http://h?x").target == "/?x");
  CHECK(parse_url("ws://h/x").text() == "http://h/x");
  CHECK(parse_url("http://h/\xc3\xa9\"<>^`{|}%zz%20").target ==
        "/%C3%A9%22%3C%3E%5E%60%7B%7C%7D%25zz%20");
  CHECK(parse_url("../c?d", "http://h/a/b").text() == "http://h/c?d");
  CHECK(parse_url("//other/x", "https://h/a").text() == "https://other/x");
  CHECK(parse_url("?q", "http://h/a/b").text() == "http://h/a/b?q");
  CHECK(parse_url("/a b", "http://h/", true).target == "/a%20b");
}

#if AIO_WITH_ZLIB

namespace {

std::string compressed(std::string_view text, int window) {
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) ==
          Z_OK);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string inflated(std::string_view bytes, std::size_t segment, bool* is_complete) {
  aio::http::detail::inflater inflater;
  std::string out;
  while (!bytes.empty()) {
    std::string_view input = bytes.substr(0, segment);
    bytes.remove_prefix(input.size());
    while (!input.empty() || inflater.has_more()) inflater.decode(input, out, 1000);
  }
  *is_complete = inflater.is_complete();
  return out;
}

}  // namespace

TEST_CASE("inflate: gzip, zlib and bare deflate, in any segments", "[http][inflate]") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i * i);
  for (const int window : {15 + 16, 15, -15}) {
    const std::string bytes = compressed(text, window);
    bool is_complete = false;
    for (const std::size_t segment : {std::size_t(1), std::size_t(7), bytes.size()}) {
      CHECK((inflated(bytes, segment, &is_complete) == text));
      CHECK(is_complete);
    }
    CHECK((inflated(bytes + bytes, 100, &is_complete) == text + text));
    inflated(std::string_view(bytes).substr(0, bytes.size() - 20), 50, &is_complete);
    CHECK_FALSE(is_complete);
    std::string damaged = bytes;
    damaged[bytes.size() / 2] = static_cast<char>(damaged[bytes.size() / 2] ^ 0x55);
    damaged[bytes.size() / 2 + 1] = static_cast<char>(damaged[bytes.size() / 2] ^ 0x2a);
    bool is_refused = false;
    try {
      is_refused = inflated(damaged, 100, &is_complete) != text || !is_complete;
    } catch (const aio::http::client_payload_error&) {
      is_refused = true;
    }
    CHECK(is_refused);
  }
}

#endif
