// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/event_loop.hpp>

#include <support/streams.hpp>

#include <poll.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace {

/// A main loop that knows descriptors only. Returns how often it stepped.
template <class Condition>
int drive(aio::event_loop& loop, Condition is_over) {
  int steps = 0;
  while (!is_over()) {
    pollfd wanted{loop.native_handle(), POLLIN, 0};
    REQUIRE(::poll(&wanted, 1, 10'000) == 1);  // else nobody would ever wake it
    loop.step();
    ++steps;
  }
  return steps;
}

bool has_something_to_do(aio::event_loop& loop) {
  pollfd wanted{loop.native_handle(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

/// Until nothing is left that is due.
void settle(aio::event_loop& loop) {
  while (has_something_to_do(loop)) loop.step();
}

}  // namespace

TEST_CASE("step: runs what is due, and no more", "[io][step]") {
  aio::event_loop loop;
  std::string log;
  loop.step();
  loop.call_soon([&] {
    log += 'a';
    loop.call_soon([&] { log += 'b'; });
    CHECK_THROWS_AS(loop.step(), aio::usage_error);
  });
  loop.call_later(1h, [&] { log += 'z'; });
  loop.step();
  CHECK(log == "a");
  loop.step();
  CHECK(log == "ab");
  loop.step();
  CHECK(log == "ab");
  loop.close();
  CHECK_THROWS_AS(loop.step(), aio::usage_error);
  CHECK_THROWS_AS(loop.native_handle(), aio::usage_error);
}

TEST_CASE("step: the descriptor is readable while something is due", "[io][step]") {
  aio::event_loop loop;
  bool ran = false;
  loop.call_soon([&] { ran = true; });  // before anybody asked for it
  CHECK(has_something_to_do(loop));
  settle(loop);
  CHECK(ran);
  CHECK_FALSE(has_something_to_do(loop));

  loop.call_soon([&] { loop.call_soon([] {}); });
  CHECK(has_something_to_do(loop));
  loop.step();
  CHECK(has_something_to_do(loop));
  loop.step();
  CHECK_FALSE(has_something_to_do(loop));
}

TEST_CASE("step: timers wake the main loop, in their order", "[io][step]") {
  aio::event_loop loop;
  std::string log;
  const aio::time_point start = loop.time();
  loop.call_later(3ms, [&] { log += 'c'; });
  loop.call_later(1ms, [&] { log += 'a'; });
  auto cancelled = loop.call_later(2ms, [&] { log += 'x'; });
  loop.call_later(2ms, [&] { log += 'b'; });
  cancelled.cancel();
  const int steps = drive(loop, [&] { return log.size() == 3; });
  CHECK(log == "abc");
  CHECK(loop.time() - start >= 3ms);
  CHECK(steps <= 10);
  CHECK_FALSE(has_something_to_do(loop));

  auto earlier = loop.call_later(1ms, [&] { log += 'y'; });
  loop.call_later(1h, [] {});
  earlier.cancel();
  settle(loop);
  CHECK(log == "abc");
}

TEST_CASE("step: tasks, sockets and sleeps", "[io][step]") {
  aio::event_loop loop;
  std::string got;
  auto serve = [](aio::stream_reader reader, aio::stream_writer writer) -> aio::coro<> {
    std::string line = co_await reader.readline();
    co_await aio::sleep(1ms);
    writer.write("echo " + line);
    co_await writer.drain();
  };
  auto body = [&]() -> aio::coro<> {
    auto server = co_await aio::start_server(serve, "127.0.0.1", 0);
    auto streams = co_await aio::open_connection("127.0.0.1", server.port());
    streams.second.write("hello\n");
    got = co_await streams.first.read();
    server.close();
    co_await server.wait_closed();
  };
  auto task = loop.create_task(body());
  drive(loop, [&] { return task.done(); });
  task.result();
  CHECK(got == "echo hello\n");
}

TEST_CASE("step: calls from other threads wake the main loop", "[io][step]") {
  aio::event_loop loop;
  int calls = 0;
  static_cast<void>(loop.native_handle());
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.call_soon_threadsafe([&] { ++calls; });
  });
  drive(loop, [&] { return calls == 100; });
  other.join();
}

TEST_CASE("step: the same loop may run by itself as well", "[io][step]") {
  aio::event_loop loop;
  static_cast<void>(loop.native_handle());
  bool late = false;
  loop.call_later(5ms, [&] { late = true; });
  loop.run_until_complete(loop.create_task(aio::sleep(1ms)));
  CHECK_FALSE(late);
  drive(loop, [&] { return late; });
}

TEST_CASE("step: one loop is stepped by a callback of another", "[io][step]") {
  aio::event_loop outer;
  aio::event_loop inner;
  const void* seen = nullptr;
  inner.call_soon([&] { seen = &aio::get_running_loop(); });
  outer.call_soon([&] {
    inner.step();
    CHECK(&aio::get_running_loop() == &outer);
    outer.stop();
  });
  outer.run_forever();
  CHECK(seen == &inner);
}

TEST_CASE("step: a descriptor and an io_context exclude each other", "[io][step]") {
  aio::event_loop stepped;
  static_cast<void>(stepped.native_handle());
  CHECK_THROWS_AS(stepped.io_context(), aio::usage_error);

  aio::event_loop with_context;
  static_cast<void>(with_context.io_context());
  CHECK_THROWS_AS(with_context.native_handle(), aio::usage_error);
  bool ran = false;
  with_context.call_soon([&] { ran = true; });
  with_context.step();
  CHECK(ran);

  boost::asio::io_context context;
  aio::event_loop guest(context);
  CHECK_THROWS_AS(guest.native_handle(), aio::usage_error);

  aio::testing::virtual_driver world;
  aio::event_loop in_virtual_time(world);
  CHECK_THROWS_AS(in_virtual_time.native_handle(), aio::usage_error);
}
