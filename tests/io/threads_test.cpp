// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/threads.hpp>

#include <support/net.hpp>

#include <aio/task/gather.hpp>

#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;

AIO_NET_TEST("to_thread: yields the value of a call in another thread",
             "[io][threads]") {
  const auto here = std::this_thread::get_id();
  auto add = [](int a, int b) { return std::pair(a + b, std::this_thread::get_id()); };
  const auto [sum, there] = co_await aio::to_thread(add, 40, 2);
  CHECK(sum == 42);
  CHECK(there != here);
}

AIO_NET_TEST("to_thread: calls without a value, and values that can only be moved",
             "[io][threads]") {
  std::atomic<bool> called = false;
  co_await aio::to_thread([&] { called = true; });
  CHECK(called);
  auto made = co_await aio::to_thread([] { return std::make_unique<int>(7); });
  CHECK(*made == 7);
  auto taking =
      aio::to_thread([](std::unique_ptr<int> p) { return *p; }, std::move(made));
  const int seven = co_await std::move(taking);
  CHECK(seven == 7);
}

AIO_NET_TEST("to_thread: an exception comes over", "[io][threads]") {
  const std::string how =
      co_await ending(aio::to_thread([] { throw boom("in the thread"); }));
  CHECK(how == "in the thread");
}

AIO_NET_TEST("to_thread: the loop goes on meanwhile", "[io][threads]") {
  std::atomic<bool> go_on = false;
  auto blocking = aio::create_task(aio::to_thread([&] {
    while (!go_on) std::this_thread::yield();
  }));
  co_await test::turns(100);
  CHECK_FALSE(blocking.done());
  go_on = true;
  co_await blocking;
}

AIO_NET_TEST("to_thread: fifty calls, no lost update", "[io][threads]") {
  int counter = 0;
  std::mutex mutex;
  auto count = [&] {
    const std::lock_guard lock(mutex);
    ++counter;
  };
  std::vector<aio::coro<>> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(aio::to_thread(count));
  co_await aio::gather(std::move(calls));
  CHECK(counter == 50);
}

AIO_NET_TEST("to_thread: cancelled while the call runs, the call goes on alone",
             "[io][threads]") {
  std::binary_semaphore started(0);
  std::binary_semaphore may_end(0);
  std::atomic<bool> ended = false;
  auto call = [&] {
    started.release();
    may_end.acquire();
    ended = true;
    return 1;
  };
  auto body = [&]() -> aio::coro<int> { co_return co_await aio::to_thread(call); };
  auto waiting = aio::create_task(body());
  co_await test::turns(2);
  started.acquire();
  waiting.cancel();
  const std::string how = co_await ending(waiting);
  CHECK(how == "cancelled");
  CHECK_FALSE(ended);
  may_end.release();
  co_await loop.shutdown_default_executor();
  CHECK(ended);
}

AIO_NET_TEST("run_in_executor: cancelled before a thread took it, it never runs",
             "[io][threads]") {
  boost::asio::thread_pool pool(1);
  std::binary_semaphore may_end(0);
  std::atomic<bool> ran = false;
  auto first = loop.run_in_executor(pool, [&] { may_end.acquire(); });
  auto second = loop.run_in_executor(pool, [&] { ran = true; });
  CHECK(second.cancel());
  may_end.release();
  co_await first;
  pool.join();
  CHECK_FALSE(ran);
  const std::string how = co_await ending(second);
  CHECK(how == "cancelled");
}

AIO_NET_TEST("run_in_executor: any executor will do", "[io][threads]") {
  boost::asio::thread_pool pool(2);
  const int one = co_await loop.run_in_executor(pool, [] { return 1; });
  auto executor = pool.get_executor();
  const int two = co_await loop.run_in_executor(
      executor, [](int n) { return n; }, 2);
  CHECK(one + two == 3);
  const int three = co_await loop.run_in_executor([](int n) { return n; }, 3);
  CHECK(three == 3);
  pool.join();
}

AIO_NET_TEST("shutdown_default_executor: waits for the calls, then takes no more",
             "[io][threads]") {
  std::atomic<int> done = 0;
  std::vector<aio::future<void>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(loop.run_in_executor([&] {
      std::this_thread::sleep_for(3ms);
      ++done;
    }));
  }
  co_await loop.shutdown_default_executor();
  CHECK(done == 3);
  for (auto& one : calls) co_await one;
  CHECK_THROWS_AS(loop.run_in_executor([] {}), aio::usage_error);
  co_await loop.shutdown_default_executor();  // may be repeated
}

AIO_NET_TEST("shutdown_default_executor: after its limit it is reported and given up",
             "[io][threads]") {
  std::binary_semaphore may_end(0);
  auto call = loop.run_in_executor([&] { may_end.acquire(); });
  co_await test::turns(1);
  co_await loop.shutdown_default_executor(5ms);
  CHECK(reports.count() == 1);
  reports.take();
  may_end.release();
  co_await call;
  co_await aio::sleep(5ms);  // the thread that joins ends by itself
}

AIO_NET_TEST("to_thread: arguments live until the call has ended, and no longer",
             "[io][threads]") {
  auto argument = std::make_shared<int>(3);
  const std::weak_ptr<int> watch = argument;
  std::binary_semaphore may_end(0);
  auto call = aio::to_thread(
      [&may_end](const std::shared_ptr<int>& n) {
        may_end.acquire();
        return *n;
      },
      std::move(argument));
  CHECK_FALSE(watch.expired());
  may_end.release();
  const int three = co_await std::move(call);
  CHECK(three == 3);
  CHECK(watch.expired());
}

AIO_NET_TEST("to_thread: calls nothing, and copies no context, before it is awaited",
             "[io][threads]") {
  aio::context_var<int> variable("variable", 0);
  bool called = false;
  auto call = aio::to_thread([&] {
    called = true;
    return variable.get();
  });
  co_await aio::sleep(1ms);
  CHECK_FALSE(called);
  variable.set(5);
  const int seen = co_await std::move(call);
  CHECK(seen == 5);
}

TEST_CASE("run_in_executor: on a closed loop it is refused", "[io][threads]") {
  aio::event_loop loop;
  loop.close();
  CHECK_THROWS_AS(loop.run_in_executor([] {}), aio::usage_error);
}

TEST_CASE("run_in_executor: works before the loop runs, not after it is closed",
          "[io][threads]") {
  aio::event_loop loop;
  auto call = loop.run_in_executor([] { return 9; });
  CHECK(loop.run_until_complete(call) == 9);
  loop.close();
  CHECK_THROWS_AS(loop.run_in_executor([] {}), aio::usage_error);
}

TEST_CASE("run_in_executor: a loop that is closed waits for the threads",
          "[io][threads]") {
  std::atomic<bool> ended = false;
  {
    aio::event_loop loop;
    static_cast<void>(loop.run_in_executor([&] {
      std::this_thread::sleep_for(3ms);
      ended = true;
    }));
  }
  CHECK(ended);
}

AIO_NET_TEST("to_thread: ten thousand rounds, some of them cancelled",
             "[io][threads]") {
  constexpr int rounds = 10'000;
  int returned = 0;
  int cancelled = 0;
  std::atomic<int> called = 0;
  for (int i = 0; i < rounds; ++i) {
    auto call = aio::create_task(aio::to_thread([&] { return ++called; }));
    if (i % 5 == 0) {
      co_await aio::sleep(0s);
      call.cancel();
    }
    const std::string how = co_await ending(call);
    ++(how == "cancelled" ? cancelled : returned);
  }
  CHECK(returned + cancelled == rounds);
  CHECK(returned >= rounds * 4 / 5);
  co_await loop.shutdown_default_executor();
  CHECK(called >= returned);
}

TEST_CASE("run_in_executor: a call that ends after its loop leaves nothing behind",
          "[io][threads]") {
  boost::asio::thread_pool pool(1);
  std::binary_semaphore go_on{0};
  int alive = 0;
  {
    aio::event_loop loop;
    auto token = std::make_shared<test::counted>(alive);
    auto pending = loop.run_in_executor(pool, [&go_on, token = std::move(token)] {
      go_on.acquire();
      return std::string(1000, 'r');
    });
    CHECK_FALSE(pending.done());
  }
  CHECK(alive == 1);
  go_on.release();
  pool.join();
  CHECK(alive == 0);
}
