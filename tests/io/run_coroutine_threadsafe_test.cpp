// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/run_coroutine_threadsafe.hpp>

#include <aio/core/context.hpp>
#include <aio/io/run.hpp>
#include <aio/io/threads.hpp>
#include <aio/task/sleep.hpp>

#include <support/net.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::run_coroutine_threadsafe;
using test::ending;

namespace {

/// Runs `other` in a thread of its own beside the loop.
aio::coro<> beside(std::function<void()> other) {
  std::thread thread(std::move(other));
  co_await aio::to_thread([&] { thread.join(); });
}

aio::coro<int> add(int a, int b) {
  co_await aio::sleep(1ms);
  co_return a + b;
}

aio::coro<> fail() {
  co_await aio::sleep(0s);
  throw std::runtime_error("boom");
}

std::binary_semaphore began(0);

aio::coro<> for_ever(bool& was_cancelled) {
  began.release();
  try {
    co_await aio::sleep(1h);
  } catch (const aio::cancelled_error&) {
    was_cancelled = true;
    throw;
  }
}

}  // namespace

AIO_NET_TEST(
    "run_coroutine_threadsafe: another thread gets the value, or the exception",
    "[io][threads]") {
  std::string log;
  auto other = [&] {
    std::future<int> sum = run_coroutine_threadsafe(add(1, 2), loop);
    log += std::to_string(sum.get());
    try {
      run_coroutine_threadsafe(fail(), loop).get();
    } catch (const std::runtime_error& error) {
      log += std::string(" ") + error.what();
    }
    std::vector<aio::thread_future<int>> several;
    for (int i = 0; i < 4; ++i)
      several.push_back(run_coroutine_threadsafe(add(i, i), loop));
    for (auto& one : several) log += ' ' + std::to_string(one.result(10s));
  };
  co_await beside(other);
  CHECK(log == "3 boom 0 2 4 6");
}

AIO_NET_TEST(
    "run_coroutine_threadsafe: a time limit leaves the coroutine alone, a cancel "
    "stops it",
    "[io][threads]") {
  bool was_cancelled = false;
  auto other = [&] {
    auto answer = run_coroutine_threadsafe(for_ever(was_cancelled), loop);
    began.acquire();
    CHECK_THROWS_AS(answer.result(2ms), aio::timeout_error);
    CHECK_FALSE(answer.done());
    CHECK_FALSE(answer.cancelled());
    CHECK(answer.cancel());
    CHECK(answer.cancel());
    CHECK(answer.done());
    CHECK(answer.cancelled());
    CHECK_THROWS_AS(answer.get(), aio::cancelled_error);
    run_coroutine_threadsafe(add(0, 0), loop).get();  // behind the cancel
  };
  co_await beside(other);
  CHECK(was_cancelled);
  CHECK(aio::all_tasks().size() == 1);
}

AIO_NET_TEST("run_coroutine_threadsafe: cancelled before it begins, it never runs",
             "[io][threads]") {
  bool was_cancelled = false;
  auto answer = run_coroutine_threadsafe(for_ever(was_cancelled), loop);
  CHECK(answer.cancel());
  CHECK_THROWS_AS(answer.get(), aio::cancelled_error);
  co_await test::polls(5);
  CHECK_FALSE(was_cancelled);
  CHECK_FALSE(began.try_acquire());
  CHECK(aio::all_tasks().size() == 1);
}

AIO_NET_TEST("run_coroutine_threadsafe: a task that is cancelled ends the wait",
             "[io][threads]") {
  auto self_cancelled = []() -> aio::coro<> {
    aio::current_task().cancel();
    co_await aio::sleep(1h);
  };
  auto other = [&] {
    auto answer = run_coroutine_threadsafe(self_cancelled(), loop);
    CHECK_THROWS_AS(answer.get(), aio::cancelled_error);
    CHECK(answer.cancelled());
    CHECK(answer.done());
  };
  co_await beside(other);
}

AIO_NET_TEST("run_coroutine_threadsafe: a done one cannot be cancelled",
             "[io][threads]") {
  auto other = [&] {
    auto answer = run_coroutine_threadsafe(add(1, 1), loop);
    answer.wait();
    CHECK_FALSE(answer.cancel());
    CHECK_FALSE(answer.cancelled());
    CHECK(answer.get() == 2);
    CHECK(answer.done());
  };
  co_await beside(other);
}

AIO_NET_TEST(
    "run_coroutine_threadsafe: the task has the variables of the calling thread",
    "[io][threads]") {
  aio::context_var<int> variable("variable", 0);
  auto read = [&]() -> aio::coro<int> { co_return variable.get(); };
  int seen = 0;
  auto other = [&] {
    variable.set(7);
    seen = run_coroutine_threadsafe(read(), loop).get();
  };
  co_await beside(other);
  CHECK(seen == 7);
  CHECK(variable.get() == 0);
}

AIO_NET_TEST("run_coroutine_threadsafe: carries what can only be moved, and references",
             "[io][threads]") {
  int target = 1;
  auto pointer = []() -> aio::coro<std::unique_ptr<int>> {
    co_return std::make_unique<int>(5);
  };
  auto reference = [&]() -> aio::coro<int&> { co_return target; };
  auto other = [&] {
    CHECK(*run_coroutine_threadsafe(pointer(), loop).get() == 5);
    CHECK(&run_coroutine_threadsafe(reference(), loop).get() == &target);
  };
  co_await beside(other);
}

AIO_NET_TEST("run_coroutine_threadsafe: eager tasks", "[io][threads]") {
  loop.set_task_factory(aio::eager_task_factory);
  auto at_once = []() -> aio::coro<int> { co_return 3; };
  auto other = [&] { CHECK(run_coroutine_threadsafe(at_once(), loop).get() == 3); };
  co_await beside(other);
}

TEST_CASE("run_coroutine_threadsafe: the end of the loop is the end of the wait",
          "[io][threads]") {
  std::optional<aio::event_loop> loop(std::in_place);
  loop->set_exception_handler([](const aio::exception_context&) {});
  bool was_cancelled = false;
  auto running = run_coroutine_threadsafe(for_ever(was_cancelled), *loop);
  loop->call_later(1ms, [&] { loop->stop(); });
  loop->run_forever();
  CHECK(began.try_acquire());
  auto unstarted = run_coroutine_threadsafe(for_ever(was_cancelled), *loop);
  loop.reset();
  CHECK_THROWS_AS(running.get(), aio::cancelled_error);
  CHECK_THROWS_AS(unstarted.get(), aio::cancelled_error);
  CHECK(running.cancelled());
}

TEST_CASE("run_coroutine_threadsafe: a closed loop takes nothing", "[io][threads]") {
  aio::event_loop loop;
  loop.close();
  bool unused = false;
  CHECK_THROWS_AS(run_coroutine_threadsafe(for_ever(unused), loop), aio::usage_error);
}

TEST_CASE(
    "run_coroutine_threadsafe: thousands of calls and cancels from several threads",
    "[io][threads]") {
  constexpr int rounds = 2500;
  constexpr int threads = 4;
  std::atomic<int> wrong = 0;
  auto amain = [&]() -> aio::coro<> {
    aio::event_loop& loop = aio::get_running_loop();
    auto quick = [](int n) -> aio::coro<int> {
      co_await aio::sleep(0s);
      co_return n;
    };
    auto other = [&](int seed) {
      for (int i = 0; i < rounds; ++i) {
        auto answer = run_coroutine_threadsafe(quick(i), loop);
        if ((i + seed) % 3 == 0) {
          const bool stopped = answer.cancel();
          try {
            if (answer.get() != i || stopped) ++wrong;
          } catch (const aio::cancelled_error&) {
            if (!stopped) ++wrong;
          }
        } else if (answer.get() != i) {
          ++wrong;
        }
      }
    };
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back(other, i);
    co_await aio::to_thread([&] {
      for (std::thread& one : all) one.join();
    });
  };
  aio::run(amain());
  CHECK(wrong == 0);
}
