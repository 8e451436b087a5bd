// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/start_server.hpp>

#include <support/net.hpp>

#include <aio/net.hpp>
#include <aio/task/gather.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;

namespace {

aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    const std::string data = co_await reader.read(4096);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
}

/// Sends a line and returns the line that comes back.
aio::coro<std::string> ask(std::uint16_t port, std::string line) {
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port);
  writer.write(line + "\n");
  std::string answer = co_await reader.readline();
  writer.close();
  co_await writer.wait_closed();
  co_return answer;
}

}  // namespace

AIO_NET_TEST("start_server: the handler serves a client", "[net][start_server]") {
  auto server = co_await aio::start_server(echo, "127.0.0.1", 0);
  const std::string answer = co_await ask(server.port(), "hello");
  CHECK(answer == "hello\n");
}

AIO_NET_TEST("start_server: fifty clients are served at once", "[net][start_server]") {
  int inside = 0;
  int most = 0;
  auto all_there = loop.create_future();
  auto handler = [&](aio::stream_reader reader,
                     aio::stream_writer writer) -> aio::coro<> {
    most = std::max(most, ++inside);
    if (inside == 50) all_there.set_result();
    co_await all_there;
    const std::string line = co_await reader.readline();
    writer.write(line);
    --inside;
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  std::vector<aio::coro<std::string>> asking;
  for (int i = 0; i < 50; ++i) asking.push_back(ask(server.port(), std::to_string(i)));
  const auto answers = co_await aio::gather(std::move(asking));
  for (std::size_t i = 0; i < 50; ++i) CHECK(answers[i] == std::to_string(i) + "\n");
  CHECK(most == 50);
}

AIO_NET_TEST("start_server: a handler that returns closes its connection",
             "[net][start_server]") {
  auto handler = [](aio::stream_reader, aio::stream_writer writer) -> aio::coro<> {
    writer.write("bye\n");
    co_return;
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string all = co_await reader.read();
  CHECK(all == "bye\n");
}

AIO_NET_TEST(
    "start_server: a handler that fails closes only its own connection, and is "
    "reported",
    "[net][start_server]") {
  auto handler = [](aio::stream_reader reader,
                    aio::stream_writer writer) -> aio::coro<> {
    for (;;) {
      const std::string line = co_await reader.readline();
      if (line.empty()) break;
      if (line == "fail\n") throw boom("in the handler");
      writer.write(line);
    }
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto good = co_await aio::open_connection("127.0.0.1", server.port());
  auto bad = co_await aio::open_connection("127.0.0.1", server.port());
  good.second.write("one\n");
  const std::string one = co_await good.first.readline();
  bad.second.write("fail\n");
  const std::string end = co_await bad.first.read();
  CHECK(end.empty());
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].source,
             Catch::Matchers::ContainsSubstring(to_string(bad.second.sockname())));
  CHECK(reports.take() == "in the handler");
  good.second.write("two\n");
  const std::string two = co_await good.first.readline();
  CHECK(one + two == "one\ntwo\n");
  const std::string later = co_await ask(server.port(), "three");
  CHECK(later == "three\n");
}

AIO_NET_TEST("start_server: a failed handler's connection closes though others hold it",
             "[net][start_server]") {
  std::optional<aio::stream_writer> held;
  auto handler = [&](aio::stream_reader, aio::stream_writer writer) -> aio::coro<> {
    held = writer;
    co_await aio::sleep(0s);
    throw boom();
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string end = co_await reader.read();
  CHECK(end.empty());
  CHECK(held->is_closing());
  held.reset();
  CHECK(reports.take() == "boom");
}

AIO_NET_TEST(
    "start_server: a handler that is cancelled closes its connection in silence",
    "[net][start_server]") {
  aio::any_task serving;
  auto handler = [&](aio::stream_reader reader, aio::stream_writer) -> aio::coro<> {
    serving = aio::current_task();
    static_cast<void>(co_await reader.readline());
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const auto is_served = [&] { return static_cast<bool>(serving); };
  co_await test::until(is_served);
  serving.cancel();
  const std::string end = co_await reader.read();
  CHECK(end.empty());
  CHECK(serving.cancelled());
}

AIO_NET_TEST("start_server: the handler may be a plain function",
             "[net][start_server]") {
  auto handler = [](const aio::stream_reader&, const aio::stream_writer& writer) {
    writer.write("hello\n");  // and the last writer goes
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string all = co_await reader.read();
  CHECK(all == "hello\n");
}

AIO_NET_TEST(
    "start_server: a plain function that throws is reported, and others are served",
    "[net][start_server]") {
  int calls = 0;
  auto handler = [&](const aio::stream_reader&, const aio::stream_writer& writer) {
    if (++calls == 1) throw boom();
    writer.write("hello\n");
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  auto first = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string nothing = co_await first.first.read();
  CHECK(nothing.empty());
  CHECK(reports.take() == "boom");
  auto second = co_await aio::open_connection("127.0.0.1", server.port());
  const std::string all = co_await second.first.read();
  CHECK(all == "hello\n");
}

AIO_NET_TEST("start_server: a handler is kept alive until its last task has ended",
             "[net][start_server]") {
  int alive = 0;
  auto go_on = loop.create_future();
  std::optional<aio::stream_reader> answer;
  {
    auto handler = [guard = std::make_unique<test::counted>(alive), &go_on, &alive](
                       aio::stream_reader, aio::stream_writer writer) -> aio::coro<> {
      co_await go_on;
      writer.write(std::to_string(alive) + (guard ? " alive\n" : " gone\n"));
    };
    auto starting = aio::start_server(std::move(handler), "127.0.0.1", 0);
    auto server = co_await std::move(starting);
    auto pair = co_await aio::open_connection("127.0.0.1", server.port());
    // The handler must have begun before the server goes.
    co_await test::polls(5);
    server.close();
    answer = pair.first;
    co_await test::polls(5);
    CHECK(alive == 1);
    go_on.set_result();
    const std::string line = co_await answer->readline();
    CHECK(line == "1 alive\n");
  }
  answer.reset();
  const auto is_gone = [&] { return alive == 0; };
  co_await test::until(is_gone);
}

AIO_NET_TEST("start_server: a server without handles serves on",
             "[net][start_server]") {
  std::uint16_t port = 0;
  {
    auto server = co_await aio::start_server(echo, "127.0.0.1", 0);
    port = server.port();
  }
  co_await test::polls(3);
  const std::string answer = co_await ask(port, "still there?");
  CHECK(answer == "still there?\n");
}

AIO_NET_TEST("start_server: the limit is that of the readers", "[net][start_server]") {
  auto handler = [](aio::stream_reader reader,
                    aio::stream_writer writer) -> aio::coro<> {
    std::string first = co_await ending(reader.readline());
    const std::string second = co_await reader.readline();
    writer.write(first + " / " + second);
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0, {.limit = 10});
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  writer.write("a line that is too long\nshort\n");
  const std::string answer = co_await reader.read();
  CHECK_THAT(answer, Catch::Matchers::ContainsSubstring("limit of 10 bytes"));
  CHECK_THAT(answer, Catch::Matchers::EndsWith("/ short\n"));
}

AIO_NET_TEST("start_server: a limit of 0 is refused at once", "[net][start_server]") {
  CHECK_THROWS_AS(aio::start_server(echo, "127.0.0.1", 0, {.limit = 0}),
                  std::invalid_argument);
  co_return;
}

TEST_CASE("start_server: without a running loop it says what to do",
          "[net][start_server]") {
  CHECK_THROWS_AS(aio::start_server(echo, "127.0.0.1", 0), aio::usage_error);
}

AIO_NET_TEST("start_server: a handler that awaits with a half-closed client answers it",
             "[net][start_server]") {
  // Like: the echo server of asyncio's documentation.
  std::vector<std::string> log;
  auto handler = [&](aio::stream_reader reader,
                     aio::stream_writer writer) -> aio::coro<> {
    const std::string data = co_await reader.read(100);
    log.push_back("received " + data + " from " + writer.peername().address());
    writer.write(data);
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
    log.emplace_back("closed");
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  for (const char* message : {"Hello", ""}) {
    auto pair = co_await aio::open_connection("127.0.0.1", server.port());
    pair.second.write(message);
    pair.second.write_eof();
    const std::string answer = co_await pair.first.read();
    CHECK(answer == message);
    pair.second.close();
    co_await pair.second.wait_closed();
  }
  server.close();
  co_await server.wait_closed();
  const std::vector<std::string> expected = {"received Hello from 127.0.0.1", "closed",
                                             "received  from 127.0.0.1", "closed"};
  CHECK(log == expected);
}

TEST_CASE("start_server: it works on a loop that is a guest of somebody's io_context",
          "[net][start_server][guest]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  auto body = []() -> aio::coro<std::string> {
    auto server = co_await aio::start_server(echo, "127.0.0.1", 0);
    std::string all;
    for (const char* word : {"one", "two", "three"})
      all += co_await ask(server.port(), word);
    server.close();
    co_await server.wait_closed();
    co_return all;
  };
  auto asking = loop.create_task(aio::wait_for(body(), 5s));
  context.run();
  REQUIRE(asking.done());
  CHECK(asking.result() == "one\ntwo\nthree\n");
}
