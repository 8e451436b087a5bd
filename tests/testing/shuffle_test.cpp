// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/shuffle.hpp>  // first: proves the header stands alone

#include <aio/io/event_loop.hpp>
#include <aio/sync.hpp>
#include <aio/task.hpp>
#include <aio/testing/run_virtual.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::testing::run_virtual;
using aio::testing::virtual_options;

namespace {

aio::coro<> write_name(char name, std::string& log) {
  log += name;
  co_return;
}

aio::coro<> sleep_and_write(aio::duration delay, char name, std::string& log) {
  co_await aio::sleep(delay);
  log += name;
}

/// In which order eight tasks start.
std::string order_of_starts(const virtual_options& options) {
  std::string log;
  run_virtual(
      [&]() -> aio::coro<> {
        for (char name = 'a'; name <= 'h'; ++name) {
          aio::create_task(write_name(name, log));
        }
        co_await aio::sleep(1s);
      },
      options);
  return log;
}

std::string sorted(std::string text) {
  std::sort(text.begin(), text.end());
  return text;
}

/// Runs `body` with some seeds.
template <class Body>
void with_seeds(std::uint64_t count, Body body) {
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    INFO("seed " << seed);
    run_virtual(body, {.seed = seed});
  }
}

}  // namespace

// ----- the numbers -----

TEST_CASE("random_numbers: are those of SplitMix64, on every platform",
          "[testing][shuffle]") {
  aio::detail::random_numbers random(1234567);
  CHECK(random.below(1'000'000'007) == 905'571'620);
  CHECK(random.below(1'000'000'007) == 776'630'657);
  CHECK(random.below(1'000'000'007) == 475'927'382);
}

// ----- the order -----

TEST_CASE("shuffle: without a seed the order is that of asyncio",
          "[testing][shuffle]") {
  CHECK(order_of_starts({}) == "abcdefgh");
}

TEST_CASE("shuffle: fifty seeds give many orders, and each task still runs",
          "[testing][shuffle]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::string order = order_of_starts({.seed = seed});
    CHECK(sorted(order) == "abcdefgh");
    orders.insert(order);
  }
  CHECK(orders.size() >= 45);
}

TEST_CASE("shuffle: the same seed gives the same order", "[testing][shuffle]") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CHECK(order_of_starts({.seed = seed}) == order_of_starts({.seed = seed}));
  }
}

TEST_CASE("shuffle: all orders are about equally likely", "[testing][shuffle]") {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 1200; ++seed) {
    std::string log;
    run_virtual(
        [&]() -> aio::coro<> {
          for (const char name : {'a', 'b', 'c'}) {
            aio::create_task(write_name(name, log));
          }
          co_await aio::sleep(1s);
        },
        {.seed = seed});
    ++seen[log];
  }
  CHECK(seen.size() == 6);
  for (const auto& [order, times] : seen) {
    INFO(order << ": " << times);
    CHECK(times > 140);  // 200 expected; five standard deviations are 65
    CHECK(times < 260);
  }
}

TEST_CASE("shuffle: timers that are due together come in any order",
          "[testing][shuffle]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::string log;
    run_virtual(
        [&]() -> aio::coro<> {
          auto& loop = aio::get_running_loop();
          for (const char name : {'a', 'b', 'c', 'd'}) {
            loop.call_later(1s, [&log, name] { log += name; });
          }
          co_await aio::sleep(2s);
        },
        {.seed = seed});
    CHECK(sorted(log) == "abcd");
    orders.insert(log);
  }
  CHECK(orders.size() >= 15);  // of 24
}

TEST_CASE("shuffle: later deadlines stay later", "[testing][shuffle]") {
  with_seeds(50, []() -> aio::coro<> {
    std::string log;
    aio::create_task(sleep_and_write(3s, 'c', log));
    aio::create_task(sleep_and_write(1s, 'a', log));
    aio::create_task(sleep_and_write(2s, 'b', log));
    co_await aio::sleep(4s);
    CHECK(log == "abc");
  });
}

TEST_CASE("shuffle: callbacks keep their order, and tasks come anywhere between",
          "[testing][shuffle]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::string log;
    run_virtual(
        [&]() -> aio::coro<> {
          auto& loop = aio::get_running_loop();
          loop.call_soon([&] { log += '1'; });
          aio::create_task(write_name('t', log));
          loop.call_soon([&] { log += '2'; });
          co_await aio::sleep(1s);
        },
        {.seed = seed});
    orders.insert(log);
  }
  CHECK(orders == std::set<std::string>{"t12", "1t2", "12t"});
}

TEST_CASE("shuffle: callbacks of one future keep their order", "[testing][shuffle]") {
  with_seeds(50, []() -> aio::coro<> {
    std::string log;
    auto ready = aio::get_running_loop().create_future();
    for (const char name : {'a', 'b', 'c'}) {
      ready.add_done_callback([&log, name](const aio::future<>&) { log += name; });
    }
    ready.set_result();
    co_await aio::sleep(1s);
    CHECK(log == "abc");
  });
}

TEST_CASE("shuffle: what one task does stays in its order", "[testing][shuffle]") {
  with_seeds(50, []() -> aio::coro<> {
    std::string log;
    aio::event first_done;
    auto first = [&]() -> aio::coro<> {
      for (const char step : {'1', '2', '3'}) {
        log += step;
        co_await aio::sleep(0s);
      }
      first_done.set();
    };
    auto second = [&]() -> aio::coro<> {
      co_await first_done.wait();
      log += '4';
    };
    auto b = aio::create_task(second());
    auto a = aio::create_task(first());
    co_await aio::gather(a, b);
    CHECK(log == "1234");
  });
}

TEST_CASE("shuffle: tasks that were woken by a queue or condition are shuffled as well",
          "[testing][shuffle]") {
  std::set<std::string> of_queue;
  std::set<std::string> of_condition;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::string log;
    run_virtual(
        [&]() -> aio::coro<> {
          aio::queue<int> jobs;
          aio::condition changed;
          auto take = [&](char name) -> aio::coro<> {
            const int job = co_await jobs.get();
            log += std::to_string(job) + name;
          };
          auto see = [&](char name) -> aio::coro<> {
            auto guard = co_await changed.scoped();
            co_await changed.wait();
            log += name;
          };
          for (const char name : {'a', 'b'}) aio::create_task(take, name);
          co_await aio::sleep(1s);
          jobs.put_nowait(1);
          jobs.put_nowait(2);
          co_await aio::sleep(1s);
          of_queue.insert(std::exchange(log, {}));
          for (const char name : {'a', 'b'}) aio::create_task(see, name);
          co_await aio::sleep(1s);
          auto guard = co_await changed.scoped();
          changed.notify_all();
          guard.release();
          co_await aio::sleep(1s);
          of_condition.insert(log);
        },
        {.seed = seed});
  }
  CHECK(of_queue == std::set<std::string>{"1a2b", "1b2a"});
  CHECK(of_condition == std::set<std::string>{"ab", "ba"});
}

TEST_CASE("shuffle: finds a program that relies on the order of creation",
          "[testing][shuffle]") {
  int failed = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    run_virtual(
        [&]() -> aio::coro<> {
          std::string config;
          auto load = [&]() -> aio::coro<> {
            config = "loaded";
            co_return;
          };
          auto use = [&]() -> aio::coro<> {
            if (config.empty()) ++failed;  // runs second, or so its author thinks
            co_return;
          };
          auto loading = aio::create_task(load());
          auto using_it = aio::create_task(use());
          co_await aio::gather(loading, using_it);
        },
        {.seed = seed});
  }
  CHECK(failed > 10);
  CHECK(failed < 40);
}

// ----- what aio promises holds in any order -----

TEST_CASE("shuffle: a lock is held by one task at a time", "[testing][shuffle]") {
  with_seeds(100, []() -> aio::coro<> {
    aio::lock lock;
    int inside = 0;
    int done = 0;
    auto worker = [&](int n) -> aio::coro<> {
      for (int i = 0; i < 3; ++i) {
        auto guard = co_await lock.scoped();
        CHECK(++inside == 1);
        co_await aio::sleep((n + i) % 2 == 0 ? 0s : 1s);
        --inside;
      }
      ++done;
    };
    std::vector<aio::task<>> workers;
    for (int n = 0; n < 5; ++n) workers.push_back(aio::create_task(worker(n)));
    for (auto& one : workers) co_await one;
    CHECK(done == 5);
  });
}

TEST_CASE("shuffle: a queue loses nothing, whoever is cancelled",
          "[testing][shuffle]") {
  with_seeds(100, []() -> aio::coro<> {
    aio::queue<int> jobs(2);
    std::vector<int> taken;
    auto consume = [&]() -> aio::coro<> {
      while (auto job = co_await jobs.next()) {
        taken.push_back(*job);
        co_await aio::sleep(0s);
      }
    };
    auto produce = [&](int from) -> aio::coro<> {
      for (int i = from; i < from + 10; ++i) co_await jobs.put(i);
    };
    std::vector<aio::task<>> consumers;
    for (int n = 0; n < 3; ++n) consumers.push_back(aio::create_task(consume()));
    auto low = aio::create_task(produce(0));
    auto high = aio::create_task(produce(10));
    co_await aio::sleep(0s);
    consumers.front().cancel();
    co_await aio::gather(low, high);
    jobs.shutdown();
    for (auto& one : consumers) {
      co_await aio::wait(one);
    }
    std::sort(taken.begin(), taken.end());
    std::vector<int> all(20);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
    CHECK(taken == all);
  });
}

TEST_CASE("shuffle: those who wait for the same end see it, though nobody keeps it",
          "[testing][shuffle]") {
  with_seeds(100, []() -> aio::coro<> {
    std::string log;
    auto child = [](int n) -> aio::coro<int> {
      co_await aio::sleep(1s);
      co_return n;
    };
    auto gathering = [&]() -> aio::coro<> {
      const auto [a, b] = co_await aio::gather(child(1), child(2));
      CHECK(a + b == 3);
      log += 'g';
    };
    auto shielding = [&]() -> aio::coro<> {
      const int n = co_await aio::shield(child(3));
      CHECK(n == 3);
      log += 's';
    };
    auto limited = [&]() -> aio::coro<> {
      const std::string how = co_await test::ending(aio::wait_for(child(4), 1s));
      CHECK((how == "returned" || how == "timeout"));
      log += 'l';
    };
    auto waiting = [&]() -> aio::coro<> {
      std::vector<aio::task<int>> all;
      for (int n = 0; n < 3; ++n) all.push_back(aio::create_task(child(n)));
      auto ended = co_await aio::wait(all, {.return_when = aio::first_completed});
      CHECK(ended.done.size() + ended.pending.size() == 3);
      CHECK_FALSE(ended.done.empty());
      log += 'w';
    };
    auto grouping = [&]() -> aio::coro<> {
      aio::task_group group;
      co_await aio::with(group, [&](aio::task_group& g) -> aio::coro<> {
        g.create_task(child(5));
        g.create_task(child(6));
        co_return;
      });
      log += 't';
    };
    std::vector<aio::task<>> all;
    all.push_back(aio::create_task(gathering()));
    all.push_back(aio::create_task(shielding()));
    all.push_back(aio::create_task(limited()));
    all.push_back(aio::create_task(waiting()));
    all.push_back(aio::create_task(grouping()));
    for (auto& one : all) co_await one;
    CHECK(sorted(log) == "glstw");
  });
}

TEST_CASE("shuffle: barriers, conditions and semaphores let the right number through",
          "[testing][shuffle]") {
  with_seeds(100, []() -> aio::coro<> {
    aio::barrier together(3);
    aio::semaphore two(2);
    aio::condition changed;
    int inside = 0;
    int value = 0;
    auto worker = [&]() -> aio::coro<> {
      co_await together.wait();
      {
        auto permit = co_await two.scoped();
        CHECK(++inside <= 2);
        co_await aio::sleep(0s);
        --inside;
      }
      co_await changed.acquire();
      ++value;
      changed.notify_all();
      co_await changed.wait_for([&] { return value == 3; });
      changed.release();
    };
    std::vector<aio::task<>> workers;
    for (int n = 0; n < 3; ++n) workers.push_back(aio::create_task(worker()));
    for (auto& one : workers) co_await one;
    CHECK(value == 3);
  });
}
