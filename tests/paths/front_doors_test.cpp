// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The programs in the guides of the front doors and in the README, as they stand there.

#include <aio/aio.hpp>
#include <aio/testing.hpp>

#include <support/net.hpp>
#include <support/test.hpp>

#include <chrono>
#include <memory>
#include <string>

using namespace std::chrono_literals;

namespace {

// aio/task.hpp
aio::coro<std::string> greet(std::string name, std::chrono::milliseconds delay) {
  co_await aio::sleep(delay);
  co_return "Hello, " + name;
}
aio::coro<std::string> both() {
  auto [a, b] = co_await aio::gather(greet("Alice", 20ms), greet("Bob", 10ms));
  co_return a + "; " + b;
}

// aio/net.hpp and the README
aio::coro<> echo(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    std::string line = co_await reader.readline();
    if (line.empty()) break;  // the client has finished
    writer.write(line);
    co_await writer.drain();
  }
}
aio::coro<> serve(std::shared_ptr<aio::server> started) {
  auto server = co_await aio::start_server(echo, "127.0.0.1", 0);
  *started = server;
  co_await server.serve_forever();
}

// aio/aio.hpp
aio::coro<int> amain() {
  co_await aio::sleep(1s);
  co_return 0;
}

}  // namespace

AIO_TEST("front door task: two greetings at once take as long as the longer",
         "[front_doors]") {
  const std::string greetings = co_await both();
  CHECK(greetings == "Hello, Alice; Hello, Bob");
  CHECK(loop.now() == 20ms);
}

AIO_NET_TEST("front door net: the echo server sends lines back", "[front_doors]") {
  auto started = std::make_shared<aio::server>();
  auto serving = aio::create_task(serve, started);
  while (!*started) co_await aio::sleep(0s);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", started->port());
  writer.write("one\ntwo\n");
  const std::string one = co_await reader.readline();
  const std::string two = co_await reader.readline();
  CHECK(one == "one\n");
  CHECK(two == "two\n");
  writer.write_eof();
  const std::string rest = co_await reader.read();
  CHECK(rest.empty());
  serving.cancel();
}

TEST_CASE("front door testing: virtual time is exact", "[front_doors]") {
  aio::testing::virtual_loop loop;
  CHECK(loop.run(amain()) == 0);
  CHECK(loop.now() == 1s);
}
