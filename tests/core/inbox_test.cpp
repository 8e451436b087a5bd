// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/inbox.hpp>  // first: proves the header stands alone

#include <aio/core/handle.hpp>
#include <aio/core/loop.hpp>
#include <aio/testing/virtual_driver.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using aio::detail::inbox;
using aio::detail::intrusive_list;
using aio::detail::ready_node;

struct counting_driver final : aio::detail::driver {
  aio::time_point now() noexcept override { return {}; }
  void poll() override {}
  void wait_until(aio::time_point) override {}
  void wake() noexcept override { ++wakes; }
  void request_turn(aio::time_point) override {}
  std::atomic<int> wakes = 0;
};

struct node final : ready_node {
  void run() override {}
};

}  // namespace

TEST_CASE("inbox: hands over in order, behind what is ready", "[core][inbox]") {
  counting_driver world;
  inbox box(world);
  intrusive_list<ready_node> ready;
  node first, a, b;
  ready.push_back(first);
  CHECK(box.post(a));
  CHECK(box.post(b));
  box.drain(ready);
  CHECK(&ready.pop_front() == &first);
  CHECK(&ready.pop_front() == &a);
  CHECK(&ready.pop_front() == &b);
  box.drain(ready);
  CHECK(ready.empty());
}

TEST_CASE("inbox: wakes the loop once per visit", "[core][inbox]") {
  counting_driver world;
  inbox box(world);
  intrusive_list<ready_node> ready;
  node a, b, c;
  box.post(a);
  box.post(b);
  CHECK(world.wakes == 1);
  box.drain(ready);
  box.post(c);
  CHECK(world.wakes == 2);
  box.drain(ready);
  while (!ready.empty()) ready.pop_front();
}

TEST_CASE("inbox: closed, it takes nothing and gives out the rest", "[core][inbox]") {
  counting_driver world;
  inbox box(world);
  intrusive_list<ready_node> rest;
  node a, b;
  box.post(a);
  box.close(rest);
  CHECK(&rest.pop_front() == &a);
  CHECK_FALSE(box.post(b));
  CHECK_FALSE(b.is_linked());
  CHECK(world.wakes == 1);
}

TEST_CASE("inbox: several threads post, in order per thread", "[core][inbox][thread]") {
  constexpr int threads = 4, per_thread = 2000;
  aio::testing::virtual_driver world;
  const aio::detail::intrusive_ptr loop(new aio::detail::loop_core(world));
  world.attach(*loop);
  loop->foreign_operations = 1;  // the loop waits for the threads

  std::vector<int> next(threads, 0);
  bool in_order = true;
  int seen = 0;
  auto post = [&](auto f) {
    auto* const made = new aio::detail::posted_callback<decltype(f)>(*loop, f);
    if (!loop->push_threadsafe(*made)) made->discard();
  };
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (int i = 0; i < per_thread; ++i) {
        post([&, t, i] {
          int& expected = next[static_cast<std::size_t>(t)];
          if (expected++ != i) in_order = false;
          if (++seen == threads * per_thread) loop->stop();
        });
      }
    });
  }
  loop->run_forever();
  for (std::thread& one : running) one.join();
  CHECK(in_order);
  CHECK(seen == threads * per_thread);
  loop->close();
}

TEST_CASE("inbox: threads may post while the loop closes", "[core][inbox][thread]") {
  aio::testing::virtual_driver world;
  const aio::detail::intrusive_ptr loop(new aio::detail::loop_core(world));
  std::mutex mutex;
  std::condition_variable begun;
  int posted = 0;
  std::atomic<int> alive = 0;
  std::thread poster([&] {
    for (;;) {
      auto f = [] {};
      auto* const made = new aio::detail::posted_callback<decltype(f)>(*loop, f);
      ++alive;
      if (!loop->push_threadsafe(*made)) {
        made->discard();
        return;
      }
      const std::lock_guard lock(mutex);
      if (++posted == 100) begun.notify_one();
    }
  });
  {
    std::unique_lock lock(mutex);
    begun.wait(lock, [&] { return posted >= 100; });
  }
  loop->close();
  poster.join();
  CHECK(alive > 100);
  CHECK(loop->is_closed());
}
