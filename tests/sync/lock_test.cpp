// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync/lock.hpp>  // first: proves the header stands alone

#include <aio/task/future.hpp>
#include <aio/task/gather.hpp>
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

using namespace std::chrono_literals;
using test::ending;
using test::make_future;
using test::turns;

namespace {

/// Takes the lock, and says so.
aio::coro<> take(aio::lock& l, std::string& log, char name) {
  co_await l.acquire();
  log += name;
}

}  // namespace

AIO_TEST("lock: a free one is taken without suspending", "[sync][lock]") {
  aio::lock l;
  bool gave_way = false;
  test::call_soon(loop, [&] { gave_way = true; });
  CHECK_FALSE(l.locked());
  co_await l.acquire();
  CHECK(l.locked());
  l.release();
  CHECK_FALSE(l.locked());
  CHECK_FALSE(gave_way);
  co_await turns(1);
}

AIO_TEST("lock: release() wakes the first waiter, which takes it when it runs",
         "[sync][lock]") {
  aio::lock l;
  std::string log;
  co_await l.acquire();
  aio::create_task(take, std::ref(l), std::ref(log), 'a');
  aio::create_task(take, std::ref(l), std::ref(log), 'b');
  co_await turns(1);
  CHECK(log.empty());
  l.release();
  CHECK_FALSE(l.locked());
  co_await turns(1);
  CHECK(log == "a");
  CHECK(l.locked());
  co_await turns(1);
  CHECK(log == "a");
  auto c = aio::create_task(take, std::ref(l), std::ref(log), 'c');
  l.release();
  co_await turns(1);
  CHECK(log == "ab");
  l.release();
  co_await turns(1);
  CHECK(log == "abc");
  CHECK(c.done());
  l.release();
}

AIO_TEST("lock: a newcomer does not overtake one that was woken", "[sync][lock]") {
  aio::lock l;
  std::string log;
  co_await l.acquire();
  aio::create_task(take, std::ref(l), std::ref(log), 'a');
  co_await turns(1);
  l.release();
  auto free_it = [&] { l.release(); };
  auto me = aio::create_task([&]() -> aio::coro<> {
    co_await take(l, log, 'b');
    l.release();
  });
  test::call_soon(loop, [&] { test::call_soon(loop, free_it); });
  co_await take(l, log, 'm');
  CHECK(log == "am");
  l.release();
  co_await me;
  CHECK(log == "amb");
}

AIO_TEST("lock: turns go round among those who ask again", "[sync][lock]") {
  aio::lock l;
  std::string log;
  auto user = [&](char name, int rounds) -> aio::coro<> {
    for (int i = 0; i < rounds; ++i) {
      auto guard = co_await l.scoped();
      log += name;
      co_await aio::sleep(0s);
    }
  };
  co_await aio::gather(user('a', 3), user('b', 2), user('c', 1));
  CHECK(log == "abcaba");
  CHECK_FALSE(l.locked());
}

AIO_TEST("lock: any task may release it, a free one nobody", "[sync][lock]") {
  aio::lock l;
  co_await l.acquire();
  co_await aio::create_task([&]() -> aio::coro<> {
    l.release();
    co_return;
  });
  CHECK_FALSE(l.locked());
  CHECK_THROWS_AS(l.release(), aio::usage_error);
  CHECK_THROWS_WITH(l.release(),
                    Catch::Matchers::ContainsSubstring("acquire it first"));
}

AIO_TEST("lock: a guard releases it, once", "[sync][lock]") {
  aio::lock l;
  {
    auto guard = co_await l.scoped();
    CHECK(static_cast<bool>(guard));
    CHECK(l.locked());
  }
  CHECK_FALSE(l.locked());

  auto failing = [&]() -> aio::coro<> {
    auto guard = co_await l.scoped();
    throw test::boom();
  };
  const std::string how = co_await ending(failing());
  CHECK(how == "boom");
  CHECK_FALSE(l.locked());

  aio::lock::guard kept;
  CHECK_FALSE(static_cast<bool>(kept));
  {
    auto guard = co_await l.scoped();
    kept = std::move(guard);
    CHECK_FALSE(static_cast<bool>(guard));
  }
  CHECK(l.locked());
  aio::lock other;
  kept = co_await other.scoped();  // lets the first one go
  CHECK_FALSE(l.locked());
  aio::lock::guard moved(std::move(kept));
  moved.release();
  moved.release();
  CHECK_FALSE(other.locked());

  auto late = co_await l.scoped();
  l.release();  // by hand: the guard finds nothing to do
}

AIO_TEST("lock: as a resource of with()", "[sync][lock]") {
  aio::lock l;
  bool held = false;
  auto block = [&]() -> aio::coro<int> {
    held = l.locked();
    co_return 4;
  };
  const int n = co_await aio::with(l, block);
  CHECK(n == 4);
  CHECK(held);
  CHECK_FALSE(l.locked());
  auto failing = []() -> aio::coro<> {
    throw test::boom();
    co_return;
  };
  const std::string how = co_await ending(aio::with(l, failing));
  CHECK(how == "boom");
  CHECK_FALSE(l.locked());
}

AIO_TEST("lock: a cancelled waiter leaves the line", "[sync][lock][cancel]") {
  aio::lock l;
  co_await l.acquire();
  auto a = aio::create_task(ending(l.acquire()));
  auto b = aio::create_task(ending(l.scoped()));
  co_await turns(1);
  a.cancel("why");
  b.cancel();
  co_await turns(1);
  CHECK(a.result() == "cancelled: why");
  CHECK(b.result() == "cancelled");
  CHECK(l.locked());
  l.release();
  co_await l.acquire();
}

// The races below bear the names of those in CPython's test_locks.py.

AIO_TEST("lock: cancel_race: the second is cancelled while the first releases",
         "[sync][lock][cancel]") {
  aio::lock l;
  auto blocker = make_future(loop);
  auto lockit = [&](bool wait) -> aio::coro<> {
    auto guard = co_await l.scoped();
    if (wait) co_await blocker;
  };
  auto a = aio::create_task(lockit, true);
  auto b = aio::create_task(lockit, false);
  auto c = aio::create_task(lockit, false);
  co_await turns(1);
  CHECK(l.locked());
  blocker.set_result();
  b.cancel();
  co_await turns(1);
  CHECK_FALSE(l.locked());
  CHECK(a.done());
  CHECK(b.cancelled());
  CHECK_FALSE(c.done());
  co_await c;
}

AIO_TEST("lock: cancel_release_race: only one of those who wait gets it",
         "[sync][lock][cancel]") {
  aio::lock l;
  int taken = 0;
  auto lockit = [&]() -> aio::coro<> {
    co_await l.acquire();
    ++taken;
  };
  co_await l.acquire();
  auto a = aio::create_task(lockit);
  auto b = aio::create_task(lockit);
  auto c = aio::create_task(lockit);
  co_await turns(1);
  test::call_soon(loop, [&] {
    a.cancel();
    l.release();
  });
  const std::string how = co_await ending(a);
  CHECK(how == "cancelled");
  CHECK(taken == 1);
  CHECK(b.done());
  CHECK_FALSE(c.done());
  c.cancel();
  co_await turns(1);
  CHECK(c.cancelled());
}

AIO_TEST("lock: finished_waiter_cancelled: cancelled before the release, in its turn",
         "[sync][lock][cancel]") {
  aio::lock l;
  co_await l.acquire();
  auto a = aio::create_task(ending(l.acquire()));
  auto b = aio::create_task(ending(l.acquire()));
  co_await turns(1);
  a.cancel();
  l.release();
  co_await turns(1);
  CHECK(a.result() == "cancelled");
  CHECK_FALSE(b.done());  // a was the head of the line, and wakes b as it leaves
  CHECK_FALSE(l.locked());
  co_await turns(1);
  CHECK(b.result() == "returned");
  CHECK(l.locked());
}

AIO_TEST("lock: cancelled after it was woken, a waiter wakes the next",
         "[sync][lock][cancel]") {
  aio::lock l;
  co_await l.acquire();
  auto a = aio::create_task(ending(l.acquire()));
  auto b = aio::create_task(ending(l.acquire()));
  co_await turns(1);
  l.release();
  a.cancel();
  co_await turns(2);
  CHECK(a.result() == "cancelled");
  CHECK(b.result() == "returned");
  CHECK(l.locked());
}

AIO_TEST("lock: if all who wait were cancelled a newcomer takes it at once",
         "[sync][lock][cancel]") {
  aio::lock l;
  co_await l.acquire();
  auto a = aio::create_task(ending(l.acquire()));
  co_await turns(1);
  a.cancel();
  l.release();
  bool gave_way = false;
  test::call_soon(loop, [&] { gave_way = true; });
  co_await l.acquire();
  CHECK_FALSE(gave_way);
  CHECK_FALSE(a.done());
  co_await turns(1);
  CHECK(a.result() == "cancelled");
  CHECK(l.locked());
}

AIO_TEST("lock: a cancelled one that leaves while it is held wakes nobody",
         "[sync][lock][cancel]") {
  aio::lock l;
  std::string log;
  co_await l.acquire();
  auto a = aio::create_task(take, std::ref(l), std::ref(log), 'a');
  aio::create_task(take, std::ref(l), std::ref(log), 'b');
  co_await turns(1);
  a.cancel();
  co_await turns(3);
  CHECK(log.empty());
  l.release();
  co_await turns(1);
  CHECK(log == "b");
}

AIO_TEST("lock: a task that cancelled itself throws only where it would wait",
         "[sync][lock][cancel]") {
  aio::lock l;
  std::string log;
  auto t = aio::create_task([&]() -> aio::coro<> {
    aio::current_task().cancel();
    co_await l.acquire();
    log += "got it, ";
    const std::string how = co_await ending(l.acquire());
    log += how;
  });
  co_await turns(3);
  CHECK(t.done());
  CHECK(log == "got it, cancelled");
}

AIO_TEST("lock: a timeout that is over as it is woken loses no turn", "[sync][lock]") {
  aio::lock l;
  co_await l.acquire();
  auto late = aio::create_task(ending(aio::wait_for(l.acquire(), 1s)));
  auto next = aio::create_task(ending(l.acquire()));
  test::call_at(loop, 1s, [&] { l.release(); });
  co_await aio::sleep(2s);
  CHECK(late.done());
  CHECK(next.result() == "returned");
}

TEST_CASE("lock: a second loop cannot wait for it", "[sync][lock]") {
  aio::lock l;
  {
    aio::testing::virtual_loop only_takes;
    only_takes.run([&]() -> aio::coro<> { co_await l.acquire(); }());
  }
  aio::testing::virtual_loop first;
  auto waiter = test::start(first, ending(l.acquire()));
  first.turn();
  {
    aio::testing::virtual_loop second;
    CHECK(second.run(ending(l.acquire())) == "usage");
    auto body = l.acquire();
    CHECK_THROWS_WITH(
        second.run(aio::detail::as_coro(std::move(body))),
        Catch::Matchers::ContainsSubstring("lock is bound to a different event loop"));
  }
  l.release();
  first.turn();
  CHECK(waiter.result() == "returned");
}

AIO_TEST("lock: destroyed while tasks wait, it tells them", "[sync][lock]") {
  auto l = std::make_unique<aio::lock>();
  co_await l->acquire();
  auto woken = aio::create_task(ending(l->acquire()));
  auto asleep = aio::create_task(ending(l->scoped()));
  auto cancelled = aio::create_task(ending(l->scoped()));
  auto late_cancel = aio::create_task(ending(l->scoped()));
  auto op = l->acquire();
  auto text = aio::create_task(aio::detail::as_coro(std::move(op)));
  co_await turns(1);
  l->release();
  cancelled.cancel();
  l.reset();
  late_cancel.cancel();
  co_await turns(1);
  CHECK(woken.result() == "usage");
  CHECK(asleep.result() == "usage");
  CHECK(cancelled.result() == "cancelled");
  CHECK(late_cancel.result() == "cancelled");
  CHECK_THROWS_WITH(text.result(), Catch::Matchers::ContainsSubstring(
                                       "lock was destroyed while a task waited"));
}

AIO_TEST("lock: a guard may outlive it", "[sync][lock]") {
  std::optional<aio::lock> l(std::in_place);
  auto guard = co_await l->scoped();
  l.reset();
  CHECK_FALSE(static_cast<bool>(guard));
  aio::lock::guard moved(std::move(guard));
  CHECK_FALSE(static_cast<bool>(moved));
}

TEST_CASE("lock: cancelled at each await, it is released and nobody hangs",
          "[sync][lock][cancel]") {
  auto make = []() -> aio::coro<> {
    aio::lock l;
    auto other = [&](aio::duration time) -> aio::coro<> {
      auto guard = co_await l.scoped();
      co_await aio::sleep(time);
    };
    auto a = aio::create_task(other, aio::duration(1s));
    auto b = aio::create_task(other, aio::duration(2s));
    co_await turns(1);
    {
      auto guard = co_await l.scoped();
      co_await aio::sleep(1s);
    }
    co_await l.acquire();
    l.release();
    co_await a;
    co_await b;
    if (l.locked()) throw test::boom();
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 5);
}
