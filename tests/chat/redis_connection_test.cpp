// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "redis_server.hpp"

#include <chat/redis/connection.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace redis = chat::redis;
using namespace std::chrono_literals;

namespace {

redis::connection_options limits(aio::duration limit, aio::duration ping) {
  redis::connection_options made;
  made.limit = limit;
  made.ping = ping;
  return made;
}

// How opening it ends: "opened", or the error.
aio::coro<std::string> opening(std::string url, redis::connection_options options) {
  std::string how = "opened";
  try {
    auto open = redis::connection::open(redis::parse_address(url), options);
    co_await std::move(open);
  } catch (const redis::login_refused& failure) {
    how = std::string("login: ") + failure.what();
  } catch (const redis::connection_error& failure) {
    how = std::string("connection: ") + failure.what();
  }
  co_return how;
}

// Two ways to one place: what comes to a port goes to a unix socket.
aio::coro<> pass_on(aio::stream_reader from, aio::stream_writer to) {
  bool is_over = false;
  while (!is_over) {
    const std::string some = co_await from.read(4096);
    is_over = some.empty();
    if (is_over) break;
    to.write(some);
    co_await to.drain();
  }
  to.close();
}

}  // namespace

REDIS_TEST("redis connection: all kinds of answers", "[chat][redis]") {
  server.start();
  const auto c = co_await server.connect();
  const std::string bytes("a\0b\r\n\xff", 6);
  const redis::value set = co_await c->call("SET", bytes, bytes);
  REQUIRE(set.text() != nullptr);
  CHECK(*set.text() == "OK");
  const redis::value got = co_await c->call("GET", bytes);
  REQUIRE(got.text() != nullptr);
  CHECK(*got.text() == bytes);
  const redis::value nothing = co_await c->call("GET", "nothing");
  CHECK(nothing.is_nil());
  const redis::value number = co_await c->call("STRLEN", bytes);
  REQUIRE(number.number() != nullptr);
  CHECK(*number.number() == 6);
  const redis::value wrong = co_await c->send("LPUSH", bytes, "x");
  REQUIRE(wrong.error() != nullptr);
  CHECK(wrong.error()->starts_with("WRONGTYPE"));
  const redis::value keys = co_await c->call("MGET", bytes, "nothing");
  REQUIRE(keys.several() != nullptr);
  REQUIRE(keys.several()->size() == 2);
  CHECK(keys.several()->at(1).is_nil());
  const std::string how = co_await test::ending(c->call("LPUSH", bytes, "x"));
  CHECK(how.starts_with("WRONGTYPE"));
  const std::string large(3'000'000, 'x');
  co_await c->call("SET", "large", large);
  const redis::value back = co_await c->call("GET", "large");
  CHECK(*back.text() == large);
}

REDIS_TEST("redis connection: many commands at once, and callers that go away",
           "[chat][redis]") {
  server.start();
  const auto c = co_await server.connect();
  std::vector<aio::future<redis::value>> answers;
  for (int i = 0; i < 1000; ++i) answers.push_back(c->send("INCR", "n"));
  for (std::size_t i = 1; i < 1000; i += 2) answers[i].cancel();
  for (std::size_t i = 0; i < 1000; i += 2) {
    const redis::value& one = co_await answers[i];
    REQUIRE(one.number() != nullptr);
    CHECK(*one.number() == static_cast<std::int64_t>(i + 1));
  }
  answers.clear();
  static_cast<void>(c->send("INCR", "n"));  // nobody asks for it
  const redis::value last = co_await c->call("INCR", "n");
  CHECK(*last.number() == 1002);
}

REDIS_TEST("redis connection: the end of Redis is told to all who wait",
           "[chat][redis]") {
  server.start();
  const auto c = co_await server.connect();
  const auto ears = co_await server.connect();
  co_await ears->subscribe("a", "b");
  auto blocked = aio::create_task(test::ending(c->call("BLPOP", "none", "0")));
  auto heard = aio::create_task(test::ending(ears->next()));
  auto forgotten = c->send("PING");
  co_await test::turns(3);
  co_await server.stop(SIGKILL);
  // If a command was not read yet, it is a reset.
  const std::string how = co_await blocked;
  CHECK((how == "Server closed the connection" || how == "Connection reset by peer"));
  const std::string silence = co_await heard;
  CHECK(silence == "Server closed the connection");
  const std::string late = test::ending_of([&] { return c->send("PING"); });
  CHECK(late == how);
}

REDIS_TEST("redis connection: destroyed while somebody waits", "[chat][redis]") {
  server.start();
  auto c = co_await server.connect();
  auto blocked = aio::create_task(test::ending(c->call("BLPOP", "none", "0")));
  auto forgotten = c->send("PING");
  co_await test::turns(3);
  c.reset();
  const std::string how = co_await blocked;
  CHECK(how == "the connection was closed");
}

REDIS_TEST("redis connection: a posted command must not fail", "[chat][redis]") {
  server.start();
  const auto c = co_await server.connect();
  c->post("NONSENSE");
  auto after = aio::create_task(test::ending(c->call("PING")));
  const std::string end = co_await test::ending(c->until_end());
  CHECK(end.starts_with("ERR unknown command 'NONSENSE'"));
  const std::string how = co_await after;
  CHECK(how == end);
}

REDIS_TEST("redis connection: it can be destroyed at any moment", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  for (int turns = 0; turns < 12; ++turns) {
    auto opening_it = aio::create_task(opening(server.url(), {}));
    co_await test::turns(turns);
    opening_it.cancel();
    co_await test::ending(std::move(opening_it));
  }
  for (int polls = 0; polls < 6; ++polls) {
    auto c = co_await server.connect();
    const auto answer = c->send("PING");
    c->post("PUBLISH", "x", "y");
    co_await test::polls(polls);
    c.reset();
  }
}

REDIS_TEST("redis connection: published texts in order", "[chat][redis]") {
  server.start();
  const auto c = co_await server.connect();
  const auto ears = co_await server.connect();
  co_await ears->subscribe("a", "b");
  for (int i = 0; i < 100; ++i)
    c->post("PUBLISH", i % 2 == 0 ? "a" : "b", std::to_string(i));
  for (int i = 0; i < 100; ++i) {
    const redis::published one = co_await ears->next();
    CHECK(one.channel == (i % 2 == 0 ? "a" : "b"));
    CHECK(one.text == std::to_string(i));
  }
}

REDIS_TEST("redis connection: who may not come in", "[chat][redis]") {
  const std::string nobody = co_await opening(server.url(), {});
  CHECK(nobody == "connection: cannot connect: No such file or directory");
  server.start({"--requirepass", "secret"});
  { const auto ready = co_await server.connect(":secret@"); }
  const std::string plain = server.path();
  const std::string good = co_await opening("unix://:secret@" + plain + "?db=15", {});
  CHECK(good == "opened");
  const std::string user = co_await opening("unix://default:secret@" + plain, {});
  CHECK(user == "opened");
  const std::string wrong = co_await opening("unix://:wrong@" + plain, {});
  CHECK(wrong.starts_with("login: WRONGPASS"));
  const std::string none = co_await opening("unix://" + plain, {});
  CHECK(none.starts_with("login: NOAUTH"));
  const std::string database =
      co_await opening("unix://:secret@" + plain + "?db=16", {});
  CHECK(database.starts_with("login: ERR DB index"));
}

REDIS_TEST("redis connection: over a port, by name", "[chat][redis]") {
  server.start();
  { const auto ready = co_await server.connect(); }
  const std::string path = server.path();
  const auto serve = [path](aio::stream_reader in,
                            aio::stream_writer out) -> aio::coro<> {
    auto to_redis = co_await aio::open_unix_connection(path);
    auto& [from, to] = to_redis;
    auto back = aio::create_task(pass_on(from, out));
    co_await pass_on(in, to);
    co_await back;
  };
  auto proxy = co_await aio::start_server(serve, "127.0.0.1", 0);
  const std::string port = std::to_string(proxy.port());
  const std::string by_name = co_await opening("redis://localhost:" + port + "/3", {});
  CHECK(by_name == "opened");
  const std::string by_number = co_await opening("redis://127.0.0.1:" + port, {});
  CHECK(by_number == "opened");
  proxy.close();
  proxy.close_clients();
  co_await proxy.wait_closed();
  const std::string gone = co_await opening("redis://localhost:" + port, {});
  CHECK(gone == "connection: cannot connect: Connection refused");
  const std::string unknown = co_await opening("redis://no.such.host.invalid", {});
  CHECK(unknown.starts_with("connection: cannot resolve the host"));
}

REDIS_TEST("redis connection: one that never answers", "[chat][redis]") {
  server.start();
  const redis::connection_options quick = limits(2s, 1s);
  { const auto ready = co_await server.connect(); }
  auto open_one = redis::connection::open(redis::parse_address(server.url()), quick);
  const auto c = co_await std::move(open_one);
  auto open_two = redis::connection::open(redis::parse_address(server.url()), quick);
  const auto ears = co_await std::move(open_two);
  co_await ears->subscribe("a");
  co_await aio::sleep(2500ms);  // both are well for longer than the limit
  const redis::value pong = co_await c->call("PING");
  CHECK(*pong.text() == "PONG");
  server.kill(SIGSTOP);
  auto waiting = aio::create_task(test::ending(c->call("PING")));
  const std::string end = co_await test::ending(ears->until_end());
  CHECK(end == "no sign of life for 1000 ms");
  const std::string how = co_await waiting;
  CHECK(how == "no sign of life for 1000 ms");
  const std::string opened = co_await opening(server.url(), limits(100ms, 100ms));
  CHECK(opened == "connection: no answer from " + server.url() + "?db=0 within 100 ms");
  server.kill(SIGCONT);
}
