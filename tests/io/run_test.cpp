// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/run.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <aio/io/threads.hpp>
#include <aio/task/sleep.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending_of;

namespace {

aio::coro<int> answer(int n) {
  co_await aio::sleep(0s);
  co_return n;
}

aio::coro<int> fail() {
  co_await aio::sleep(0s);
  throw boom();
}

aio::coro<> background(std::string& log, std::string tag, aio::duration cleanup,
                       bool fails = false) {
  bool cancelled = false;
  try {
    co_await aio::sleep(1h);
  } catch (const aio::cancelled_error&) {
    cancelled = true;
  }
  co_await aio::sleep(cleanup);
  log += tag + " ";
  if (fails) throw boom("bad cleanup");
  if (cancelled) throw aio::cancelled_error();
}

}  // namespace

TEST_CASE("run: yields the value of main, or throws its exception", "[io][run]") {
  CHECK(aio::run(answer(42)) == 42);
  CHECK(ending_of([] { return aio::run(fail()); }) == "boom");
  aio::run([]() -> aio::coro<> { co_return; });
  CHECK(aio::detail::loop_core::running() == nullptr);
}

TEST_CASE("run: a callable lives until the end, with what it captured", "[io][run]") {
  int alive = 0;
  const int seen = aio::run([guard = test::counted(alive), &alive]() -> aio::coro<int> {
    co_await aio::sleep(1ms);
    co_return alive;
  });
  CHECK(seen == 1);
  CHECK(alive == 0);
}

TEST_CASE("run: values that can only be moved come out", "[io][run]") {
  const auto made = aio::run([]() -> aio::coro<std::unique_ptr<int>> {
    co_await aio::sleep(0s);
    co_return std::make_unique<int>(3);
  });
  CHECK(*made == 3);
}

TEST_CASE("run: inside a running loop it is refused, and the coroutine can be awaited",
          "[io][run]") {
  const int value = aio::run([]() -> aio::coro<int> {
    auto c = answer(1);
    bool refused = false;
    try {
      aio::run(std::move(c));
    } catch (const aio::usage_error&) {
      refused = true;
    }
    CHECK(refused);
    co_return co_await std::move(c);
  });
  CHECK(value == 1);
}

TEST_CASE("run: tasks left over are cancelled and run to their end", "[io][run]") {
  std::string log;
  aio::run([&]() -> aio::coro<> {
    aio::create_task(background(log, "slow", 5ms));
    aio::create_task(background(log, "quick", 0s));
    co_await aio::sleep(0s);
    log += "main ";
  });
  CHECK(log == "main quick slow ");
}

TEST_CASE("run: tasks left over are cancelled also if main fails", "[io][run]") {
  std::string log;
  const std::string how = ending_of([&] {
    return aio::run([&]() -> aio::coro<int> {
      aio::create_task(background(log, "left", 0s));
      co_await aio::sleep(0s);
      throw boom();
    });
  });
  CHECK(how == "boom");
  CHECK(log == "left ");
}

TEST_CASE("run: an error while tasks are cancelled is reported and changes no result",
          "[io][run]") {
  std::string log;
  std::vector<std::string> told;
  const int value = aio::run([&]() -> aio::coro<int> {
    aio::get_running_loop().set_exception_handler([&](const aio::exception_context& c) {
      told.push_back(test::name_of(c.exception));
    });
    aio::create_task(background(log, "bad", 0s, true));
    co_await aio::sleep(0s);
    co_return 3;
  });
  CHECK(value == 3);
  CHECK(told == std::vector<std::string>{"bad cleanup"});
}

TEST_CASE("run: a task that had no step yet is over at the end", "[io][run]") {
  bool ended = false;
  aio::run([&]() -> aio::coro<> {
    auto last = aio::create_task([]() -> aio::coro<> { co_await aio::sleep(1h); });
    last.add_done_callback([&](const aio::task<>& t) { ended = t.cancelled(); });
    co_return;
  });
  CHECK(ended);
}

TEST_CASE("run: the threads of the executor have ended when it returns", "[io][run]") {
  std::atomic<int> begun = 0;
  std::atomic<int> done = 0;
  aio::run([&]() -> aio::coro<> {
    for (int i = 0; i < 3; ++i) {
      aio::create_task(aio::detail::as_coro(aio::to_thread([&] {
        ++begun;
        std::this_thread::sleep_for(5ms);
        ++done;
      })));
    }
    while (begun < 3) co_await aio::sleep(0s);
  });
  CHECK(done == 3);
}

TEST_CASE("run: each thread may run its own loop", "[io][run][threads]") {
  std::vector<std::thread> threads;
  std::atomic<int> sum = 0;
  for (int i = 1; i <= 4; ++i) {
    threads.emplace_back([&sum, i] {
      sum += aio::run([i]() -> aio::coro<int> {
        int total = 0;
        for (int k = 0; k < 100; ++k) {
          co_await aio::sleep(0s);
          total += co_await answer(i);
        }
        co_return total;
      });
    });
  }
  for (std::thread& one : threads) one.join();
  CHECK(sum == 1000);
}

TEST_CASE("run: debug mode comes from the options, or from the environment",
          "[io][run]") {
  const auto debug = []() -> aio::coro<bool> {
    co_return aio::get_running_loop().get_debug();
  };
  ::unsetenv("AIO_DEBUG");
  CHECK_FALSE(aio::run(debug));
  CHECK(aio::run(debug, {.debug = true}));
  ::setenv("AIO_DEBUG", "1", 1);
  CHECK(aio::run(debug));
  CHECK_FALSE(aio::run(debug, {.debug = false}));
  ::setenv("AIO_DEBUG", "0", 1);
  CHECK_FALSE(aio::run(debug));
  ::unsetenv("AIO_DEBUG");
}

// ----- runner -----

TEST_CASE("runner: several runs share a loop", "[io][runner]") {
  aio::runner runner;
  aio::event_loop* const loop = &runner.get_loop();
  CHECK(runner.run(answer(1)) == 1);
  CHECK(runner.run(answer(2)) == 2);
  CHECK(&runner.get_loop() == loop);
  CHECK_FALSE(loop->is_closed());
  CHECK(ending_of([&] { return runner.run(fail()); }) == "boom");
  CHECK(runner.run(answer(3)) == 3);
}

TEST_CASE("runner: a task left over by one run goes on in the next", "[io][runner]") {
  aio::runner runner;
  std::string log;
  auto count = [&]() -> aio::coro<> {
    for (int i = 0; i < 4; ++i) {
      log += std::to_string(i);
      co_await aio::sleep(0s);
    }
  };
  auto start = [&]() -> aio::coro<aio::task<>> { co_return aio::create_task(count()); };
  aio::task<> left = runner.run(start());
  CHECK(log.size() < 4);
  CHECK_FALSE(left.done());
  auto wait = [&]() -> aio::coro<> { co_await left; };
  runner.run(wait());
  CHECK(log == "0123");
}

TEST_CASE("runner: closed it is closed for good", "[io][runner]") {
  std::string log;
  aio::runner runner;
  auto start = [&]() -> aio::coro<> {
    aio::create_task(background(log, "left", 0s));
    co_await aio::sleep(0s);
  };
  runner.run(start());
  CHECK(log.empty());
  aio::event_loop& loop = runner.get_loop();
  runner.close();
  CHECK(log == "left ");
  CHECK(loop.is_closed());
  runner.close();  // may be repeated
  CHECK_THROWS_AS(runner.get_loop(), aio::usage_error);
  auto refused = answer(1);
  CHECK_THROWS_AS(runner.run(std::move(refused)), aio::usage_error);
  CHECK(aio::run(std::move(refused)) == 1);  // it is still whole
}

TEST_CASE("runner: closed before it was used it makes no loop", "[io][runner]") {
  aio::runner runner;
  runner.close();
  CHECK_THROWS_AS(runner.get_loop(), aio::usage_error);
}

TEST_CASE("runner: inside a running loop it refuses to run", "[io][runner]") {
  aio::run([]() -> aio::coro<> {
    aio::runner inner;
    auto c = answer(1);
    bool refused = false;
    try {
      inner.run(std::move(c));
    } catch (const aio::usage_error&) {
      refused = true;
    }
    CHECK(refused);
    const int value = co_await std::move(c);
    CHECK(value == 1);
  });
}
