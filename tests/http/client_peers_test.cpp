// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/http.hpp>

#include <aio/aio.hpp>

#include <support/child.hpp>
#include <support/http_peer.hpp>
#include <support/net.hpp>
#include <support/programs.hpp>
#if !defined(AIO_NO_TLS)
#include <support/certificates.hpp>
#endif

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The client with TLS, through a proxy, and with a server that others have written.

using aio::http::client_response;
using aio::http::client_session;
using Catch::Matchers::ContainsSubstring;
using test::http_peer;
using test::ok;

namespace {

aio::coro<std::string> text_of(aio::coro<client_response> request) {
  client_response response = co_await std::move(request);
  std::string text = co_await response.text();
  co_return text;
}

/// A server of aiohttp; prints its port.
constexpr std::string_view aiohttp_server = R"(
import asyncio, sys
from aiohttp import web

async def echo(request):
    body = await request.read()
    return web.json_response({
        "method": request.method, "path": request.rel_url.raw_path,
        "query": dict(request.query), "size": len(body),
        "type": request.content_type, "agent": request.headers["User-Agent"],
        "form": dict(await request.post()) if "form" in request.content_type else None,
        "cookies": dict(request.cookies)})

async def upload(request):
    form = await request.post()
    photo = form["photo"]
    return web.Response(text=" ".join(
        [form["title"], photo.filename, photo.file.read().decode()]))

async def large(request):
    response = web.Response(text="all work and no play " * 50000)
    response.enable_compression()
    return response

async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for i in range(100):
        await response.write(b"%d " % i)
    return response

async def login(request):
    response = web.HTTPFound("/echo")
    response.set_cookie("user", "me")
    raise response

async def broken(request):
    raise web.HTTPNotFound(text="no such thing")

async def main():
    app = web.Application(client_max_size=10 ** 9)
    app.router.add_route("*", "/echo", echo)
    app.router.add_post("/upload", upload)
    app.router.add_get("/large", large)
    app.router.add_get("/stream", stream)
    app.router.add_get("/login", login)
    app.router.add_get("/broken", broken)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()

asyncio.run(main())
)";

/// Its value of this name.
std::string member(const boost::json::value& of, std::string_view name) {
  return boost::json::serialize(of.at(name));
}

}  // namespace

AIO_NET_TEST("client_session: talks to a server of aiohttp", "[http][client][peers]") {
  const std::string probe = co_await test::output_of(
      test::command("/usr/bin/python3", "-c", "import aiohttp"));
  if (probe != "exit 0") {
    WARN("not tested: aiohttp for Python is not installed");
    co_return;
  }
  test::child server(
      test::command("/usr/bin/python3", "-c", std::string(aiohttp_server)));
  const std::string port = co_await test::line_of(server);
  const std::string base = "http://127.0.0.1:" + std::to_string(std::stoi(port)) + "/";
  client_session session({.base_url = base, .unsafe_cookies = true});

  const aio::http::parameters query{{"q", "a b&c"}};
  client_response resp = co_await session.get("echo", {.params = query});
  boost::json::value value = co_await resp.json();
  CHECK(member(value, "query") == R"({"q":"a b&c"})");
  CHECK(member(value, "agent") == R"("aio/0.1")");

  resp = co_await session.put("echo", {.data = "x"});
  value = co_await resp.json();
  CHECK(member(value, "method") == R"("PUT")");

  const std::string huge(5'000'000, 'x');
  resp = co_await session.post("echo", {.data = huge});
  value = co_await resp.json();
  CHECK(member(value, "size") == "5000000");

  resp = co_await session.post("echo", {.form = query});
  value = co_await resp.json();
  CHECK(member(value, "form") == R"({"q":"a b&c"})");

  aio::http::form_data files;
  files.add_field("title", "Sea & \"sky\"").add_file("photo", "a.jpg", "bytes");
  resp = co_await session.post("upload", {.multipart = files});
  std::string text = co_await resp.text();
  CHECK(text == "Sea & \"sky\" a.jpg bytes");

  const boost::json::value sent = {{"a", 1}};
  resp = co_await session.post("echo", {.json = sent});
  value = co_await resp.json();
  CHECK(member(value, "type") == R"("application/json")");
  CHECK(member(value, "size") == "7");

  auto pieces = []() -> aio::async_generator<std::string> {
    for (int i = 0; i < 200; ++i) co_yield std::string(1000, 'y');
  };
  auto body = pieces();
  resp = co_await session.post("echo", {.stream = &body, .expect100 = true});
  value = co_await resp.json();
  CHECK(member(value, "size") == "200000");

  text = co_await text_of(session.get("large"));
  CHECK(text.size() == 21u * 50'000);
  text = co_await text_of(session.get("stream"));
  CHECK(text.ends_with(" 97 98 99 "));
  resp = co_await session.get("login");
  value = co_await resp.json();
  CHECK(member(value, "cookies") == R"({"user":"me"})");
  CHECK(resp.history().size() == 1);
  resp = co_await session.get("broken");
  CHECK(resp.status() == 404);
  const std::string how = co_await test::ending(resp.json());
  CHECK_THAT(how, ContainsSubstring("not JSON but text/plain"));
  text = co_await resp.text();
  CHECK(text == "no such thing");
  CHECK(session.idle_connections() == 1);

  // Many at once, each of which gets its own answer.
  std::vector<aio::coro<std::string>> all;
  std::vector<std::string> urls;
  for (int i = 0; i < 60; ++i) urls.push_back("echo?i=" + std::to_string(i));
  for (const std::string& url : urls) all.push_back(text_of(session.get(url)));
  const std::vector<std::string> texts = co_await aio::gather(std::move(all));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CHECK_THAT(texts[i], ContainsSubstring("{\"i\": \"" + std::to_string(i) + "\"}"));
  }
  co_await session.close();
  server.close_input();
  const std::string end = co_await test::rest_of(server);
  CHECK(end == "exit 0");
}

AIO_NET_TEST("client_session: decompresses no more than it may", "[http][client]") {
  if (!aio::http::detail::can_inflate) co_return;
  // The beginning of what a million zeros become.
  const std::string gzip_of_zeros(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe"
      "\xaf\xee\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
      38);
  http_peer peer = co_await http_peer::start(
      [&](auto&, auto) { return ok(gzip_of_zeros, "Content-Encoding: gzip\r\n"); });
  client_session session({.max_decompressed = 1000});
  client_response resp = co_await session.get(peer.url());
  std::string how = co_await test::ending(resp.read());
  CHECK_THAT(how, ContainsSubstring("too large once decompressed"));
  resp = co_await session.get(peer.url(), {.auto_decompress = false});
  const std::string bytes = co_await resp.read();
  CHECK(bytes == gzip_of_zeros);
  client_session free;
  resp = co_await free.get(peer.url());
  how = co_await test::ending(resp.read());
  CHECK(how == "the compressed body is not complete");
  co_await peer.stop();
}

#if !defined(AIO_NO_TLS)

namespace {

aio::ssl_context trusting() {
  return aio::ssl_context::client_pem(test::trusted().cert());
}

/// Copies until the end.
aio::coro<> pump(aio::stream_reader from, aio::stream_writer to) {
  for (;;) {
    const std::string bytes = co_await from.read(65536);
    if (bytes.empty()) break;
    to.write(bytes);
    co_await to.drain();
  }
  to.close();
}

}  // namespace

AIO_NET_TEST("client_session: speaks TLS, and verifies", "[http][client][tls]") {
  const auto context =
      aio::ssl_context::server_pem(test::localhost().cert, test::localhost().key);
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok("safe"); },
                                             {.ssl = context});
  const std::string url = peer.url("/", "https");
  const aio::ssl_context trust = trusting();
  client_session session({.ssl = trust});
  for (int i = 0; i < 3; ++i) {
    const std::string text = co_await text_of(session.get(url));
    CHECK(text == "safe");
  }
  CHECK(peer.connections() == 1);

  client_session usual;  // trusts the authorities of the system
  std::string how = "returned";
  try {
    co_await usual.get(url);
  } catch (const aio::http::client_connector_certificate_error& e) {
    how = e.what();
  }
  CHECK_THAT(how, ContainsSubstring("cannot connect to host 127.0.0.1"));
  how = "returned";
  try {
    co_await session.get(url, {.server_hostname = "example.org"});
  } catch (const aio::http::client_connector_certificate_error&) {
    how = "refused";
  }
  CHECK(how == "refused");
  CHECK(peer.requests().size() == 3);
  co_await session.close();
  co_await peer.stop();
}

AIO_NET_TEST("client_session: goes through a proxy with TLS", "[http][client][tls]") {
  const auto context =
      aio::ssl_context::server_pem(test::localhost().cert, test::localhost().key);
  http_peer peer = co_await http_peer::start([](auto&, auto) { return ok("safe"); },
                                             {.ssl = context});
  std::vector<std::string> asked;
  auto handle = [&](aio::stream_reader reader,
                    aio::stream_writer writer) -> aio::coro<> {
    std::string head = co_await reader.readuntil("\r\n\r\n");
    asked.push_back(head);
    if (head.find("Proxy-Authorization: Basic dTpw\r\n") == head.npos) {
      writer.write("HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n");
      co_return;
    }
    auto [in, out] = co_await aio::open_connection("127.0.0.1", peer.port());
    writer.write("HTTP/1.1 200 Connected\r\n\r\n");
    auto there = pump(reader, out);
    auto back = pump(in, writer);
    co_await aio::gather(std::move(there), std::move(back));
  };
  aio::server proxy = co_await aio::start_server(handle, "127.0.0.1", 0);
  const std::string at = "http://127.0.0.1:" + std::to_string(proxy.port());
  const std::string url = peer.url("/x", "https");
  const aio::ssl_context trust = trusting();
  {
    client_session session({.ssl = trust, .proxy = at, .proxy_auth = {"u", "p"}});
    for (int i = 0; i < 2; ++i) {
      const std::string text = co_await text_of(session.get(url));
      CHECK(text == "safe");
    }
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].starts_with("CONNECT 127.0.0.1:" + std::to_string(peer.port())));
    CHECK(peer.requests().at(0).starts_with("GET /x HTTP/1.1\r\n"));
    CHECK_THAT(peer.requests().at(0), !ContainsSubstring("Proxy-"));
    std::string how = "returned";
    try {
      co_await session.get(url, {.proxy = at});
    } catch (const aio::http::client_http_proxy_error& e) {
      how = std::to_string(e.status());
    }
    CHECK(how == "407");
    co_await session.close();
  }
  proxy.close();
  proxy.abort_clients();
  co_await proxy.wait_closed();
  co_await peer.stop();
}

#endif
