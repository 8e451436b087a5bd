// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/end_of.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <string>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::make_future;

AIO_TEST("end_of: returns whatever the end is, and takes nothing", "[task][end_of]") {
  test::reports reports(loop);
  {
    auto fails = aio::create_task([]() -> aio::coro<> {
      co_await aio::sleep(1s);
      throw boom();
    });
    co_await aio::detail::end_of(*fails.required());
    CHECK(fails.done());
    CHECK(loop.now() == 1s);
  }
  CHECK(reports.take() == "boom");  // nobody has asked for it

  auto f = make_future<>(loop);
  f.cancel();
  const test::turn_mark turn(loop);
  co_await aio::detail::end_of(*f.required());
  CHECK_FALSE(turn.is_over());
}

AIO_TEST("end_of: a cancelled waiter leaves the line and the rest alone",
         "[task][end_of][cancel]") {
  auto f = make_future<>(loop);
  auto wait = [&]() -> aio::coro<> { co_await aio::detail::end_of(*f.required()); };
  auto a = aio::create_task(wait), b = aio::create_task(wait);
  co_await aio::sleep(0s);
  a.cancel("why");
  const std::string how = co_await ending(a);
  CHECK(how == "cancelled: why");
  CHECK_FALSE(f.done());
  CHECK_FALSE(b.done());
  f.set_result();
  co_await b;
}

AIO_TEST("end_of: cancelled in the turn of the end, it throws",
         "[task][end_of][cancel]") {
  auto f = make_future<>(loop);
  auto t = aio::create_task(
      [&]() -> aio::coro<> { co_await aio::detail::end_of(*f.required()); });
  co_await aio::sleep(0s);
  f.set_result();
  t.cancel();
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
}
