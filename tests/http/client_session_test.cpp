// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/http/client_session.hpp>

#include <aio/task/gather.hpp>
#include <aio/task/task.hpp>
#include <aio/task/with.hpp>

#include <support/http_peer.hpp>
#include <support/net.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::http::client_response;
using aio::http::client_session;
using Catch::Matchers::ContainsSubstring;
using test::hang_up;
using test::http_peer;
using test::ok;
using test::stay_silent;
using test::until;

namespace {

/// The name of the most special class of an error, and its text.
aio::coro<std::string> failure(aio::coro<client_response> request) {
  std::string how = "returned";
  try {
    client_response response = co_await std::move(request);
    how = "status " + std::to_string(response.status());
    co_await response.read();
    how = "read";
  } catch (const aio::http::too_many_redirects& e) {
    how = std::string("too_many_redirects: ") + e.what();
  } catch (const aio::http::client_response_error& e) {
    how = "client_response_error " + std::to_string(e.status());
  } catch (const aio::http::client_connector_error& e) {
    how = std::string("client_connector_error: ") + e.what();
  } catch (const aio::http::client_os_error&) {
    how = "client_os_error";
  } catch (const aio::http::server_disconnected_error&) {
    how = "server_disconnected_error";
  } catch (const aio::http::connection_timeout_error&) {
    how = "connection_timeout_error";
  } catch (const aio::http::socket_timeout_error&) {
    how = "socket_timeout_error";
  } catch (const aio::http::request_timeout_error&) {
    how = "request_timeout_error";
  } catch (const aio::http::client_payload_error& e) {
    how = std::string("client_payload_error: ") + e.what();
  } catch (const aio::http::non_http_url&) {
    how = "non_http_url";
  } catch (const aio::http::invalid_url&) {
    how = "invalid_url";
  } catch (const std::exception& e) {
    how = e.what();
  }
  co_return how;
}

/// May be cancelled before it has begun.
aio::coro<std::string> get_text(client_session& session, std::string url) {
  client_response response = co_await session.get(url);
  std::string text = co_await response.text();
  co_return text;
}

aio::coro<std::string> text_of(aio::coro<client_response> request) {
  client_response response = co_await std::move(request);
  std::string text = co_await response.text();
  co_return text;
}

}  // namespace

AIO_NET_TEST("client_session: gets a page", "[http][client]") {
  http_peer peer = co_await http_peer::start(
      [](auto&, auto) { return ok("hello", "X-A: b\r\nContent-Type: Text/HTML\r\n"); });
  client_session session;
  client_response resp = co_await session.get(peer.url("/a?b=c"));
  CHECK(resp.status() == 200);
  CHECK(resp.reason() == "OK");
  CHECK(resp.ok());
  CHECK(resp.headers().get("x-a") == "b");
  CHECK(resp.content_type() == "text/html");
  CHECK(resp.charset() == "utf-8");
  CHECK(resp.url() == peer.url("/a?b=c"));
  CHECK(resp.method() == "GET");
  const std::string text = co_await resp.text();
  CHECK(text == "hello");
  const std::string again = co_await resp.read();
  CHECK(again == "hello");
  const std::string host = "127.0.0.1:" + std::to_string(peer.port());
  std::string expected = "GET /a?b=c HTTP/1.1\r\nHost: " + host + "\r\nAccept: */*\r\n";
  if (aio::http::detail::can_inflate) expected += "Accept-Encoding: gzip, deflate\r\n";
  CHECK(peer.requests().at(0) == expected + "User-Agent: aio/0.1\r\n\r\n");
  co_await peer.stop();
}

AIO_NET_TEST("client_session: uses a connection again", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok("x"); });
  client_session session;
  for (int i = 0; i < 5; ++i) {
    const std::string text = co_await text_of(session.get(peer.url()));
    CHECK(text == "x");
  }
  CHECK(peer.connections() == 1);
  CHECK(session.idle_connections() == 1);
  CHECK(session.connections_in_use() == 0);
  co_await session.close();
  co_await until([&] { return peer.open() == 0; });
  CHECK(session.closed());
  CHECK_THROWS_AS(session.get(peer.url()), aio::usage_error);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: a response without a body needs no connection",
             "[http][client]") {
  http_peer peer = co_await http_peer::start([](const std::string& request, auto) {
    if (request.starts_with("HEAD")) {
      return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    }
    return std::string("HTTP/1.1 204 No Content\r\n\r\n");
  });
  client_session session;
  client_response head = co_await session.head(peer.url());
  CHECK(session.connections_in_use() == 0);
  client_response none = co_await session.delete_(peer.url());
  CHECK(session.connections_in_use() == 0);
  const std::string text = co_await none.text();
  CHECK(text == "");
  CHECK(peer.connections() == 1);
  CHECK(peer.requests().at(0).starts_with("HEAD / "));
  CHECK(peer.requests().at(1).starts_with("DELETE / "));
  co_await peer.stop();
}

AIO_NET_TEST("client_session: sends what the options say", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok(""); });
  const aio::http::headers usual{{"X-Session", "1"}, {"User-Agent", "mine"}};
  const std::string base = peer.url("/base/");
  client_session session(
      {.base_url = base, .headers = usual, .auth = {"user", "pass"}});
  const aio::http::parameters query{{"q", "two words"}, {"ä", "&="}};
  const aio::http::headers own{{"x-session", "2"}, {"X-B", "3"}, {"Accept", "text/x"}};
  const aio::http::parameters cookies{{"c", "d"}};
  co_await session.get("page?a=b",
                       {.params = query, .headers = own, .cookies = cookies});
  CHECK_THAT(
      peer.requests().back(),
      ContainsSubstring("GET /base/page?a=b&q=two+words&%C3%A4=%26%3D HTTP/1.1"));
  CHECK_THAT(peer.requests().back(), ContainsSubstring("\r\nx-session: 2\r\n"));
  CHECK_THAT(peer.requests().back(), !ContainsSubstring("X-Session: 1"));
  CHECK_THAT(peer.requests().back(), ContainsSubstring("\r\nX-B: 3\r\n"));
  CHECK_THAT(peer.requests().back(), ContainsSubstring("\r\nUser-Agent: mine\r\n"));
  CHECK_THAT(peer.requests().back(), !ContainsSubstring("*/*"));
  CHECK_THAT(peer.requests().back(), ContainsSubstring("\r\nCookie: c=d\r\n"));
  CHECK_THAT(peer.requests().back(),
             ContainsSubstring("\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));

  co_await session.post("/up", {.data = "bytes"});
  CHECK_THAT(peer.requests().back(), ContainsSubstring("POST /up HTTP/1.1"));
  CHECK_THAT(peer.requests().back(), ContainsSubstring("\r\nContent-Length: 5\r\n"));
  CHECK_THAT(peer.requests().back(), ContainsSubstring("octet-stream"));
  CHECK(peer.requests().back().ends_with("\r\n\r\nbytes"));

  co_await session.put("/up", {.form = query});
  CHECK_THAT(peer.requests().back(), ContainsSubstring("x-www-form-urlencoded"));
  CHECK(peer.requests().back().ends_with("\r\n\r\nq=two+words&%C3%A4=%26%3D"));

  co_await session.post("/empty");
  CHECK_THAT(peer.requests().back(), ContainsSubstring("\r\nContent-Length: 0\r\n"));
  co_await peer.stop();
}

AIO_NET_TEST("client_session: what cannot be sent is refused before connecting",
             "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok(""); });
  client_session session;
  const std::string url = peer.url();
  for (const std::string& bad :
       {url + "a b", url + "a\r\nX: y", url + std::string("\0", 1), url + "\\x",
        std::string("http://"), std::string("http:///x"), std::string("/relative"),
        std::string("http://h:0/"), std::string("http://h:99999/"),
        std::string("http://a,b/"), std::string("http://a%00b/"), std::string(""),
        std::string("http://h\xc3\xa9/"), std::string("http://[::1")}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(session.get(bad), aio::http::invalid_url);
  }
  CHECK_THROWS_AS(session.get("ftp://h/"), aio::http::non_http_url);
  CHECK_THROWS_AS(session.get("javascript:x"), aio::http::invalid_url);
  CHECK_THROWS_AS(session.request("G T", url), aio::http::invalid_header);
  CHECK_THROWS_AS(session.request("GET\r\nX: y", url), aio::http::invalid_header);
  const aio::http::parameters none;
  CHECK_THROWS_AS(session.post(url, {.data = "a", .form = none}),
                  std::invalid_argument);
  const aio::http::headers chunked{{"Transfer-Encoding", "chunked"}};
  CHECK_THROWS_AS(session.post(url, {.headers = chunked, .data = "a"}),
                  std::invalid_argument);
  const aio::http::headers length{{"Content-Length", "5"}};
  CHECK_THROWS_AS(session.post(url, {.headers = length, .data = "a"}),
                  std::invalid_argument);
  const aio::http::parameters cookies{{"c", "d\r\nX: y"}};
  CHECK_THROWS_AS(session.get(url, {.cookies = cookies}), aio::http::invalid_header);
  CHECK_THROWS_AS(session.get(url, {.auth = {"a:b", "c"}}), std::invalid_argument);
  CHECK(peer.connections() == 0);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: follows redirects as browsers do", "[http][client]") {
  http_peer peer = co_await http_peer::start([](const std::string& request, auto) {
    const std::size_t at = request.find(" /") + 2;
    const std::string what = request.substr(at, request.find(' ', at) - at);
    if (what == "end") return ok(request.substr(0, request.find(' ')));
    if (request.starts_with("HEAD")) return "HTTP/1.1 " + what + " x\r\n\r\n";
    return "HTTP/1.1 " + what + " x\r\nLocation: end\r\nContent-Length: 4\r\n\r\nmove";
  });
  client_session session;
  for (const char* code : {"301", "302", "303", "307", "308"}) {
    CAPTURE(code);
    const bool is_kept = code == std::string("307") || code == std::string("308");
    const std::string url = peer.url("/" + std::string(code));
    std::string text = co_await text_of(session.get(url));
    CHECK(text == "GET");
    text = co_await text_of(session.post(url, {.data = "body"}));
    CHECK(text == (is_kept ? "POST" : "GET"));
    CHECK(peer.requests().back().ends_with(is_kept ? "\r\n\r\nbody" : "\r\n\r\n"));
    text = co_await text_of(session.put(url, {.data = "body"}));
    CHECK(text == (code == std::string("303") ? "GET" : "PUT"));
    client_response resp = co_await session.head(url);
    CHECK(resp.status() == std::stoi(code));
    resp = co_await session.get(url, {.allow_redirects = false});
    CHECK(resp.status() == std::stoi(code));
    resp.release();
  }
  client_response resp = co_await session.get(peer.url("/302"));
  REQUIRE(resp.history().size() == 1);
  CHECK(resp.history()[0].status() == 302);
  CHECK(resp.history()[0].url() == peer.url("/302"));
  CHECK(resp.url() == peer.url("/end"));
  CHECK(peer.connections() == 1);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: gives up after too many redirects", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, std::size_t n) {
    return "HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: /" + std::to_string(n) +
           "\r\n\r\n";
  });
  client_session session;
  std::string how = co_await failure(session.get(peer.url()));
  CHECK(how == "too_many_redirects: 302, message='too many redirects', url='" +
                   peer.url() + "'");
  CHECK(peer.requests().size() == 10);
  how = co_await failure(session.get(peer.url(), {.max_redirects = 3}));
  CHECK(peer.requests().size() == 13);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: credentials do not go to another origin",
             "[http][client]") {
  http_peer other = co_await http_peer::start([](auto&, auto) { return ok(""); });
  const std::string away = other.url("/away");
  http_peer peer = co_await http_peer::start([&](const std::string& request, auto) {
    const bool is_first = request.find(" /1 ") != request.npos;
    return "HTTP/1.1 307 x\r\nContent-Length: 0\r\nLocation: " +
           (is_first ? std::string("/2") : away) + "\r\n\r\n";
  });
  client_session session;
  const aio::http::headers secret{{"Authorization", "Bearer x"}, {"Cookie", "a=b"}};
  co_await session.get(peer.url("/1"), {.headers = secret});
  CHECK_THAT(peer.requests().at(1), ContainsSubstring("Bearer x"));
  CHECK_THAT(other.requests().at(0), !ContainsSubstring("Bearer"));
  CHECK_THAT(other.requests().at(0), !ContainsSubstring("Cookie"));
  const aio::http::parameters cookies{{"c", "d"}};
  co_await session.get(peer.url("/1"), {.cookies = cookies, .auth = {"u", "p"}});
  CHECK_THAT(peer.requests().at(3), ContainsSubstring("Basic"));
  CHECK_THAT(other.requests().at(1), !ContainsSubstring("Basic"));
  CHECK_THAT(other.requests().at(1), !ContainsSubstring("Cookie"));
  co_await peer.stop();
  co_await other.stop();
}

AIO_NET_TEST("client_session: refuses redirects to what is no page", "[http][client]") {
  std::string location;
  http_peer peer = co_await http_peer::start([&](auto&, auto) {
    return "HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n";
  });
  client_session session;
  const std::array<std::array<const char*, 2>, 4> cases{
      {{"file:///etc/passwd", "non_http_url"},
       {"javascript:x", "non_http_url"},
       {"http://", "invalid_url"},
       {"http://[", "invalid_url"}}};
  for (const auto& [to, expected] : cases) {
    location = to;
    const std::string how = co_await failure(session.get(peer.url()));
    CHECK(how == expected);
  }
  co_await peer.stop();
}

AIO_NET_TEST("client_session: a broken body fails the read, not the request",
             "[http][client]") {
  std::string answer;
  http_peer peer = co_await http_peer::start([&](auto&, auto) { return answer; });
  client_session session;
  const std::string head = "HTTP/1.1 200 OK\r\n", close(hang_up);
  const std::array<std::array<std::string, 2>, 4> cases{
      {{head + "Content-Length: 9\r\n\r\nshort" + close,
        "the body is not complete: the server disconnected"},
       {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n" + close,
        "the body is not complete: the server disconnected"},
       {head + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        "the body is not valid: the size of a chunk is not valid"},
       {head + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc",
        "the body is not valid: a chunk is not valid"}}};
  for (const auto& [bytes, text] : cases) {
    answer = bytes;
    CAPTURE(answer);
    client_response resp = co_await session.get(peer.url());
    CHECK(resp.status() == 200);
    std::string how = co_await test::ending(resp.read());
    CHECK(how == text);
    CHECK(session.connections_in_use() == 0);
    how = co_await failure(session.get(peer.url()));
    CHECK(how == "client_payload_error: " + text);
    CHECK(session.idle_connections() == 0);
    how = co_await test::ending(resp.read());
    CHECK(how != "returned");
  }
  co_await peer.stop();
}

AIO_NET_TEST("client_session: what is no HTTP is refused", "[http][client]") {
  std::string answer;
  http_peer peer = co_await http_peer::start([&](auto&, auto) { return answer; });
  client_session session;
  for (const char* bytes :
       {"garbage", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\nX: y\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"}) {
    answer = std::string(bytes) + std::string(hang_up);
    CAPTURE(answer);
    const std::string how = co_await failure(session.get(peer.url()));
    CHECK((how == "client_response_error 400" || how == "server_disconnected_error"));
    CHECK(session.idle_connections() == 0);
  }
  answer = hang_up;
  std::string how = co_await failure(session.get(peer.url()));
  CHECK(how == "server_disconnected_error");
  const std::string url = peer.url();
  co_await peer.stop();
  how = co_await failure(session.get(url));
  CHECK_THAT(how, ContainsSubstring("client_connector_error: cannot connect to host "
                                    "127.0.0.1:"));
}

AIO_NET_TEST("client_session: bodies end where they say, or with the connection",
             "[http][client]") {
  std::string answer;
  http_peer peer = co_await http_peer::start([&](auto&, auto) { return answer; });
  client_session session;
  const std::string head = "HTTP/1.1 200 OK\r\n", close(hang_up);
  for (const std::string& bytes :
       {head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: "
               "u\r\n\r\n",
        head + "Content-Length: 5\r\n\r\nabcde", head + "\r\nabcde" + close,
        "HTTP/1.0 200 OK\r\n\r\nabcde" + close,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\n\r\n" + head +
            "Content-Length: 5\r\n\r\nabcde"}) {
    answer = bytes;
    const std::string text = co_await text_of(session.get(peer.url()));
    CHECK(text == "abcde");
    CHECK(session.idle_connections() == (bytes.ends_with(close) ? 0u : 1u));
  }
  co_await peer.stop();
}

AIO_NET_TEST("client_session: what nobody asked for spoils a connection",
             "[http][client]") {
  http_peer peer =
      co_await http_peer::start([](auto&, auto) { return ok("a") + ok("unasked"); });
  client_session session;
  for (int i = 0; i < 3; ++i) {
    const std::string text = co_await text_of(session.get(peer.url()));
    CHECK(text == "a");
  }
  CHECK(peer.connections() == 3);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: repeats once what met a connection that was closed",
             "[http][client]") {
  // The second request of a connection is not answered, as if it had come too late.
  http_peer peer = co_await http_peer::start(
      [](auto&, std::size_t n) { return n % 2 == 0 ? ok("x") : std::string(hang_up); });
  client_session session;
  std::string text = co_await text_of(session.get(peer.url()));
  CHECK(text == "x");
  text = co_await text_of(session.get(peer.url("/again")));
  CHECK(text == "x");
  CHECK(peer.requests().size() == 3);
  CHECK(peer.connections() == 2);
  // What may have had an effect is not.
  const std::string how = co_await failure(session.post(peer.url(), {.data = "a"}));
  CHECK(how == "server_disconnected_error");
  co_await peer.stop();
}

AIO_NET_TEST("client_session: connections that the server closes are not kept",
             "[http][client]") {
  http_peer peer = co_await http_peer::start(
      [](auto&, auto) { return ok("x") + std::string(hang_up); });
  client_session session;
  for (int i = 0; i < 3; ++i) {
    const std::string how = co_await failure(session.post(peer.url(), {.data = "a"}));
    CHECK(how == "read");
    co_await until([&] { return peer.open() == 0; });
    co_await test::polls(3);
  }
  CHECK(peer.requests().size() == 3);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: each time limit has its error", "[http][client]") {
  http_peer peer = co_await http_peer::start([](const std::string& request, auto) {
    if (request.find("/silent") != request.npos) return std::string(stay_silent);
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
  });
  client_session session;
  using aio::http::client_timeout;
  std::string how = co_await failure(
      session.get(peer.url("/silent"), {.timeout = client_timeout{.total = 20ms}}));
  CHECK(how == "request_timeout_error");
  how = co_await failure(
      session.get(peer.url("/silent"), {.timeout = client_timeout{.sock_read = 20ms}}));
  CHECK(how == "socket_timeout_error");
  how = co_await failure(
      session.get(peer.url("/part"), {.timeout = client_timeout{.total = 20ms}}));
  CHECK(how == "request_timeout_error");
  how = co_await failure(
      session.get(peer.url("/part"), {.timeout = client_timeout{.sock_read = 20ms}}));
  CHECK(how == "socket_timeout_error");
  CHECK(session.connections_in_use() == 0);
  CHECK(session.idle_connections() == 0);

  client_session narrow({.limit = 1});
  client_response held = co_await narrow.get(peer.url("/part"));
  how = co_await failure(
      narrow.get(peer.url("/part"), {.timeout = client_timeout{.connect = 20ms}}));
  CHECK(how == "connection_timeout_error");
  held.close();
  CHECK(narrow.connections_in_use() == 0);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: at most so many connections at once, in order",
             "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok("x"); });
  client_session session({.limit = 2});
  std::vector<aio::coro<std::string>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(text_of(session.get(peer.url("/" + std::to_string(i)))));
  }
  const std::vector<std::string> texts = co_await aio::gather(std::move(all));
  CHECK(texts == std::vector<std::string>(20, "x"));
  CHECK(peer.connections() == 2);
  CHECK_THAT(peer.requests().at(19), ContainsSubstring("/19 "));

  client_session other({.limit_per_host = 1});
  client_response held = co_await other.get(peer.url());
  auto waiting = aio::create_task(text_of(other.get(peer.url())));
  co_await test::polls(5);
  CHECK_FALSE(waiting.done());
  held.release();
  const std::string text = co_await waiting;
  CHECK(text == "x");
  co_await peer.stop();
}

AIO_NET_TEST("client_session: a request that is cancelled frees its place",
             "[http][client]") {
  http_peer peer = co_await http_peer::start([](const std::string& request, auto) {
    return request.find("/silent") != request.npos ? std::string(stay_silent) : ok("x");
  });
  client_session session({.limit = 1});
  auto first = aio::create_task(text_of(session.get(peer.url("/silent"))));
  co_await until([&] { return peer.requests().size() == 1; });
  auto second = aio::create_task(text_of(session.get(peer.url("/silent"))));
  auto third = aio::create_task(text_of(session.get(peer.url("/x"))));
  co_await test::polls(3);
  second.cancel();
  co_await test::polls(2);
  first.cancel();
  const std::string text = co_await third;
  CHECK(text == "x");
  CHECK(first.cancelled());
  CHECK(second.cancelled());
  co_await until([&] { return peer.open() == 1; });
  CHECK(session.connections_in_use() == 0);
  CHECK(peer.requests().size() == 2);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: cancelled while the body is read, the connection closes",
             "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
  });
  client_session session;
  client_response resp = co_await session.get(peer.url());
  auto reading = aio::create_task(resp.read());
  co_await test::polls(3);
  reading.cancel();
  co_await until([&] { return peer.open() == 0; });
  CHECK(reading.cancelled());
  CHECK(session.connections_in_use() == 0);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: cancelled anywhere, a request leaves nothing behind",
             "[http][client]") {
  http_peer peer = co_await http_peer::start([](const std::string& request, auto) {
    if (request.find(" /1") != request.npos) {
      return std::string("HTTP/1.1 302 x\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n");
    }
    return ok("x");
  });
  client_session session({.limit = 1});
  int finished = 0;
  for (int turns = 0; finished < 3; ++turns) {
    auto running = aio::create_task(get_text(session, peer.url("/1")));
    co_await test::turns(turns);
    running.cancel();
    co_await until([&] { return running.done(); });
    CHECK(session.connections_in_use() == 0);
    if (!running.cancelled()) ++finished;
  }
  co_await peer.stop();
}

AIO_NET_TEST("client_session: streams a body up", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok("x"); });
  client_session session;
  auto numbers = [](int count) -> aio::async_generator<std::string> {
    for (int i = 0; i < count; ++i) {
      co_await aio::sleep(0s);
      co_yield std::string(1, static_cast<char>('a' + i));
      co_yield "";
    }
  };
  auto body = numbers(3);
  std::string text = co_await text_of(session.post(peer.url(), {.stream = &body}));
  CHECK(text == "x");
  CHECK_THAT(peer.requests().at(0), ContainsSubstring("Transfer-Encoding: chunked"));
  CHECK(peer.requests().at(0).ends_with(
      "\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"));
  auto counted = numbers(3);
  const aio::http::headers length{{"Content-Length", "3"}};
  text = co_await text_of(
      session.put(peer.url(), {.headers = length, .stream = &counted}));
  CHECK(peer.requests().at(1).ends_with("\r\n\r\nabc"));
  CHECK(peer.connections() == 1);

  auto too_long = numbers(4);
  std::string how = co_await failure(
      session.put(peer.url(), {.headers = length, .stream = &too_long}));
  CHECK(how == "client_payload_error: the body is longer than said");
  auto throwing = []() -> aio::async_generator<std::string> {
    co_yield "a";
    throw test::boom();
  };
  auto failing = throwing();
  how = co_await failure(session.post(peer.url(), {.stream = &failing}));
  CHECK(how == "boom");
  CHECK(session.connections_in_use() == 0);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: an answer before the end of the upload ends it",
             "[http][client]") {
  auto handle = [](aio::stream_reader reader,
                   aio::stream_writer writer) -> aio::coro<> {
    co_await reader.readuntil("\r\n\r\n");
    writer.write("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n");
    co_await reader.read();  // until the client closes
  };
  aio::server server = co_await aio::start_server(handle, "127.0.0.1", 0);
  client_session session;
  auto endless = []() -> aio::async_generator<std::string> {
    for (;;) {
      co_await aio::sleep(1us);
      co_yield "more and more";
    }
  };
  auto body = endless();
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port());
  client_response resp = co_await session.post(url, {.stream = &body});
  CHECK(resp.status() == 413);
  CHECK(session.idle_connections() == 0);
  server.close();
  co_await server.wait_closed();
}

AIO_NET_TEST("client_session: asks before it sends a body", "[http][client]") {
  int asked = 0;
  auto handle = [&](aio::stream_reader reader,
                    aio::stream_writer writer) -> aio::coro<> {
    const std::string head = co_await reader.readuntil("\r\n\r\n");
    CHECK_THAT(head, ContainsSubstring("Expect: 100-continue"));
    CHECK(reader.buffered() == 0);
    ++asked;
    if (head.find("/no") != head.npos) {
      writer.write("HTTP/1.1 417 no\r\nContent-Length: 0\r\n\r\n");
      co_return;
    }
    writer.write("HTTP/1.1 100 Continue\r\n\r\n");
    const std::string body = co_await reader.readexactly(4);
    CHECK(body == "body");
    writer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  aio::server server = co_await aio::start_server(handle, "127.0.0.1", 0);
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port());
  client_session session;
  client_response resp =
      co_await session.post(url + "/yes", {.data = "body", .expect100 = true});
  CHECK(resp.status() == 200);
  resp = co_await session.post(url + "/no", {.data = "body", .expect100 = true});
  CHECK(resp.status() == 417);
  CHECK(asked == 2);
  server.close();
  co_await server.wait_closed();
}

AIO_NET_TEST("client_response: streams a body down", "[http][client]") {
  http_peer peer = co_await http_peer::start([](const std::string& request, auto) {
    if (request.find("/lines") != request.npos) return ok("one\ntwo\n\nlast");
    return ok(std::string(3'000'000, 'x'));
  });
  client_session session;
  client_response resp = co_await session.get(peer.url());
  std::size_t size = 0, largest = 0;
  while (auto piece = co_await resp.chunk()) {
    size += piece->size();
    largest = std::max(largest, piece->size());
  }
  CHECK(size == 3'000'000);
  CHECK(largest < 300'000);
  resp = co_await session.get(peer.url("/lines"));
  std::vector<std::string> lines;
  for (int i = 0; i < 5; ++i) {
    std::string line = co_await resp.readline();
    lines.push_back(line);
  }
  CHECK(lines == std::vector<std::string>{"one\n", "two\n", "\n", "last", ""});
  CHECK(peer.connections() == 1);
  co_await peer.stop();
}

AIO_NET_TEST("client_response: works with aio::with, as does the session",
             "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok("x"); });
  const auto use = [&](client_session& session) -> aio::coro<std::string> {
    client_response resp = co_await session.get(peer.url());
    const auto look = [](client_response& r) -> aio::coro<int> {
      co_return r.status();
    };
    const int status = co_await aio::with(resp, look);
    CHECK(session.idle_connections() == 1);  // all of the body had come
    co_return std::to_string(status);
  };
  const std::string status = co_await aio::with(client_session(), use);
  CHECK(status == "200");
  co_await until([&] { return peer.open() == 0; });
  co_await peer.stop();
}

AIO_NET_TEST("client_response: raise_for_status() says what came", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) {
    return std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX: y\r\n\r\nno");
  });
  client_session session;
  client_response resp = co_await session.get(peer.url());
  CHECK_FALSE(resp.ok());
  CHECK_THROWS_WITH(resp.raise_for_status(),
                    "404, message='Not Found', url='" + peer.url() + "'");
  client_session strict({.raise_for_status = true});
  std::string how = co_await failure(strict.get(peer.url()));
  CHECK(how == "client_response_error 404");
  how = co_await failure(strict.get(peer.url(), {.raise_for_status = false}));
  CHECK(how == "read");
  co_await peer.stop();
}

AIO_NET_TEST("client_response: converts Latin-1", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) {
    return ok("\xe9t\xe9", "Content-Type: text/plain; charset=\"ISO-8859-1\"\r\n");
  });
  client_session session;
  client_response resp = co_await session.get(peer.url());
  const std::string text = co_await resp.text();
  CHECK(text == "\xc3\xa9t\xc3\xa9");
  const std::string bytes = co_await resp.read();
  CHECK(bytes == "\xe9t\xe9");
  co_await peer.stop();
}

AIO_NET_TEST("client_session: sends cookies back", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) {
    return ok("", "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n");
  });
  client_session session({.unsafe_cookies = true});
  co_await session.get(peer.url("/x/y"));
  co_await session.get(peer.url("/x/z"));
  CHECK_THAT(peer.requests().at(1), ContainsSubstring("\r\nCookie: b=2; a=1\r\n"));
  co_await session.get(peer.url("/"));
  CHECK_THAT(peer.requests().at(2), ContainsSubstring("\r\nCookie: a=1\r\n"));
  client_session careful;
  co_await careful.get(peer.url());
  CHECK(careful.cookie_jar().size() == 0);
  co_await peer.stop();
}

AIO_NET_TEST("client_session: changes to another protocol", "[http][client]") {
  http_peer peer = co_await http_peer::start([](auto&, auto) {
    return std::string(
        "HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: Upgrade\r\n\r\nfirst\n");
  });
  client_session session;
  const aio::http::headers upgrade{{"Connection", "Upgrade"}, {"Upgrade", "y"}};
  client_response resp = co_await session.get(peer.url(), {.headers = upgrade});
  CHECK(resp.status() == 101);
  CHECK(session.connections_in_use() == 1);
  auto streams = resp.detach();
  CHECK(session.connections_in_use() == 0);
  const std::string line = co_await streams.first.readline();
  CHECK(line == "first\n");
  streams.second.write("GET / HTTP/1.1\r\n\r\n");
  co_await until([&] { return peer.requests().size() == 2; });
  CHECK_THROWS_AS(resp.detach(), aio::usage_error);
  streams.second.close();
  co_await streams.second.wait_closed();
  co_await peer.stop();
}

AIO_NET_TEST("client_session: goes through a proxy", "[http][client]") {
  http_peer proxy = co_await http_peer::start([](auto&, auto) { return ok("x"); });
  const std::string at = "http://u:p@127.0.0.1:" + std::to_string(proxy.port());
  client_session session({.proxy = at});
  const std::string text = co_await text_of(session.get("http://far.example/a?b"));
  CHECK(text == "x");
  CHECK(
      proxy.requests().at(0).starts_with("GET http://far.example/a?b HTTP/1.1\r\n"
                                         "Host: far.example\r\n"));
  CHECK_THAT(proxy.requests().at(0),
             ContainsSubstring("\r\nProxy-Authorization: Basic dTpw\r\n"));
  co_await proxy.stop();
}
