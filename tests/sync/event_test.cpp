// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync/event.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using test::ending;
using test::turns;

AIO_TEST("event: wait() does not suspend while the flag is up", "[sync][event]") {
  aio::event e;
  CHECK_FALSE(e.is_set());
  e.set();
  CHECK(e.is_set());
  bool gave_way = false;
  test::call_soon(loop, [&] { gave_way = true; });
  co_await e.wait();
  CHECK_FALSE(gave_way);
  co_await turns(1);
}

AIO_TEST("event: set() wakes all waiters in order, on the next turn", "[sync][event]") {
  aio::event e;
  std::string log;
  auto waiter = [&](char name) -> aio::coro<> {
    co_await e.wait();
    log += name;
  };
  for (const char name : {'a', 'b', 'c'}) aio::create_task(waiter, name);
  co_await turns(1);
  e.set();
  e.set();
  CHECK(log.empty());
  co_await waiter('0');  // one that comes after set() runs before them
  co_await turns(1);
  CHECK(log == "0abc");
}

AIO_TEST("event: those who were woken return though it is cleared before they run",
         "[sync][event]") {
  aio::event e;
  std::string log;
  auto waiter = [&](char name) -> aio::coro<> {
    co_await e.wait();
    log += e.is_set() ? '+' : '-';
    log += name;
  };
  aio::create_task(waiter, 'a');
  co_await turns(1);
  e.set();
  e.clear();
  auto late = aio::create_task(waiter, 'b');
  co_await turns(3);
  CHECK(log == "-a");
  e.set();
  co_await late;
  CHECK(log == "-a+b");
}

AIO_TEST("event: a cancelled waiter throws and leaves the others waiting",
         "[sync][event][cancel]") {
  aio::event e;
  auto a = aio::create_task(ending(e.wait()));
  auto b = aio::create_task(ending(e.wait()));
  auto c = aio::create_task(ending(e.wait()));
  co_await turns(1);
  b.cancel("enough");
  co_await turns(1);
  CHECK(b.result() == "cancelled: enough");
  CHECK_FALSE(a.done());
  e.set();
  co_await turns(1);
  CHECK(a.result() == "returned");
  CHECK(c.result() == "returned");
}

AIO_TEST("event: cancelled after set() but before it runs, it throws",
         "[sync][event][cancel]") {
  aio::event e;
  auto a = aio::create_task(ending(e.wait()));
  co_await turns(1);
  e.set();
  a.cancel();
  co_await turns(1);
  CHECK(a.result() == "cancelled");
}

AIO_TEST("event: a timeout ends the wait", "[sync][event]") {
  aio::event e;
  const std::string how = co_await ending(aio::wait_for(e.wait(), 1s));
  CHECK(how == "timeout");
  CHECK(loop.now() == 1s);
}

TEST_CASE("event: a second loop cannot wait for it", "[sync][event]") {
  aio::event e;
  aio::testing::virtual_loop first;
  auto waiter = test::start(first, ending(e.wait()));
  first.turn();
  {
    aio::testing::virtual_loop second;
    CHECK(second.run(ending(e.wait())) == "usage");
  }
  e.set();
  first.turn();
  CHECK(waiter.result() == "returned");
}

AIO_TEST("event: destroyed, those who wait are told, those who were woken return",
         "[sync][event]") {
  auto e = std::make_unique<aio::event>();
  auto a = aio::create_task(ending(e->wait()));
  co_await turns(1);
  e->set();
  e->clear();
  auto b = aio::create_task(ending(e->wait()));
  auto c = aio::create_task([](aio::event& of) -> aio::coro<> { co_await of.wait(); },
                            std::ref(*e));
  co_await turns(1);
  CHECK(a.result() == "returned");
  e.reset();
  co_await turns(1);
  CHECK(b.result() == "usage");
  CHECK_THROWS_WITH(c.result(),
                    Catch::Matchers::ContainsSubstring("event was destroyed"));
}

AIO_TEST("event: destroyed between the wake-up and the run, the waiter returns",
         "[sync][event]") {
  std::optional<aio::event> e(std::in_place);
  auto a = aio::create_task(ending(e->wait()));
  co_await turns(1);
  e->set();
  e.reset();
  co_await turns(1);
  CHECK(a.result() == "returned");
}

TEST_CASE("event: cancelled at each await, a user of it ends cancelled",
          "[sync][event][cancel]") {
  auto make = []() -> aio::coro<> {
    aio::event ready, never;
    auto setter = [&]() -> aio::coro<> {
      co_await aio::sleep(2s);
      ready.set();
      co_await ending(never.wait());
    };
    aio::create_task(setter);
    co_await aio::sleep(1s);
    co_await ready.wait();
    co_await aio::sleep(1s);
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 4);
}
