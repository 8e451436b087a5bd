// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/memory_streams.hpp>  // first: proves the header stands alone

#include <aio/task.hpp>
#include <aio/testing/cancel_at_every_await.hpp>
#include <aio/testing/run_virtual.hpp>

#include <support/streams.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::testing::memory_streams;
using aio::testing::run_virtual;
using Catch::Matchers::ContainsSubstring;
using test::ending;
using test::turns;

namespace {

aio::coro<> echo_lines(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string line = co_await reader.readline();
    if (line.empty()) break;
    writer.write("echo " + line);
    co_await writer.drain();
  }
}

/// How a read ended: its bytes, or the name of its exception.
template <class Read>
aio::coro<std::string> outcome_of(Read read) {
  std::string how;
  try {
    how = co_await std::move(read);
  } catch (...) {
    how = test::name_of(std::current_exception());
  }
  co_return how;
}

/// What the two ends of a connection see in a life with a half-close.
template <class Link>
aio::coro<std::string> life_of(Link link) {
  std::string log;
  link.client.writer.write("one\ntwo\n");
  link.client.writer.write("rest");
  const std::string one = co_await link.server.reader.readline();
  const std::string two = co_await link.server.reader.readuntil("wo\n");
  log += one + two;
  link.client.writer.write_eof();
  const std::string more = co_await ending(link.client.writer.drain());
  log += more + '\n';
  const std::string rest = co_await link.server.reader.read();
  log += rest + '\n';
  log += link.server.reader.at_eof() ? "at eof\n" : "not at eof\n";
  link.server.writer.write("answer");
  co_await link.server.writer.drain();
  link.server.writer.close();
  co_await link.server.writer.wait_closed();
  const std::string late = co_await ending(link.server.writer.drain());
  log += late + '\n';
  const std::string part = co_await ending(link.client.reader.readexactly(100));
  log += part + '\n';
  link.client.writer.close();
  const std::string closed = co_await ending(link.client.writer.wait_closed());
  log += closed + '\n';
  const std::string over = co_await link.client.reader.read(1);
  log += '[' + over + ']';
  co_return log;
}

}  // namespace

// ----- bytes -----

AIO_TEST("memory_streams: what is written comes out at the other end, both ways",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  client.writer.write("to the server\n");
  server.writer.write("to the client\n");
  const std::string at_server = co_await server.reader.readline();
  const std::string at_client = co_await client.reader.readline();
  CHECK(at_server == "to the server\n");
  CHECK(at_client == "to the client\n");
  CHECK(client.writer.peername() == server.writer.sockname());
  CHECK(loop.now() == 0s);
}

AIO_TEST("memory_streams: a handler for real sockets serves them",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  auto serving =
      aio::create_task(echo_lines, std::move(server.reader), std::move(server.writer));
  client.writer.write("a\nb\n");
  const std::string a = co_await client.reader.readline();
  const std::string b = co_await client.reader.readline();
  CHECK(a + b == "echo a\necho b\n");
  client.writer.write_eof();
  co_await serving;
  const std::string rest = co_await client.reader.read();  // the handler let go of it
  CHECK(rest.empty());
}

AIO_TEST("memory_streams: in pieces of one byte everything comes out the same",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams({.piece = 1});
  client.writer.write("abc\ndef");
  client.writer.close();
  const std::string first = co_await server.reader.read(100);
  CHECK(first == "a");
  const std::string line = co_await server.reader.readline();
  CHECK(line == "bc\n");
  const std::string rest = co_await server.reader.read();
  CHECK(rest == "def");
}

AIO_TEST("memory_streams: a cancelled read loses nothing",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  client.writer.write("half a line");
  const std::string how = co_await ending(aio::wait_for(server.reader.readline(), 1s));
  CHECK(how == "timeout");
  CHECK(loop.now() == 1s);
  client.writer.write(", whole\n");
  const std::string line = co_await server.reader.readline();
  CHECK(line == "half a line, whole\n");
}

AIO_TEST("memory_streams: much more than the water marks passes",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  const std::string sent = test::pattern(1'000'000);
  auto send = [&]() -> aio::coro<> {
    for (std::size_t at = 0; at < sent.size(); at += 10'000) {
      client.writer.write(std::string_view(sent).substr(at, 10'000));
      co_await client.writer.drain();
    }
    client.writer.close();
  };
  auto sending = aio::create_task(send());
  const std::string got = co_await server.reader.read();
  CHECK(got == sent);
  co_await sending;
}

// ----- limits -----

AIO_TEST("memory_streams: the limit is that of the readers",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams({.limit = 10});
  client.writer.write("far longer than ten bytes\n");
  const std::string how = co_await ending(server.reader.readuntil("\n"));
  CHECK_THAT(how, ContainsSubstring("longer than limit"));
  server.writer.write("short\n");
  const std::string line = co_await client.reader.readline();
  CHECK(line == "short\n");
  CHECK_THROWS_AS(memory_streams({.limit = 0}), std::invalid_argument);
  CHECK_THROWS_AS(memory_streams({.piece = 0}), std::invalid_argument);
}

AIO_TEST("memory_streams: drain waits while the other end does not read",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams({.limit = 1000});
  const std::size_t written = test::fill(client.writer);
  auto draining = aio::create_task(ending(client.writer.drain()));
  co_await aio::sleep(1h);
  CHECK_FALSE(draining.done());
  CHECK(server.reader.buffered() > 2000);
  CHECK(server.reader.buffered() < 5000);
  std::size_t read = 0;
  while (!draining.done()) {
    const std::string some = co_await server.reader.read(1000);
    read += some.size();
    REQUIRE(read <= written);
  }
  CHECK(client.writer.transport().get_write_buffer_size() <= 16 * 1024);
  const std::string how = co_await draining;
  CHECK(how == "returned");
  const std::string rest = co_await server.reader.readexactly(written - read);
  CHECK(rest.size() == written - read);
}

AIO_TEST("memory_streams: drain does not give way below the high-water mark",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  const test::turn_mark turn(loop);
  client.writer.write("a");
  co_await client.writer.drain();
  CHECK_FALSE(turn.is_over());
  client.writer.transport().set_write_buffer_limits(0);
  client.writer.write("b");
  co_await client.writer.drain();
  CHECK(turn.is_over());
  CHECK(client.writer.transport().get_write_buffer_size() == 0);
}

// ----- the end -----

AIO_TEST("memory_streams: closing sends what is queued", "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  client.writer.write("last");
  client.writer.close();
  co_await client.writer.wait_closed();
  const std::string all = co_await server.reader.read();
  CHECK(all == "last");
  CHECK_FALSE(server.writer.is_closing());
}

AIO_TEST("memory_streams: closing waits for a peer that does not read",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams({.limit = 1});
  client.writer.write(std::string(10'000, 'x'));
  client.writer.close();
  const std::string how =
      co_await ending(aio::wait_for(client.writer.wait_closed(), 24h));
  CHECK(how == "timeout");
  const std::string all = co_await server.reader.read();
  CHECK(all.size() == 10'000);
  co_await client.writer.wait_closed();
}

AIO_TEST("memory_streams: the last writer that goes closes the connection",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  {
    const aio::stream_writer gone = std::move(client.writer);
    gone.write("bye");
  }
  const std::string all = co_await server.reader.read();
  CHECK(all == "bye");
}

AIO_TEST("memory_streams: after abort the peer sees the end of the stream",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  client.writer.write("dropped");
  client.writer.transport().abort();
  const std::string closed = co_await ending(client.writer.wait_closed());
  CHECK(closed == "returned");
  const std::string all = co_await server.reader.read();
  CHECK(all.empty());
}

AIO_TEST("memory_streams: a peer that goes with bytes unread breaks the connection",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams({.limit = 1});
  client.writer.write(std::string(10'000, 'x'));
  co_await turns(3);
  server.writer.close();
  const std::string read = co_await outcome_of(client.reader.read());
  CHECK_THAT(read, ContainsSubstring("Connection reset"));
  const std::string drain = co_await ending(client.writer.drain());
  CHECK_THAT(drain, ContainsSubstring("Connection reset"));
  const std::string closed = co_await ending(client.writer.wait_closed());
  CHECK_THAT(closed, ContainsSubstring("Connection reset"));
}

AIO_TEST("memory_streams: writing to a peer that is gone breaks the connection",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams();
  server.writer.close();
  const std::string end = co_await client.reader.read();
  CHECK(end.empty());
  client.writer.write("anybody there?");
  const std::string drain = co_await ending(client.writer.drain());
  CHECK_THAT(drain, ContainsSubstring("Connection reset"));
}

AIO_TEST("memory_streams: those who are cancelled leave the connection in order",
         "[testing][memory_streams]") {
  auto [client, server] = memory_streams({.limit = 1});
  test::fill(client.writer);
  auto draining = aio::create_task(ending(client.writer.drain()));
  auto closing = aio::create_task(ending(client.writer.wait_closed()));
  co_await turns(2);
  draining.cancel();
  closing.cancel();
  const std::string drained = co_await draining;
  const std::string closed = co_await closing;
  CHECK(drained == "cancelled");
  CHECK(closed == "cancelled");
  client.writer.close();
  const std::string all = co_await server.reader.read();
  CHECK(all.size() >= 64 * 1024);
}

TEST_CASE("memory_streams: a read that waits for ever is found as a deadlock",
          "[testing][memory_streams]") {
  CHECK_THROWS_AS(run_virtual([]() -> aio::coro<> {
                    auto [client, server] = memory_streams();
                    co_await client.reader.readline();
                  }),
                  aio::testing::deadlock_error);
}

TEST_CASE("memory_streams: a handle may outlive the loop",
          "[testing][memory_streams]") {
  std::optional<aio::testing::memory_stream> kept;
  run_virtual([&]() -> aio::coro<> {
    auto [client, server] = memory_streams();
    client.writer.write("left behind");
    co_await turns(2);
    kept.emplace(server);
  });
  CHECK(kept->writer.is_closing());
  kept->writer.close();
}

TEST_CASE("memory_streams: needs a running loop", "[testing][memory_streams]") {
  CHECK_THROWS_AS(memory_streams(), aio::usage_error);
}

// ----- as a network -----

AIO_NET_TEST("memory_streams: a life with a half-close is that of a socket",
             "[testing][memory_streams]") {
  auto sockets = co_await test::connect_streams(loop);
  const std::string real = co_await life_of(std::move(sockets));
  const std::string in_memory = co_await life_of(memory_streams());
  const std::string in_pieces = co_await life_of(memory_streams({.piece = 1}));
  CHECK(in_memory == real);
  CHECK(in_pieces == real);
  CHECK_THAT(real, ContainsSubstring("at eof"));
}

TEST_CASE("memory_streams: survive any order of turns", "[testing][memory_streams]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    run_virtual(
        []() -> aio::coro<> {
          auto client_side = [](aio::stream_reader reader, aio::stream_writer writer,
                                std::string name) -> aio::coro<> {
            for (int i = 0; i < 5; ++i) {
              writer.write(name + "\n");
              const std::string line = co_await reader.readline();
              CHECK(line == "echo " + name + "\n");
            }
            writer.close();
            co_await writer.wait_closed();
          };
          std::vector<aio::task<>> all;
          for (const char* name : {"ann", "bob", "cid"}) {
            auto [client, server] = memory_streams({.piece = 3});
            all.push_back(aio::create_task(echo_lines, std::move(server.reader),
                                           std::move(server.writer)));
            all.push_back(aio::create_task(client_side, std::move(client.reader),
                                           std::move(client.writer), name));
          }
          for (auto& one : all) co_await one;
        },
        {.seed = seed});
  }
}

TEST_CASE("memory_streams: a handler that is cancelled anywhere closes its connection",
          "[testing][memory_streams]") {
  aio::transport at_server;
  auto make = [&]() -> aio::coro<> {
    auto [client, server] = memory_streams({.piece = 2});
    at_server = server.writer.transport();
    auto talk = [](aio::stream_writer writer) -> aio::coro<> {
      writer.write("one\ntwo\n");
      co_await aio::sleep(1s);
      writer.close();
    };
    aio::create_task(talk, std::move(client.writer));
    co_await echo_lines(std::move(server.reader), std::move(server.writer));
    const std::string all = co_await client.reader.read();
    CHECK(all == "echo one\necho two\n");
  };
  const int cancels =
      aio::testing::cancel_at_every_await(make, [&](const aio::task<>& t) {
        CHECK(t.cancelled());
        if (at_server) CHECK(at_server.is_closing());
      });
  CHECK(cancels > 5);
}
