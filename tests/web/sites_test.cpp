// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/web/sites.hpp>

#include <aio/net/open_connection.hpp>
#include <aio/net/unix.hpp>
#include <aio/web/run_app.hpp>
#include <aio/web/stream_response.hpp>

#include <support/net.hpp>
#include <support/programs.hpp>
#include <support/tree.hpp>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

using aio::web::app_runner;
using aio::web::application;
using aio::web::request;
using aio::web::response;
using namespace std::chrono_literals;

namespace {

application make_app() {
  application app;
  app.get("/hello/{name}", [](request& req) -> aio::coro<response> {
    co_return response::text("Hello, " + std::string(req.match_info("name")) + "! " +
                             std::string(req.scheme()));
  });
  app.post("/echo", [](request& req) -> aio::coro<response> {
    const std::string& body = co_await req.read();
    co_return response::bytes(body, req.content_type());
  });
  app.post("/upload", [](request& req) -> aio::coro<response> {
    std::size_t size = 0;
    aio::stream_reader body = req.content();
    for (;;) {
      const std::string some = co_await body.read(65536);
      if (some.empty()) break;
      size += some.size();
    }
    co_return response::text(std::to_string(size));
  });
  app.get("/count/{n}", [](request& req) -> aio::coro<response> {
    aio::web::stream_response resp;
    co_await resp.prepare(req);
    for (int i = 0; i < req.match<int>("n"); ++i) {
      co_await resp.write(std::to_string(i) + "\n");
    }
    co_return resp;
  });
  return app;
}

aio::coro<std::string> ask(std::uint16_t port) {
  auto [reader, writer] = co_await aio::open_connection("localhost", port);
  writer.write("GET /hello/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = co_await reader.read();
  writer.close();
  co_return all.substr(all.find("\r\n\r\n") + 4);
}

}  // namespace

AIO_NET_TEST("sites: one application at a port, a path and a socket", "[web][sites]") {
  const app_runner runner(make_app());
  aio::web::tcp_site early(runner, "localhost", 0);
  const std::string too_early = co_await test::ending(early.start());
  CHECK(too_early == "usage");
  co_await runner.setup();
  aio::web::tcp_site tcp(runner, "127.0.0.1", 0);
  co_await tcp.start();
  CHECK(tcp.name() == "http://127.0.0.1:" + std::to_string(tcp.port()));
  const std::string twice = co_await test::ending(tcp.start());
  CHECK(twice == "usage");
  std::string body = co_await ask(tcp.port());
  CHECK(body == "Hello, x! http");

  const test::tree folder;
  aio::web::unix_site local(runner, (folder / "sock"));
  co_await local.start();
  CHECK(local.name() == "http+unix://" + (folder / "sock"));
  {
    auto [reader, writer] = co_await aio::open_unix_connection((folder / "sock"));
    writer.write("GET /hello/u HTTP/1.0\r\n\r\n");
    body = co_await reader.read();
    CHECK(body.ends_with("Hello, u! http"));
  }
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  aio::web::sock_site given(runner, socket);
  co_await given.start();
  body = co_await ask(given.port());
  CHECK(body == "Hello, x! http");
  co_await runner.cleanup();
  const std::string gone = co_await test::ending(ask(tcp.port()));
  CHECK(gone.find("onnect") != gone.npos);
}

AIO_NET_TEST("run_app: serves until a signal comes", "[web][sites]") {
  application app = make_app();
  std::string log;
  app.on_cleanup.append([&]() -> aio::coro<> {
    log += "cleaned";
    co_return;
  });
  const test::tree folder;
  const std::string path = (folder / "sock");
  auto serving =
      aio::create_task(aio::web::run_app(app, {.path = path, .print = false}));
  co_await test::until([&] { return ::access(path.c_str(), F_OK) == 0; });
  {
    auto [reader, writer] = co_await aio::open_unix_connection(path);
    writer.write("GET /hello/u HTTP/1.0\r\n\r\n");
    const std::string all = co_await reader.read();
    CHECK(all.ends_with("Hello, u! http"));
  }
  ::kill(::getpid(), SIGTERM);
  co_await serving;
  CHECK(log == "cleaned");
}

AIO_NET_TEST("run_app: ends in order when it is cancelled", "[web][sites]") {
  application app = make_app();
  std::string log;
  app.on_startup.append([&]() -> aio::coro<> {
    log += "started ";
    co_return;
  });
  app.on_cleanup.append([&]() -> aio::coro<> {
    log += "cleaned";
    co_return;
  });
  auto serving = aio::create_task(aio::web::run_app(
      app, {.host = "127.0.0.1", .port = 0, .handle_signals = false, .print = false}));
  co_await test::until([&] { return !log.empty(); });
  serving.cancel();
  const std::string how = co_await test::ending(serving);
  CHECK(how == "cancelled");
  CHECK(log == "started cleaned");
}

namespace {

/// A site for another program, and what that prints.
aio::coro<std::string> output_beside(application app,
                                     std::vector<std::string> (*command)(std::string)) {
  const app_runner runner(app);
  co_await runner.setup();
  aio::web::tcp_site site(runner, "127.0.0.1", 0);
  co_await site.start();
  std::vector<std::string> words = command(site.name());
  std::string all = co_await test::output_of(std::move(words));
  co_await runner.cleanup();
  co_return all;
}

}  // namespace

AIO_NET_TEST("peers: curl uploads, and reads chunks", "[web][peers]") {
  if (!test::has_program("curl")) co_return;
  std::string all = co_await output_beside(make_app(), [](std::string url) {
    return test::command("sh", "-c",
                         "head -c 5000000 /dev/zero | curl -sS -m 20 -T - -X POST " +
                             url + "/upload && curl -sS -m 20 " + url +
                             "/count/20000 | tail -n 1 && curl -sS -m 20 -d abc " +
                             url + "/echo");
  });
  CHECK(all == "500000019999\nabcexit 0");
}

AIO_NET_TEST("peers: aiohttp as the client", "[web][peers]") {
  if (!test::has_program("/usr/bin/python3") ||
      std::system("/usr/bin/python3 -c 'import aiohttp' 2>/dev/null") != 0) {
    WARN("not tested: python3-aiohttp is not installed");
    co_return;
  }
  const std::string all = co_await output_beside(make_app(), [](std::string url) {
    return test::command("/usr/bin/python3", "-c", R"(
import asyncio, sys, aiohttp
async def main(url):
    async with aiohttp.ClientSession() as s:
        async with s.get(url + "/hello/w") as r:
            print(r.status, r.content_type, r.charset, await r.text())
        async with s.post(url + "/echo", json={"a": [1, 2]}) as r:
            print(r.content_type, await r.json())
        async def parts():
            for i in range(100):
                yield b"x" * 1000
        async with s.post(url + "/upload", data=parts()) as r:
            print(await r.text())
        async with s.get(url + "/count/1000") as r:
            lines = [line async for line in r.content]
            print(len(lines), lines[-1])
        texts = await asyncio.gather(*(fetch(s, f"{url}/hello/{i}") for i in range(200)))
        print(texts[0], texts[-1], len(texts))
async def fetch(s, url):
    async with s.get(url) as r:
        return await r.text()
asyncio.run(asyncio.wait_for(main(sys.argv[1]), 15))
)",
                         url);
  });
  CHECK(all ==
        "200 text/plain utf-8 Hello, w! http\n"
        "application/json {'a': [1, 2]}\n"
        "100000\n"
        "1000 b'999\\n'\n"
        "Hello, 0! http Hello, 199! http 200\n"
        "exit 0");
}

AIO_NET_TEST("peers: node's fetch as the client", "[web][peers]") {
  if (!test::has_program("node")) co_return;
  const std::string all = co_await output_beside(make_app(), [](std::string url) {
    return test::command("node", "-e", R"(
(async (url) => {
  const r = await fetch(url + "/hello/w");
  console.log(r.status, await r.text());
  const e = await fetch(url + "/echo", {method: "POST", body: JSON.stringify([1])});
  console.log(await e.json());
  const c = await fetch(url + "/count/5");
  console.log((await c.text()).length);
})(process.argv[1]);
)",
                         url);
  });
  CHECK(all == "200 Hello, w! http\n[ 1 ]\n10\nexit 0");
}

// The client that npm has, which keeps connections and sends requests ahead of answers.
AIO_NET_TEST("peers: undici as the client, pipelining", "[web][peers]") {
  if (!test::has_program("node")) co_return;
  const std::string all = co_await output_beside(make_app(), [](std::string url) {
    return test::command("sh", "-c", R"(NODE_PATH=/usr/share/nodejs exec node -e '
let undici;
try { undici = require("undici"); } catch { console.log("no undici"); process.exit(0); }
(async (url) => {
  const pool = new undici.Pool(url, { connections: 2, pipelining: 10 });
  const texts = await Promise.all([...Array(200).keys()].map(async (i) => {
    const r = await pool.request({ path: `/hello/${i}`, method: "GET" });
    return r.statusCode + " " + await r.body.text();
  }));
  console.log(texts[0], texts[199], texts.length);
  const up = await pool.request({ path: "/upload", method: "POST",
                                  body: Buffer.alloc(300000) });
  console.log(await up.body.text());
  await pool.close();
})(process.argv[1]);
' "$0")",
                         url);
  });
  CHECK((all == "no undici\nexit 0" ||
         all == "200 Hello, 0! http 200 Hello, 199! http 200\n300000\nexit 0"));
}

AIO_NET_TEST("peers: nginx as the proxy in front", "[web][peers]") {
  if (!test::has_program("nginx") || !test::has_program("curl")) co_return;
  const test::tree folder;
  const app_runner runner(make_app());
  co_await runner.setup();
  aio::web::unix_site site(runner, (folder / "sock"));
  co_await site.start();
  const std::string front = (folder / "front");
  folder.add("nginx.conf",
             "daemon off; master_process off; pid " + (folder / "pid") +
                 "; error_log " + (folder / "err") +
                 ";\nevents {}\nhttp { access_log off; client_body_temp_path " +
                 (folder / "body") + "; proxy_temp_path " + (folder / "proxy") +
                 "; fastcgi_temp_path " + (folder / "f") + "; uwsgi_temp_path " +
                 (folder / "u") + "; scgi_temp_path " + (folder / "s") +
                 ";\nupstream app { server unix:" + (folder / "sock") +
                 "; keepalive 4; }\nserver { listen unix:" + front +
                 ";\nlocation / { proxy_pass http://app; proxy_http_version 1.1; "
                 "proxy_set_header Connection \"\"; } } }\n");
  test::child nginx(test::command("nginx", "-c", folder / "nginx.conf"));
  co_await test::until([&] { return ::access(front.c_str(), F_OK) == 0; });
  const std::string curl = "curl -sS -m 10 --unix-socket " + front + " http://x/";
  const std::string all = co_await test::output_of(test::command(
      "sh", "-c",
      curl + "hello/a && " + curl + "count/3 && head -c 300000 /dev/zero | " + curl +
          "upload --data-binary @-"));
  CHECK(all == "Hello, a! http0\n1\n2\n300000exit 0");
  co_await runner.cleanup();
}
