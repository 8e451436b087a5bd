// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync.hpp>  // first: proves the header stands alone

#include <aio/task.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::ending;
using test::turns;

namespace {

// The example of the front door.
aio::coro<int> sum_of(std::vector<int> numbers) {
  aio::queue<int> jobs(2);
  int sum = 0;
  auto worker = aio::create_task([&]() -> aio::coro<> {
    while (auto n = co_await jobs.next()) sum += *n;
  });
  for (const int n : numbers) co_await jobs.put(n);
  jobs.shutdown();
  co_await worker;
  co_return sum;
}

/// The same numbers on every platform, from a fixed seed.
class dice {
 public:
  explicit dice(unsigned seed) : engine_(seed) {}
  /// 0 to sides - 1.
  int roll(int sides) {
    return static_cast<int>(engine_() % static_cast<unsigned>(sides));
  }

 private:
  std::mt19937 engine_;
};

/// Starts `count` tasks and cancels some of them at random until all are done. A lost
/// wake-up ends in a deadlock_error.
template <class Body>
aio::coro<> storm(dice& random, int count, Body body) {
  std::vector<aio::task<>> all;
  for (int i = 0; i < count; ++i) all.push_back(aio::create_task(body(i)));
  for (int i = 0; i < count / 2; ++i) {
    co_await turns(random.roll(3));
    all[static_cast<std::size_t>(random.roll(count))].cancel();
    if (random.roll(4) == 0) all[static_cast<std::size_t>(random.roll(count))].cancel();
  }
  for (const aio::task<>& t : all) {
    const std::string how = co_await ending(t);
    if (how != "returned" && how != "cancelled") throw test::boom(how);
  }
}

}  // namespace

AIO_TEST("sync: the example of the front door", "[sync]") {
  std::vector<int> numbers{1, 2, 3, 4, 5};
  const int sum = co_await sum_of(numbers);
  CHECK(sum == 15);
}

AIO_TEST("sync: what is free, up or there is taken without a turn", "[sync]") {
  aio::event e;
  e.set();
  aio::lock l;
  aio::semaphore s;
  aio::condition c;
  aio::barrier b(1);
  aio::queue<int> q(1);
  bool gave_way = false;
  test::call_soon(loop, [&] { gave_way = true; });
  co_await e.wait();
  co_await l.acquire();
  co_await s.acquire();
  co_await c.acquire();
  co_await b.wait();
  co_await q.put(1);
  co_await q.get();
  q.task_done();
  co_await q.join();
  CHECK_FALSE(gave_way);
  co_await turns(1);
}

AIO_TEST("sync: stress: a lock under random cancels is never held twice, nor lost",
         "[sync][lock][cancel]") {
  dice random(1);
  for (int round = 0; round < 20; ++round) {
    aio::lock l;
    int inside = 0, most = 0, entered = 0;
    auto body = [&](int) -> aio::coro<> {
      for (int i = 0; i < 5; ++i) {
        auto guard = co_await l.scoped();
        ++entered;
        most = std::max(most, ++inside);
        const aio::detail::scope_exit leave([&] { --inside; });
        co_await turns(random.roll(3));
      }
    };
    co_await storm(random, 30, body);
    CHECK(most == 1);
    CHECK(inside == 0);
    CHECK(entered >= 30);
    CHECK_FALSE(l.locked());
    co_await l.acquire();
  }
}

AIO_TEST("sync: stress: the permits of a semaphore are conserved",
         "[sync][semaphore][cancel]") {
  dice random(2);
  for (int round = 0; round < 20; ++round) {
    aio::bounded_semaphore s(3);
    int inside = 0, most = 0;
    auto body = [&](int) -> aio::coro<> {
      for (int i = 0; i < 5; ++i) {
        auto permit = co_await s.scoped();
        most = std::max(most, ++inside);
        const aio::detail::scope_exit leave([&] { --inside; });
        co_await turns(random.roll(4));
      }
    };
    co_await storm(random, 30, body);
    CHECK(most == 3);
    CHECK_FALSE(s.locked());
    CHECK_THROWS_AS(s.release(), std::invalid_argument);  // all are back
    for (int i = 0; i < 3; ++i) co_await s.acquire();
    CHECK(s.locked());
  }
}

AIO_TEST("sync: stress: a queue loses, doubles and reorders nothing",
         "[sync][queue][cancel]") {
  dice random(3);
  for (int round = 0; round < 20; ++round) {
    aio::queue<int> q(1 + random.roll(3));
    std::vector<int> put, got;
    int number = 0;
    auto producer = [&](int) -> aio::coro<> {
      for (int i = 0; i < 10; ++i) {
        const int item = number++;
        co_await q.put(item);
        put.push_back(item);  // put() does not give way after it has stored
        co_await turns(random.roll(2));
      }
    };
    auto consumer = [&](int) -> aio::coro<> {
      while (auto item = co_await q.next()) {
        got.push_back(*item);
        q.task_done();
        co_await turns(random.roll(3));
      }
    };
    auto producing = aio::create_task([&]() -> aio::coro<> {
      co_await storm(random, 12, producer);
      q.shutdown();
    });
    auto consuming =
        aio::create_task([&]() -> aio::coro<> { co_await storm(random, 6, consumer); });
    // One that nobody cancels, so that the producers always get on.
    auto last = aio::create_task(consumer, 0);
    co_await aio::gather(producing, consuming, last);
    co_await q.join();
    CHECK(q.empty());
    CHECK(got == put);
    CHECK(put.size() >= 10);
  }
}

AIO_TEST("sync: stress: each notification of a condition reaches somebody",
         "[sync][condition][cancel]") {
  dice random(4);
  for (int round = 0; round < 20; ++round) {
    aio::condition c;
    int jobs = 0, taken = 0, given = 0;
    bool over = false;
    auto consumer = [&](int) -> aio::coro<> {
      for (;;) {
        auto guard = co_await c.scoped();
        co_await c.wait_for([&] { return jobs > 0 || over; });
        if (jobs == 0) co_return;
        --jobs;
        ++taken;
        co_await turns(random.roll(2));
      }
    };
    auto producer = aio::create_task([&]() -> aio::coro<> {
      for (int i = 0; i < 40; ++i) {
        auto guard = co_await c.scoped();
        ++jobs;
        ++given;
        c.notify();
        co_await turns(random.roll(2));
      }
      // Nobody notifies any more: a lost notification would leave a job for ever.
      for (int i = 0; jobs > 0 && i < 1000; ++i) co_await turns(1);
      if (jobs > 0) throw test::boom("a job was left");
      auto guard = co_await c.scoped();
      over = true;
      c.notify_all();
    });
    auto last = aio::create_task(consumer, 0);
    co_await storm(random, 10, consumer);
    co_await producer;
    co_await last;
    CHECK(taken == given);
    CHECK_FALSE(c.locked());
  }
}

AIO_TEST("sync: stress: a barrier whose tasks are cancelled lets the rest meet",
         "[sync][barrier][cancel]") {
  dice random(5);
  for (int round = 0; round < 20; ++round) {
    aio::barrier b(4);
    std::vector<int> seen(4);
    bool over = false;
    auto body = [&](int) -> aio::coro<> {
      for (int i = 0; i < 3; ++i) {
        const std::size_t index = co_await b.wait();
        ++seen.at(index);
        co_await turns(random.roll(3));
      }
    };
    auto helper = [&]() -> aio::coro<> {
      while (!over) {
        co_await b.wait();
        co_await turns(1);
      }
    };
    std::vector<aio::task<>> helpers;
    for (int i = 0; i < 4; ++i) helpers.push_back(aio::create_task(helper));
    co_await storm(random, 16, body);
    over = true;
    co_await turns(10);
    for (aio::task<>& t : helpers) t.cancel();
    co_await turns(10);
    CHECK(b.n_waiting() == 0);
    CHECK_FALSE(b.broken());
    for (const int count : seen) CHECK(count > 0);
  }
}

AIO_TEST("sync: stress: an event wakes all who wait, whoever is cancelled",
         "[sync][event][cancel]") {
  dice random(6);
  aio::event e;
  bool over = false;
  auto setter = aio::create_task([&]() -> aio::coro<> {
    while (!over) {
      co_await turns(1 + random.roll(3));
      e.set();
      e.clear();
    }
  });
  auto body = [&](int) -> aio::coro<> {
    for (int i = 0; i < 10; ++i) {
      co_await e.wait();
      co_await turns(random.roll(2));
    }
  };
  co_await storm(random, 50, body);
  over = true;
  co_await setter;
}

// Guards and waiters in one frame, everything else in others: whatever the loop
// destroys first, nothing may touch what is gone.
TEST_CASE("sync: a loop that closes takes its tasks with it, in any order", "[sync]") {
  for (int turn = 0; turn < 6; ++turn) {
    aio::testing::virtual_loop loop;
    const test::reports quiet(loop);
    auto main = [](int depth) -> aio::coro<> {
      aio::lock l;
      aio::semaphore s(1);
      aio::condition c;
      aio::barrier b(9);
      aio::event e;
      aio::queue<std::string> in(1), out(1);
      auto guard = co_await l.scoped();
      auto user = [&]() -> aio::coro<> {
        auto permit = co_await s.scoped();
        co_await in.put("x");
        co_await in.put("y");
      };
      auto waiter = [&]() -> aio::coro<> {
        auto held = co_await c.scoped();
        co_await c.wait();
      };
      std::vector<aio::task<>> all;
      for (int i = 0; i < 2; ++i) {
        all.push_back(aio::create_task(user));
        all.push_back(aio::create_task(waiter));
        auto meet = [&]() -> aio::coro<> { co_await b.wait(); };
        all.push_back(aio::create_task(meet));
        auto flag = [&]() -> aio::coro<> { co_await e.wait(); };
        all.push_back(aio::create_task(flag));
        auto get = [&]() -> aio::coro<> { co_await out.get(); };
        all.push_back(aio::create_task(get));
        auto take = [&]() -> aio::coro<> { co_await l.acquire(); };
        all.push_back(aio::create_task(take));
      }
      co_await turns(depth);
      e.set();
      l.release();
      out.put_nowait("z");
      s.release();
      co_await e.wait();
      co_await aio::event().wait();
    };
    auto t = test::start(loop, main(turn));
    auto clock = test::start(loop, turns(100));  // so that no turn waits
    for (int i = 0; i < 4; ++i) loop.turn();
    loop.core().close();
    CHECK(t.done());
    CHECK(clock.done());
  }
}
