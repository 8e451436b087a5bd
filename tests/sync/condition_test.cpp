// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync/condition.hpp>  // first: proves the header stands alone

#include <aio/sync/lock.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>
#include <aio/task/with.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::ending;
using test::turns;

namespace {

/// Waits with the lock, and says whether it has it again.
aio::coro<> wait_in(aio::condition& c, std::string& log, char name) {
  auto guard = co_await c.scoped();
  co_await c.wait();
  log += c.locked() ? name : '!';
}

}  // namespace

AIO_TEST("condition: wait() lets the lock go, and has it again when notified",
         "[sync][condition]") {
  aio::condition c;
  std::string log;
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    aio::create_task(wait_in, std::ref(c), std::ref(log), name);
  }
  co_await turns(1);
  CHECK_FALSE(c.locked());
  co_await c.acquire();
  c.notify();
  co_await turns(3);
  CHECK(log.empty());  // nobody can run while we hold the lock
  c.release();
  co_await turns(1);
  CHECK(log == "a");
  co_await c.acquire();
  c.notify(2);
  c.release();
  co_await turns(4);
  CHECK(log == "abc");
  co_await c.acquire();
  c.notify(10);
  c.notify_all();
  c.release();
  co_await turns(4);
  CHECK(log == "abcde");
  CHECK_FALSE(c.locked());
}

AIO_TEST("condition: wait_for() waits until its predicate is true, and yields it",
         "[sync][condition]") {
  aio::condition c;
  int stock = 0;
  std::string log;
  auto consumer = [&](int wanted) -> aio::coro<> {
    auto guard = co_await c.scoped();
    co_await c.wait_for([&] { return stock >= wanted; });
    stock -= wanted;
    log += std::to_string(wanted);
  };
  for (const int n : {3, 1, 2}) aio::create_task(consumer, n);
  co_await turns(1);
  for (const int amount : {1, 2, 3}) {
    {
      auto guard = co_await c.scoped();
      stock += amount;
      c.notify_all();
    }
    co_await aio::sleep(1s);
  }
  CHECK(log == "123");

  std::optional<std::string> text = "there";
  const auto found = co_await c.wait_for([&] { return text; });  // needs no lock then
  CHECK(found == "there");
  const std::string how = co_await ending(c.wait_for([] { return false; }));
  CHECK(how == "usage");
}

AIO_TEST("condition: without the lock nobody may wait or notify", "[sync][condition]") {
  aio::condition c;
  const std::string how = co_await ending(c.wait());
  CHECK(how == "usage");
  CHECK_THROWS_AS(c.notify(), aio::usage_error);
  CHECK_THROWS_AS(c.notify_all(), aio::usage_error);
  CHECK_THROWS_WITH(c.notify(), Catch::Matchers::ContainsSubstring("without its lock"));
  CHECK_THROWS_AS(c.release(), aio::usage_error);
}

AIO_TEST("condition: it shares a lock that is given to it", "[sync][condition]") {
  aio::lock l;
  aio::condition full{l}, empty{l};
  std::string log;
  aio::create_task(wait_in, std::ref(full), std::ref(log), 'f');
  aio::create_task(wait_in, std::ref(empty), std::ref(log), 'e');
  co_await turns(1);
  auto guard = co_await l.scoped();
  CHECK(full.locked());
  CHECK(empty.locked());
  empty.notify();
  guard.release();
  co_await turns(2);
  CHECK(log == "e");
  auto block = [&]() -> aio::coro<> {
    full.notify();
    co_return;
  };
  co_await aio::with(full, block);
  co_await turns(2);
  CHECK(log == "ef");
  CHECK_FALSE(l.locked());
}

AIO_TEST("condition: cancelled, wait() throws only with the lock",
         "[sync][condition][cancel]") {
  aio::condition c;
  std::string log;
  auto t = aio::create_task([&]() -> aio::coro<> {
    auto guard = co_await c.scoped();
    const std::string how = co_await ending(c.wait());
    log += how + (c.locked() ? ", locked" : ", free");
  });
  co_await turns(1);
  co_await c.acquire();
  t.cancel("why");
  co_await turns(5);
  CHECK(log.empty());
  c.release();
  co_await turns(1);
  CHECK(log == "cancelled: why, locked");
  CHECK_FALSE(c.locked());
}

// The races below bear the names of those in CPython's test_locks.py.

AIO_TEST("condition: wait_cancel_contested", "[sync][condition][cancel]") {
  aio::condition c;
  co_await c.acquire();
  auto t = aio::create_task(ending(c.wait()));
  co_await turns(1);
  CHECK_FALSE(c.locked());
  co_await c.acquire();
  c.notify();
  test::call_soon(loop, [&] { t.cancel(); });
  test::call_soon(loop, [&] { c.release(); });
  const std::string how = co_await t;
  CHECK(how == "cancelled");
  CHECK(c.locked());
}

AIO_TEST("condition: wait_cancel_after_notify", "[sync][condition][cancel]") {
  aio::condition c;
  std::string log;
  auto t = aio::create_task(wait_in, std::ref(c), std::ref(log), 'a');
  co_await turns(1);
  co_await c.acquire();
  c.notify();
  co_await turns(1);
  t.cancel();
  co_await turns(1);
  c.release();
  co_await turns(1);
  CHECK(t.cancelled());
  CHECK(log.empty());
  CHECK_FALSE(c.locked());
}

AIO_TEST("condition: cancelled_error_wakeup: the exception passes unchanged",
         "[sync][condition][cancel]") {
  aio::condition c;
  auto t = aio::create_task([&]() -> aio::coro<> {
    auto guard = co_await c.scoped();
    co_await c.wait_for([] { return false; });
  });
  co_await turns(1);
  t.cancel("foo");
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: foo");
}

AIO_TEST(
    "condition: cancelled_error_re_aquire: cancelled while it takes the lock again",
    "[sync][condition][cancel]") {
  aio::condition c;
  bool wake = false;
  auto t = aio::create_task([&]() -> aio::coro<> {
    auto guard = co_await c.scoped();
    co_await c.wait_for([&] { return wake; });
  });
  co_await turns(1);
  co_await c.acquire();
  wake = true;
  c.notify();
  co_await turns(1);
  t.cancel("foo");
  c.release();
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: foo");
  CHECK_FALSE(c.locked());
}

AIO_TEST("condition: of several cancels meanwhile it throws the last",
         "[sync][condition][cancel]") {
  aio::condition c;
  co_await c.acquire();
  auto t = aio::create_task(ending(c.wait()));
  co_await turns(1);
  co_await c.acquire();
  for (const char* const why : {"one", "two", "three"}) {
    t.cancel(why);
    co_await turns(2);
    CHECK_FALSE(t.done());
  }
  c.release();
  co_await turns(1);
  CHECK(t.result() == "cancelled: three");
  CHECK(c.locked());
}

namespace {

/// Takes items from `state` until it is negative.
aio::coro<> consume(aio::condition& c, int& state) {
  auto guard = co_await c.scoped();
  for (;;) {
    co_await c.wait_for([&] { return state != 0; });
    if (state < 0) break;
    --state;
  }
}

aio::coro<> check_wakeup_survives(int turns_before_cancel) {
  aio::condition c;
  int state = 0;
  auto first = aio::create_task(consume, std::ref(c), std::ref(state));
  auto second = aio::create_task(consume, std::ref(c), std::ref(state));
  co_await turns(1);
  {
    auto guard = co_await c.scoped();
    ++state;
    c.notify(1);
    co_await turns(turns_before_cancel);
    first.cancel();
    const std::string how =
        co_await ending(aio::wait_for(c.wait_for([&] { return state == 0; }), 1s));
    CHECK(how == "timeout");  // the consumer notifies nobody
    CHECK(state == 0);
    state = -1;
    c.notify_all();
  }
  co_await second;
  CHECK(first.cancelled());
}

}  // namespace

AIO_TEST("condition: cancelled_wakeup: the notification of a cancelled one goes on",
         "[sync][condition][cancel]") {
  co_await check_wakeup_survives(0);
}

AIO_TEST("condition: cancelled_wakeup_relock: also while it takes the lock again",
         "[sync][condition][cancel]") {
  co_await check_wakeup_survives(1);
}

AIO_TEST("condition: timeout_in_block", "[sync][condition]") {
  aio::condition c;
  auto guard = co_await c.scoped();
  const std::string how = co_await ending(aio::wait_for(c.wait(), 500ms));
  CHECK(how == "timeout");
  CHECK(c.locked());
}

TEST_CASE("condition: a second loop cannot wait for it", "[sync][condition]") {
  aio::condition c;
  std::string log;
  aio::testing::virtual_loop first;
  auto t = test::start(first, wait_in(c, log, 'a'));
  first.turn();
  {
    aio::testing::virtual_loop second;
    CHECK(second.run(ending(wait_in(c, log, 'b'))) == "usage");
  }
  CHECK_FALSE(c.locked());
  t.cancel();
  first.turn();
  CHECK(t.done());
}

AIO_TEST("condition: destroyed with its lock, those who wait are told",
         "[sync][condition]") {
  auto c = std::make_unique<aio::condition>();
  std::string log;
  auto woken = aio::create_task(ending(wait_in(*c, log, 'a')));
  auto asleep = aio::create_task(ending(wait_in(*c, log, 'b')));
  auto again = aio::create_task(ending(wait_in(*c, log, 'c')));
  co_await turns(1);
  co_await c->acquire();
  c->notify(1);
  co_await turns(1);
  c->notify(1);
  c.reset();
  co_await turns(3);
  CHECK(woken.result() == "usage");
  CHECK(asleep.result() == "usage");
  CHECK(again.result() == "usage");
  CHECK(log.empty());
}

AIO_TEST("condition: destroyed before a shared lock, those who wait take that again",
         "[sync][condition]") {
  aio::lock l;
  std::optional<aio::condition> c(std::in_place, l);
  std::string log;
  auto t = aio::create_task(ending(wait_in(*c, log, 'a')));
  co_await turns(1);
  co_await l.acquire();
  c.reset();
  co_await turns(2);
  CHECK_FALSE(t.done());
  l.release();
  co_await turns(1);
  CHECK(t.result() == "usage");
  CHECK_FALSE(l.locked());
}

TEST_CASE("condition: cancelled at each await, the lock is free in the end",
          "[sync][condition][cancel]") {
  auto make = []() -> aio::coro<> {
    aio::condition c;
    std::vector<int> jobs;
    auto producer = [&]() -> aio::coro<> {
      for (int i = 0; i < 3; ++i) {
        auto guard = co_await c.scoped();
        co_await aio::sleep(1s);
        jobs.push_back(i);
        c.notify();
      }
    };
    auto p = aio::create_task(producer);
    for (int i = 0; i < 3; ++i) {
      auto guard = co_await c.scoped();
      co_await c.wait_for([&] { return !jobs.empty(); });
      jobs.pop_back();
    }
    co_await p;
    if (c.locked()) throw test::boom();
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 6);
}
