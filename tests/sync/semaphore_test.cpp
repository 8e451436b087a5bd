// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync/semaphore.hpp>  // first: proves the header stands alone

#include <aio/task/gather.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>
#include <aio/task/with.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using test::ending;
using test::turns;

namespace {

aio::coro<> take(aio::semaphore& s, std::string& log, char name) {
  co_await s.acquire();
  log += name;
}

}  // namespace

AIO_TEST("semaphore: permits are taken without suspending while there are some",
         "[sync][semaphore]") {
  aio::semaphore s(2);
  bool gave_way = false;
  test::call_soon(loop, [&] { gave_way = true; });
  co_await s.acquire();
  CHECK_FALSE(s.locked());
  co_await s.acquire();
  CHECK(s.locked());
  s.release();
  CHECK_FALSE(s.locked());
  CHECK_FALSE(gave_way);
  co_await turns(1);
}

AIO_TEST("semaphore: it cannot begin below zero", "[sync][semaphore]") {
  CHECK_THROWS_AS(aio::semaphore(-1), std::invalid_argument);
  CHECK_THROWS_AS(aio::bounded_semaphore(-1), std::invalid_argument);
  aio::semaphore zero(0);
  CHECK(zero.locked());
  auto waiter = aio::create_task(ending(zero.acquire()));
  co_await turns(1);
  zero.release();
  CHECK(zero.locked());
  co_await turns(1);
  CHECK(waiter.result() == "returned");
  CHECK(zero.locked());
}

AIO_TEST("semaphore: so many at a time, in order", "[sync][semaphore]") {
  aio::semaphore s(2);
  int running = 0, peak = 0;
  std::string log;
  auto worker = [&](char name, int steps) -> aio::coro<> {
    auto permit = co_await s.scoped();
    peak = std::max(peak, ++running);
    log += name;
    co_await turns(steps);
    --running;
  };
  co_await aio::gather(worker('a', 4), worker('b', 2), worker('c', 1), worker('d', 3),
                       worker('e', 0));
  CHECK(log == "abcde");
  CHECK(peak == 2);
  CHECK_FALSE(s.locked());
}

AIO_TEST("semaphore: release() may exceed the beginning, but not of a bounded one",
         "[sync][semaphore]") {
  aio::semaphore s(0);
  s.release();
  s.release();
  co_await s.acquire();
  co_await s.acquire();
  const std::string none = co_await ending(aio::wait_for(s.acquire(), 1s));
  CHECK(none == "timeout");

  aio::bounded_semaphore b(1);
  CHECK_THROWS_AS(b.release(), std::invalid_argument);
  co_await b.acquire();
  b.release();
  CHECK_THROWS_AS(b.release(), std::invalid_argument);
  CHECK_FALSE(b.locked());
  {
    auto permit = co_await b.scoped();
    CHECK(b.locked());
    b.release();  // by hand: the guard gives nothing back beyond the bound
  }
  co_await b.acquire();
  CHECK(b.locked());
}

AIO_TEST("semaphore: guard and with() give the permit back", "[sync][semaphore]") {
  aio::semaphore s(1);
  aio::semaphore::guard kept;
  {
    auto permit = co_await s.scoped();
    kept = std::move(permit);
  }
  CHECK(s.locked());
  kept.release();
  CHECK_FALSE(s.locked());
  bool held = false;
  auto block = [&]() -> aio::coro<> {
    held = s.locked();
    throw test::boom();
    co_return;
  };
  const std::string how = co_await ending(aio::with(s, block));
  CHECK(how == "boom");
  CHECK(held);
  CHECK_FALSE(s.locked());
}

AIO_TEST("semaphore: it is locked to newcomers until all who were woken have run",
         "[sync][semaphore]") {
  aio::semaphore s(0);
  std::string log;
  aio::create_task(take, std::ref(s), std::ref(log), 'a');
  co_await turns(1);
  s.release();
  s.release();
  CHECK(s.locked());
  co_await take(s, log, 'm');
  CHECK(log == "am");
}

AIO_TEST("semaphore: many releases in one turn wake as many, in order",
         "[sync][semaphore]") {
  aio::semaphore s(0);
  std::string log;
  for (const char name : {'a', 'b', 'c', 'd'}) {
    aio::create_task(take, std::ref(s), std::ref(log), name);
  }
  co_await turns(1);
  for (int i = 0; i < 3; ++i) s.release();
  co_await turns(1);
  CHECK(log == "abc");
  s.release();
  co_await turns(1);
  CHECK(log == "abcd");
}

// The races below bear the names of those in CPython's test_locks.py.

AIO_TEST("semaphore: acquire_cancel: a cancelled waiter leaves without a permit",
         "[sync][semaphore][cancel]") {
  aio::semaphore s(1);
  co_await s.acquire();
  auto a = aio::create_task(ending(s.acquire()));
  co_await turns(1);
  a.cancel("why");
  co_await turns(1);
  CHECK(a.result() == "cancelled: why");
  s.release();
  CHECK_FALSE(s.locked());
}

AIO_TEST("semaphore: acquire_cancel_before_awoken", "[sync][semaphore][cancel]") {
  aio::semaphore s(0);
  auto a = aio::create_task(ending(s.acquire()));
  auto b = aio::create_task(ending(s.acquire()));
  auto c = aio::create_task(ending(s.acquire()));
  auto d = aio::create_task(ending(s.acquire()));
  co_await turns(1);
  a.cancel();
  b.cancel();
  s.release();
  co_await turns(2);
  CHECK(c.result() == "returned");
  CHECK_FALSE(d.done());
  d.cancel();
  co_await turns(1);
}

AIO_TEST("semaphore: acquire_hang: a release beside a cancel reaches the next",
         "[sync][semaphore][cancel]") {
  aio::semaphore s(0);
  auto a = aio::create_task(ending(s.acquire()));
  auto b = aio::create_task(ending(s.acquire()));
  co_await turns(1);
  a.cancel();
  s.release();
  co_await turns(2);
  CHECK(s.locked());
  CHECK(b.result() == "returned");
}

AIO_TEST("semaphore: acquire_no_hang: cancelled after it was woken, the unit goes back",
         "[sync][semaphore][cancel]") {
  aio::semaphore s(1);
  aio::task<std::string> second;
  auto first = aio::create_task([&]() -> aio::coro<> {
    co_await s.acquire();
    co_await turns(1);
    s.release();
    second.cancel();
  });
  second = aio::create_task(ending(s.acquire()));
  co_await first;
  const std::string how = co_await second;
  CHECK(how == "cancelled");
  CHECK_FALSE(s.locked());
  co_await s.acquire();
}

AIO_TEST("semaphore: a woken one that is cancelled wakes the next",
         "[sync][semaphore][cancel]") {
  aio::semaphore s(0);
  auto a = aio::create_task(ending(s.acquire()));
  auto b = aio::create_task(ending(s.acquire()));
  co_await turns(1);
  s.release();
  a.cancel();
  co_await turns(1);
  CHECK(a.result() == "cancelled");
  CHECK_FALSE(b.done());
  co_await turns(1);
  CHECK(b.result() == "returned");
}

AIO_TEST("semaphore: acquire_fifo_order: who asks again stands behind",
         "[sync][semaphore]") {
  aio::semaphore s(1);
  std::string log;
  auto user = [&](char name) -> aio::coro<> {
    for (const char round : {'1', '2'}) {
      co_await s.acquire();
      log += name;
      log += round;
      log += ' ';
      co_await aio::sleep(1s);
      s.release();
    }
  };
  co_await aio::gather(user('a'), user('b'), user('c'));
  CHECK(log == "a1 b1 c1 a2 b2 c2 ");
}

AIO_TEST("semaphore: acquire_fifo_order_2", "[sync][semaphore]") {
  aio::semaphore s(1);
  std::string log;
  auto second = [&]() -> aio::coro<> {
    co_await take(s, log, '2');
    s.release();
    co_await take(s, log, '4');
  };
  auto a = aio::create_task(take, std::ref(s), std::ref(log), '1');
  auto b = aio::create_task(second);
  auto c = aio::create_task(take, std::ref(s), std::ref(log), '3');
  co_await turns(1);
  s.release();
  s.release();
  co_await aio::gather(a, b, c);
  CHECK(log == "1234");
}

AIO_TEST("semaphore: acquire_fifo_order_3", "[sync][semaphore][cancel]") {
  aio::semaphore s(0);
  std::string log;
  auto a = aio::create_task(take, std::ref(s), std::ref(log), '1');
  auto b = aio::create_task(take, std::ref(s), std::ref(log), '2');
  auto c = aio::create_task(take, std::ref(s), std::ref(log), '3');
  co_await turns(1);
  a.cancel();
  co_await turns(1);
  s.release();
  s.release();
  co_await b;
  co_await c;
  CHECK(log == "23");
}

AIO_TEST(
    "semaphore: acquire_fifo_order_4: one acquire() wakes all who had to wait for it",
    "[sync][semaphore]") {
  aio::semaphore s(0);
  std::string log;
  aio::task<> fourth;
  auto say = [&](char name) -> aio::coro<> {
    log += name;
    co_return;
  };
  auto first = [&]() -> aio::coro<> {
    co_await take(s, log, '1');
    fourth = aio::create_task(say, '4');  // behind those who were just woken
  };
  auto second = [&]() -> aio::coro<> {
    for (int i = 0; i < 3; ++i) s.release();
    if (!s.locked()) throw test::boom();  // the first has not run yet
    co_await take(s, log, '2');
  };
  auto a = aio::create_task(first);
  auto b = aio::create_task(second);
  auto c = aio::create_task(take, std::ref(s), std::ref(log), '3');
  co_await turns(2);
  co_await aio::gather(a, b, c, fourth);
  CHECK(log == "1234");
  CHECK(s.locked());
}

TEST_CASE("semaphore: a second loop cannot wait for it", "[sync][semaphore]") {
  aio::semaphore s(0);
  aio::testing::virtual_loop first;
  auto waiter = test::start(first, ending(s.acquire()));
  first.turn();
  {
    aio::testing::virtual_loop second;
    CHECK(second.run(ending(s.acquire())) == "usage");
  }
  waiter.cancel();
  first.turn();
}

AIO_TEST(
    "semaphore: destroyed while tasks wait, it tells them and guards may outlive it",
    "[sync][semaphore]") {
  std::optional<aio::semaphore> s(std::in_place, 2);
  auto one = co_await s->scoped();
  auto two = co_await s->scoped();
  auto woken = aio::create_task(ending(s->acquire()));
  auto asleep = aio::create_task(ending(s->scoped()));
  co_await turns(1);
  two.release();
  s.reset();
  CHECK_FALSE(static_cast<bool>(one));
  co_await turns(1);
  CHECK(woken.result() == "usage");
  CHECK(asleep.result() == "usage");
}

TEST_CASE("semaphore: cancelled at each await, no permit is lost",
          "[sync][semaphore][cancel]") {
  auto make = []() -> aio::coro<> {
    aio::semaphore s(1);
    auto other = [&](aio::duration time) -> aio::coro<> {
      auto permit = co_await s.scoped();
      co_await aio::sleep(time);
    };
    auto a = aio::create_task(other, aio::duration(1s));
    auto b = aio::create_task(other, aio::duration(2s));
    co_await turns(1);
    for (int i = 0; i < 2; ++i) {
      auto permit = co_await s.scoped();
      co_await turns(1);
    }
    co_await a;
    co_await b;
    if (s.locked()) throw test::boom();
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 5);
}
