// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/event_loop.hpp>

#include <support/net.hpp>

#include <aio/task/gather.hpp>
#include <aio/task/sleep.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::boom;
using test::ending_of;

namespace {

/// One turn, as asyncio's programs make it: stop() before running.
void run_once(aio::event_loop& loop) {
  loop.stop();
  loop.run_forever();
}

}  // namespace

// ----- callbacks -----

TEST_CASE("event_loop: callbacks run in the order of the calls, on the next turn",
          "[io][event_loop]") {
  aio::event_loop loop;
  std::string log;
  loop.call_soon([&] {
    log += "a";
    loop.call_soon([&] { log += "d"; });
  });
  loop.call_soon(
      [&](const std::string& text, int n) { log += text + std::to_string(n); },
      std::string("b"), 1);
  loop.call_soon([&] { log += "c"; });
  CHECK(log.empty());
  run_once(loop);
  CHECK(log == "ab1c");
  run_once(loop);
  CHECK(log == "ab1cd");
}

TEST_CASE("event_loop: a cancelled callback does not run, and is destroyed at once",
          "[io][event_loop]") {
  aio::event_loop loop;
  int alive = 0;
  int calls = 0;
  aio::handle h = loop.call_soon([&calls, guard = test::counted(alive)] { ++calls; });
  aio::timer_handle t =
      loop.call_later(1h, [&calls, guard = test::counted(alive)] { ++calls; });
  CHECK(alive == 2);
  h.cancel();
  t.cancel();
  h.cancel();  // may be repeated
  CHECK(alive == 0);
  CHECK(h.cancelled());
  CHECK(t.cancelled());
  run_once(loop);
  CHECK(calls == 0);
}

TEST_CASE("event_loop: callables that can only be moved are welcome",
          "[io][event_loop]") {
  aio::event_loop loop;
  int sum = 0;
  loop.call_soon([&, n = std::make_unique<int>(1)] { sum += *n; });
  loop.call_later(
      0s, [&](const std::unique_ptr<int>& n) { sum += *n; }, std::make_unique<int>(2));
  loop.call_soon_threadsafe([&, n = std::make_unique<int>(4)] { sum += *n; });
  run_once(loop);
  run_once(loop);
  CHECK(sum == 7);
}

TEST_CASE("event_loop: timers fire in the order of their deadlines, not before them",
          "[io][event_loop]") {
  aio::event_loop loop;
  std::string log;
  const aio::time_point start = loop.time();
  loop.call_later(3ms, [&] {
    log += "c";
    loop.stop();
  });
  loop.call_later(1ms, [&] { log += "a"; });
  const aio::timer_handle b = loop.call_at(start + 2ms, [&] {
    CHECK(loop.time() >= start + 2ms);
    log += "b";
  });
  CHECK(b.when() == start + 2ms);
  loop.call_later(-5s, [&] { log += "0"; });
  loop.run_forever();
  CHECK(log == "0abc");
  CHECK(loop.time() >= start + 3ms);
}

TEST_CASE("event_loop: delays beyond the clock never fire, NaN is refused",
          "[io][event_loop]") {
  aio::event_loop loop;
  using seconds = std::chrono::duration<double>;
  bool fired = false;
  const auto h = loop.call_later(seconds(1e300), [&] { fired = true; });
  const auto g = loop.call_later(aio::duration::max(), [&] { fired = true; });
  run_once(loop);
  CHECK_FALSE(fired);
  CHECK_THROWS_AS(
      loop.call_later(seconds(std::numeric_limits<double>::quiet_NaN()), [] {}),
      std::invalid_argument);
}

// ----- real time -----

TEST_CASE("event_loop: short sleeps take about as long as they should",
          "[io][event_loop][time]") {
  aio::event_loop loop;
  using std::chrono::microseconds;
  for (const aio::duration length : {aio::duration(100us), aio::duration(1500us)}) {
    aio::duration best = 1h;
    for (int i = 0; i < 20; ++i) {
      const auto began = aio::clock::now();
      loop.run_until_complete(aio::detail::as_coro(aio::sleep(length)));
      const auto took = aio::clock::now() - began;
      REQUIRE(took >= length);
      best = std::min(best, took);
    }
    CHECK(best < length + 700us);  // whole milliseconds would take longer
  }
}

TEST_CASE("event_loop: a sleeping loop takes no processor time",
          "[io][event_loop][time]") {
  aio::event_loop loop;
  const std::clock_t before = std::clock();
  loop.run_until_complete(aio::detail::as_coro(aio::sleep(100ms)));
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  CHECK(used < 0.05);
}

TEST_CASE("event_loop: timers fire while tasks are always ready", "[io][event_loop]") {
  aio::event_loop loop;
  bool fired = false;
  bool posted = false;
  loop.call_later(1ms, [&] { fired = true; });
  boost::asio::post(loop.io_context(), [&] { posted = true; });
  auto busy = [&]() -> aio::coro<> {
    const auto limit = aio::clock::now() + 5s;
    while (!(fired && posted) && aio::clock::now() < limit) co_await aio::sleep(0s);
  };
  loop.run_until_complete(busy());
  CHECK(fired);
  CHECK(posted);
}

// ----- other threads -----

TEST_CASE("event_loop: calls from other threads arrive all, in order per thread",
          "[io][event_loop][threads]") {
  aio::event_loop loop;
  constexpr int threads = 4;
  constexpr int calls = 2000;
  std::vector<std::vector<int>> seen(threads);
  int left = threads * calls;
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < calls; ++i) {
        loop.call_soon_threadsafe([&, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (--left == 0) loop.stop();
        });
      }
    });
  }
  loop.run_forever();
  for (std::thread& one : callers) one.join();
  for (const auto& of_one : seen) {
    REQUIRE(of_one.size() == calls);
    CHECK(std::is_sorted(of_one.begin(), of_one.end()));
  }
}

TEST_CASE("event_loop: a call from another thread wakes a loop that sleeps",
          "[io][event_loop][threads]") {
  aio::event_loop loop;
  for (int i = 0; i < 50; ++i) {
    std::promise<void> sleeping;
    loop.call_soon([&] { sleeping.set_value(); });
    std::thread other([&] {
      sleeping.get_future().wait();
      loop.call_soon_threadsafe([&] { loop.stop(); });
    });
    loop.run_forever();
    other.join();
  }
}

TEST_CASE("event_loop: a call from another thread while it is closed is refused",
          "[io][event_loop][threads]") {
  aio::event_loop loop;
  int alive = 0;
  loop.call_soon_threadsafe([guard = test::counted(alive)] {});
  CHECK(alive == 1);
  loop.close();
  CHECK(alive == 0);  // dropped, not run
  std::string how;
  std::thread([&] {
    how = ending_of([&] { return loop.call_soon_threadsafe([] {}), 0; });
  }).join();
  CHECK(how == "usage");
}

TEST_CASE("event_loop: in debug mode a call from the wrong thread throws",
          "[io][event_loop][threads]") {
  aio::event_loop loop;
  CHECK_FALSE(loop.get_debug());
  loop.set_debug(true);
  CHECK(loop.get_debug());
  std::string how;
  loop.call_soon([&] {
    std::thread([&] { how = ending_of([&] { return loop.call_soon([] {}); }); }).join();
    loop.call_soon([] {});  // our own thread may
  });
  run_once(loop);
  CHECK(how == "usage");
}

// ----- running and stopping -----

TEST_CASE("event_loop: stop before running makes one turn", "[io][event_loop]") {
  aio::event_loop loop;
  int turns = 0;
  std::function<void()> again = [&] {
    ++turns;
    loop.call_soon(again);
  };
  loop.call_soon(again);
  run_once(loop);
  CHECK(turns == 1);
  loop.call_later(2ms, [&] { loop.stop(); });
  loop.run_forever();
  CHECK(turns > 1);
}

TEST_CASE("event_loop: stop lets the turn it is in end", "[io][event_loop]") {
  aio::event_loop loop;
  std::string log;
  loop.call_soon([&] {
    log += "a";
    loop.stop();
    loop.call_soon([&] { log += "next"; });
  });
  loop.call_soon([&] { log += "b"; });
  loop.run_forever();
  CHECK(log == "ab");
  CHECK_FALSE(loop.is_running());
}

TEST_CASE("event_loop: run_until_complete yields the value or throws",
          "[io][event_loop]") {
  aio::event_loop loop;
  auto answer = []() -> aio::coro<int> {
    co_await aio::sleep(0s);
    co_return 42;
  };
  auto fail = []() -> aio::coro<int> {
    co_await aio::sleep(0s);
    throw boom();
  };
  CHECK(loop.run_until_complete(answer()) == 42);
  CHECK(ending_of([&] { return loop.run_until_complete(fail()); }) == "boom");
  CHECK(loop.run_until_complete(loop.create_task(answer())) == 42);
  auto f = loop.create_future<int>();
  loop.call_later(1ms, [f]() mutable { f.set_result(7); });
  CHECK(loop.run_until_complete(f) == 7);
}

TEST_CASE("event_loop: stopped before the future is done it says so, and can go on",
          "[io][event_loop]") {
  aio::event_loop loop;
  auto f = loop.create_future<int>();
  loop.call_soon([&] { loop.stop(); });
  CHECK(ending_of([&] { return loop.run_until_complete(f); }) == "usage");
  loop.call_soon([&] { f.set_result(1); });
  CHECK(loop.run_until_complete(f) == 1);
}

TEST_CASE("event_loop: it runs once at a time, one per thread", "[io][event_loop]") {
  aio::event_loop loop;
  aio::event_loop other;
  std::vector<std::string> how;
  loop.call_soon([&] {
    CHECK(loop.is_running());
    CHECK(&aio::get_running_loop() == &loop);
    how.push_back(ending_of([&] { return loop.run_forever(), 0; }));
    how.push_back(ending_of([&] { return other.run_forever(), 0; }));
    how.push_back(ending_of([&] { return loop.close(), 0; }));
  });
  run_once(loop);
  CHECK(how == std::vector<std::string>{"usage", "usage", "usage"});
  CHECK(ending_of([] { return &aio::get_running_loop(); }) == "usage");
  run_once(other);  // unharmed
}

TEST_CASE("event_loop: a future of another loop is refused", "[io][event_loop]") {
  aio::event_loop loop;
  aio::event_loop other;
  auto f = other.create_future<int>();
  CHECK_THROWS_AS(loop.run_until_complete(f), std::invalid_argument);
}

// ----- closing -----

TEST_CASE("event_loop: closed it takes nothing any more", "[io][event_loop]") {
  aio::event_loop loop;
  loop.close();
  loop.close();  // may be repeated
  CHECK(loop.is_closed());
  CHECK_THROWS_AS(loop.call_soon([] {}), aio::usage_error);
  CHECK_THROWS_AS(loop.call_later(1s, [] {}), aio::usage_error);
  CHECK_THROWS_AS(loop.call_at(loop.time(), [] {}), aio::usage_error);
  CHECK_THROWS_AS(loop.run_forever(), aio::usage_error);
  auto body = []() -> aio::coro<> { co_return; };
  aio::coro<> refused = body();
  CHECK_THROWS_AS(loop.run_until_complete(std::move(refused)), aio::usage_error);
  CHECK_THROWS_AS(loop.create_task(std::move(refused)), aio::usage_error);
  aio::event_loop().run_until_complete(std::move(refused));  // it is still whole
}

TEST_CASE("event_loop: closing drops callbacks and timers without running them",
          "[io][event_loop]") {
  int alive = 0;
  int calls = 0;
  aio::event_loop loop;
  loop.call_soon([&calls, guard = test::counted(alive)] { ++calls; });
  loop.call_later(0s, [&calls, guard = test::counted(alive)] { ++calls; });
  loop.call_later(1h, [&calls, guard = test::counted(alive)] { ++calls; });
  loop.close();
  CHECK(alive == 0);
  CHECK(calls == 0);
}

TEST_CASE("event_loop: closing destroys the tasks that are left, and reports them",
          "[io][event_loop]") {
  int alive = 0;
  std::string reported;
  {
    aio::event_loop loop;
    loop.set_exception_handler(
        [&](const aio::exception_context& c) { reported += c.message; });
    loop.create_task([&]() -> aio::coro<> {
      const test::counted guard(alive);
      co_await aio::sleep(1h);
    });
    run_once(loop);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
  CHECK_THAT(reported, ContainsSubstring("destroyed but it is pending"));
}

TEST_CASE("event_loop: a future may outlive its loop", "[io][event_loop]") {
  aio::future<int> f;
  {
    aio::event_loop loop;
    f = loop.create_future<int>();
  }
  f.set_result(3);
  CHECK(f.result() == 3);
}

// ----- errors nobody took -----

TEST_CASE("event_loop: an exception of a callback is reported, and the next one runs",
          "[io][event_loop]") {
  aio::event_loop loop;
  std::vector<std::string> told;
  loop.set_exception_handler([&](aio::event_loop& of, const aio::exception_context& c) {
    CHECK(&of == &loop);
    CHECK_FALSE(c.message.empty());
    told.push_back(test::name_of(c.exception));
  });
  bool next = false;
  loop.call_soon([] { throw boom("soon"); });
  loop.call_soon([&] { next = true; });
  loop.call_soon_threadsafe([] { throw boom("thread"); });
  run_once(loop);
  CHECK(next);
  loop.call_later(0s, [] { throw boom("later"); });
  run_once(loop);
  auto f = loop.create_future();
  f.add_done_callback([](const aio::future<>&) { throw boom("done"); });
  f.set_result();
  run_once(loop);
  loop.call_exception_handler({"by hand", nullptr, {}});
  CHECK(told == std::vector<std::string>{"soon", "thread", "later", "done", "none"});
}

TEST_CASE(
    "event_loop: an exception handler that fails, or replaces itself, is no trouble",
    "[io][event_loop]") {
  aio::event_loop loop;
  int first = 0;
  int second = 0;
  loop.set_exception_handler([&](const aio::exception_context&) {
    ++first;
    loop.set_exception_handler([&](const aio::exception_context&) { ++second; });
  });
  loop.call_exception_handler({"one", nullptr, {}});
  loop.call_exception_handler({"two", nullptr, {}});
  CHECK(first == 1);
  CHECK(second == 1);
  loop.set_exception_handler(nullptr);
}

TEST_CASE("event_loop: keyboard_interrupt leaves the loop, which can run again",
          "[io][event_loop]") {
  aio::event_loop loop;
  bool rest = false;
  loop.call_soon([] { throw aio::keyboard_interrupt(); });
  loop.call_soon([&] { rest = true; });
  CHECK_THROWS_AS(loop.run_forever(), aio::keyboard_interrupt);
  CHECK_FALSE(loop.is_running());
  CHECK_FALSE(rest);
  run_once(loop);
  CHECK(rest);
}

TEST_CASE("event_loop: in debug mode a slow callback is reported", "[io][event_loop]") {
  aio::event_loop loop;
  std::string told;
  loop.set_exception_handler(
      [&](const aio::exception_context& c) { told += c.message; });
  loop.set_slow_callback_duration(1ms);
  auto slow = [] {
    const auto until = aio::clock::now() + 2ms;
    while (aio::clock::now() < until) continue;
  };
  loop.call_soon(slow);
  run_once(loop);
  CHECK(told.empty());
  loop.set_debug(true);
  loop.call_soon(slow);
  loop.call_soon([] {});
  run_once(loop);
  CHECK_THAT(told, ContainsSubstring("took"));
}

// ----- as a guest of somebody's io_context -----

TEST_CASE(
    "event_loop: as a guest it lives while its context runs, which ends with its "
    "tasks",
    "[io][event_loop][guest]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  std::string log;
  auto body = [&]() -> aio::coro<> {
    log += "a";
    co_await aio::sleep(0s);
    log += "b";
    co_await aio::sleep(2ms);
    log += "c";
    CHECK(&aio::get_running_loop() == &loop);
  };
  auto first = loop.create_task(body());
  CHECK(log.empty());
  context.run();
  CHECK(first.done());
  CHECK(log == "abc");
  // And again.
  context.restart();
  auto second = loop.create_task(body());
  context.run();
  CHECK(second.done());
  CHECK(log == "abcabc");
}

TEST_CASE("event_loop: as a guest it is reached by handlers of its context",
          "[io][event_loop][guest]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  std::string log;
  auto go = loop.create_future();
  auto body = [&]() -> aio::coro<> {
    co_await go;
    log += "task ";
  };
  auto waiting = loop.create_task(body());
  boost::asio::post(context, [&] {
    log += "post ";
    loop.call_soon([&] {
      log += "soon ";
      go.set_result();
    });
  });
  boost::asio::steady_timer timer(context, 2ms);
  timer.async_wait([&](boost::system::error_code) {
    loop.call_later(1ms, [&] { log += "later "; });
    loop.create_task([&]() -> aio::coro<> {
      co_await aio::sleep(5ms);
      log += "second ";
    });
  });
  context.run();
  CHECK(log == "post soon task later second ");
}

TEST_CASE("event_loop: as a guest it is woken by other threads",
          "[io][event_loop][guest][threads]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  auto came = loop.create_future<int>();
  auto body = [&]() -> aio::coro<int> { co_return co_await came; };
  auto waiting = loop.create_task(body());
  std::thread other([&] { loop.call_soon_threadsafe([&] { came.set_result(5); }); });
  context.run();
  other.join();
  CHECK(waiting.result() == 5);
}

TEST_CASE("event_loop: as a guest a timer that was called off keeps nobody waiting",
          "[io][event_loop][guest]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  const auto began = std::chrono::steady_clock::now();
  SECTION("before the context runs") {
    loop.call_later(1h, [] {}).cancel();
  }
  SECTION("while it runs") {
    auto late = loop.call_later(1h, [] {});
    loop.call_later(1ms, [late]() mutable { late.cancel(); });
  }
  context.run();
  CHECK(std::chrono::steady_clock::now() - began < 10min);
}

TEST_CASE("event_loop: on a context of others it can also be driven itself",
          "[io][event_loop][guest]") {
  boost::asio::io_context context;
  {
    aio::event_loop loop(context);
    bool posted = false;
    boost::asio::post(context, [&] { posted = true; });
    loop.run_until_complete(aio::detail::as_coro(aio::sleep(1ms)));
    CHECK(posted);
  }
  context.restart();
  context.run();  // what is left of it there does no harm
}

TEST_CASE("event_loop: on its own context handlers run on its thread",
          "[io][event_loop]") {
  aio::event_loop loop;
  std::string log;
  boost::asio::post(loop.io_context(), [&] {
    log += "handler ";
    loop.call_soon([&] {
      log += "callback";
      loop.stop();
    });
  });
  loop.run_forever();
  CHECK(log == "handler callback");
}
