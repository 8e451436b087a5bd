// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/sleep.hpp>  // first: proves the header stands alone

#include <aio/task/task.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <limits>
#include <memory>
#include <string>

using namespace std::chrono_literals;
using test::ending;

AIO_TEST("sleep: takes exactly its time", "[task][sleep]") {
  co_await aio::sleep(3s);
  CHECK(loop.now() == 3s);
  co_await aio::sleep(0.5s);
  CHECK(loop.now() == 3500ms);
}

AIO_TEST("sleep: zero and less give way for one turn and take no time",
         "[task][sleep]") {
  int turns = 0;
  auto clock = aio::create_task([&]() -> aio::coro<> {
    for (;;) {
      co_await aio::sleep(0s);
      ++turns;
    }
  });
  co_await aio::sleep(0s);
  const int before = turns;
  co_await aio::sleep(0s);
  CHECK(turns == before + 1);
  co_await aio::sleep(-1h);
  CHECK(turns == before + 2);
  CHECK(loop.now() == 0s);
  clock.cancel();
}

AIO_TEST("sleep: what was ready before runs first", "[task][sleep]") {
  std::string log;
  test::call_soon(loop, [&] { log += "callback "; });
  co_await aio::sleep(-1s);
  log += "task ";
  test::call_soon(loop, [&] { log += "callback "; });
  const std::string value = co_await aio::sleep(0s, std::string("value"));
  CHECK(log == "callback task callback ");
  CHECK(value == "value");
}

AIO_TEST("sleep: those with equal deadlines wake in the order they began",
         "[task][sleep]") {
  std::string log;
  auto sleeper = [&](char name, aio::duration time) -> aio::coro<> {
    co_await aio::sleep(time);
    log += name;
  };
  for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) {
    aio::create_task(sleeper, name, aio::duration(name == 'c' ? 1s : 2s));
  }
  co_await aio::sleep(3s);
  CHECK(log == "cabdef");
}

AIO_TEST("sleep: yields its value, moved", "[task][sleep]") {
  const std::unique_ptr<int> value = co_await aio::sleep(1s, std::make_unique<int>(4));
  CHECK(*value == 4);
  auto later = aio::sleep(1s, 5);
  const int n = co_await std::move(later);
  CHECK(n == 5);
}

AIO_TEST("sleep: NaN is refused at the call, infinity never ends",
         "[task][sleep][cancel]") {
  using seconds = std::chrono::duration<double>;
  CHECK_THROWS_AS(aio::sleep(seconds(std::numeric_limits<double>::quiet_NaN())),
                  std::invalid_argument);
  auto forever = aio::create_task(
      ending(aio::sleep(seconds(std::numeric_limits<double>::infinity()))));
  auto longest = aio::create_task(ending(aio::sleep(std::chrono::hours::max())));
  co_await aio::sleep(1000000h);
  CHECK_FALSE(forever.done());
  CHECK_FALSE(longest.done());
  forever.cancel();
  longest.cancel();
  co_await aio::sleep(0s);
  CHECK(forever.result() == "cancelled");
  CHECK(longest.result() == "cancelled");
}

AIO_TEST("sleep: cancelled, it disarms its timer at once", "[task][sleep][cancel]") {
  auto t = aio::create_task([]() -> aio::coro<> { co_await aio::sleep(1h); });
  co_await aio::sleep(0s);
  CHECK(loop.core().armed_timers() == 1);
  t.cancel();
  CHECK(loop.core().armed_timers() == 0);
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
}

AIO_TEST("sleep: cancelled in the turn in which it is over, it throws",
         "[task][sleep][cancel]") {
  auto t = aio::create_task([]() -> aio::coro<> { co_await aio::sleep(1s); });
  test::call_at(loop, 1s, [&] { t.cancel(); });  // armed first, so it runs first
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
  CHECK(loop.now() == 1s);

  auto turn = aio::create_task([]() -> aio::coro<> { co_await aio::sleep(0s); });
  co_await aio::sleep(0s);
  turn.cancel();
  const std::string turned = co_await ending(turn);
  CHECK(turned == "cancelled");
}

AIO_TEST("sleep_until: a point of the loop's time, also one in the past",
         "[task][sleep]") {
  co_await aio::sleep_until(aio::time_point(2s));
  CHECK(loop.now() == 2s);
  co_await aio::sleep_until(aio::time_point(1s));
  CHECK(loop.now() == 2s);
  co_await aio::sleep_until(aio::time_point::min());
  CHECK(loop.now() == 2s);
  auto forever = aio::create_task(ending(aio::sleep_until(aio::time_point::max())));
  co_await aio::sleep(1000h);
  CHECK_FALSE(forever.done());
  forever.cancel();
}

TEST_CASE("sleep: cancelled at each await, no timer stays", "[task][sleep][cancel]") {
  auto make = []() -> aio::coro<> {
    co_await aio::sleep(1s);
    co_await aio::sleep(0s);
    const std::string text = co_await aio::sleep(2s, std::string(100, 'x'));
    if (text.size() != 100) throw test::boom();
  };
  const int cancels = test::cancel_at_every_await(make, [](const aio::task<>& t) {
    CHECK(t.cancelled());
    CHECK(t.required()->loop().armed_timers() == 0);
  });
  CHECK(cancels == 6);  // the timer and the task have a turn each
}
