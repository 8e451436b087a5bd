// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/shield.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/timeout.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <string>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::make_future;
using test::name_of;

namespace {

aio::coro<std::string> save(std::string tag) {
  co_await aio::sleep(4s);
  co_return tag;
}

aio::coro<> fail_later() {
  co_await aio::sleep(4s);
  throw boom();
}

}  // namespace

AIO_TEST("shield: passes results and errors on", "[task][shield]") {
  const std::string text = co_await aio::shield(save("one"));
  CHECK(text == "one");
  CHECK(loop.now() == 4s);
  const std::string how = co_await ending(aio::shield(fail_later()));
  CHECK(how == "boom");

  int n = 1;
  auto refer = [](int& to) -> aio::coro<int&> { co_return to; };
  int& same = co_await aio::shield(refer(n));
  CHECK(&same == &n);
  auto make = []() -> aio::coro<std::unique_ptr<int>> {
    co_return std::make_unique<int>(2);
  };
  const std::unique_ptr<int> owner = co_await aio::shield(make());
  CHECK(*owner == 2);
  co_await aio::shield(test::turns(1));
}

AIO_TEST("shield: one that waits in it leaves when cancelled, and the work goes on",
         "[task][shield][cancel]") {
  auto inner = aio::create_task(save("two"));
  auto caller = aio::create_task([&]() -> aio::coro<> { co_await aio::shield(inner); });
  co_await aio::sleep(1s);
  CHECK(caller.cancel("why"));
  const std::string how = co_await ending(caller);
  CHECK(how == "cancelled: why");
  CHECK(loop.now() == 1s);
  CHECK_FALSE(inner.done());
  CHECK(inner.cancelling() == 0);
  const std::string& text = co_await inner;
  CHECK(text == "two");
}

AIO_TEST("shield: a coroutine goes on without anybody holding it",
         "[task][shield][cancel]") {
  bool saved = false;
  auto work = [&]() -> aio::coro<> {
    co_await aio::sleep(4s);
    saved = true;
  };
  auto caller =
      aio::create_task([&]() -> aio::coro<> { co_await aio::shield(work()); });
  co_await aio::sleep(1s);
  caller.cancel();
  co_await aio::sleep(4s);
  CHECK(caller.cancelled());
  CHECK(saved);
}

AIO_TEST("shield: is cancelled if the protected task is", "[task][shield][cancel]") {
  auto inner = aio::create_task(save("three"));
  auto outer = aio::shield(inner);
  auto caller = aio::create_task([&]() -> aio::coro<> { co_await outer; });
  co_await aio::sleep(0s);
  inner.cancel("inside");
  const std::string how = co_await ending(caller);
  CHECK(how == "cancelled");  // the message stays inside, as in asyncio
  CHECK(caller.cancelled());
  CHECK(caller.cancelling() == 0);
  CHECK(outer.cancelled());
}

AIO_TEST("shield: cancelling it leaves the future inside alone",
         "[task][shield][cancel]") {
  auto f = make_future<int>(loop);
  auto outer = aio::shield(f);
  CHECK(outer.cancel());
  CHECK(outer.cancelled());
  CHECK_FALSE(f.done());
  f.set_result(1);
  co_await aio::sleep(0s);
  CHECK(f.result() == 1);
  CHECK_FALSE(outer.cancel());
}

AIO_TEST("shield: passes through what is done already", "[task][shield]") {
  auto f = make_future<int>(loop);
  f.set_result(1);
  CHECK(aio::shield(f) == f);
  const test::turn_mark turn(loop);
  const int n = co_await aio::shield(f);
  CHECK(n == 1);
  CHECK_FALSE(turn.is_over());
}

TEST_CASE("shield: takes one turn more than what it protects", "[task][shield]") {
  aio::testing::virtual_loop loop;
  auto f = make_future<int>(loop);
  auto body = [&]() -> aio::coro<> { co_await aio::shield(f); };
  auto t = test::start(loop, body());
  loop.turn();
  f.set_result(1);
  loop.turn();
  CHECK_FALSE(t.done());
  loop.turn();
  CHECK(t.done());
}

AIO_TEST("shield: an end and a cancel in one turn: the waiter stops, the end stays",
         "[task][shield][cancel]") {
  auto f = make_future<int>(loop);
  auto caller = aio::create_task([&]() -> aio::coro<> { co_await aio::shield(f); });
  co_await aio::sleep(0s);
  f.set_result(1);
  CHECK(caller.cancel());
  const std::string how = co_await ending(caller);
  CHECK(how == "cancelled");
  CHECK(f.result() == 1);
}

AIO_TEST("shield: an error after the cancel is its owner's to report",
         "[task][shield]") {
  test::reports reports(loop);
  auto inner = aio::create_task(fail_later());
  auto caller = aio::create_task([&]() -> aio::coro<> { co_await aio::shield(inner); });
  co_await aio::sleep(1s);
  caller.cancel();
  co_await aio::sleep(4s);
  CHECK(inner.done());
  CHECK(reports.count() == 0);
  inner = {};
  CHECK(reports.take() == "boom");
}

AIO_TEST("shield: those that gave up are forgotten, not collected", "[task][shield]") {
  int alive = 0;
  auto f = make_future<>(loop);
  for (int i = 0; i < 3; ++i) {
    auto outer = aio::shield(f);
    outer.add_done_callback([c = test::counted(alive)](const auto&) {});
    const std::string how = co_await ending(aio::wait_for(std::move(outer), 1s));
    CHECK(how == "timeout");
    co_await aio::sleep(0s);
    CHECK(alive == 0);
  }
  f.set_result();
}

TEST_CASE("shield: goes with a future that nobody will ever finish", "[task][shield]") {
  int alive = 0;
  aio::testing::virtual_loop loop;
  {
    auto outer = aio::shield(make_future<int>(loop));
    outer.add_done_callback([c = test::counted(alive)](const auto&) {});
    CHECK(outer.cancel());
  }
  loop.turn();
  CHECK(alive == 0);
  {
    auto f = make_future<int>(loop);
    auto outer = aio::shield(f);
    outer.add_done_callback([c = test::counted(alive)](const auto&) {});
  }
  CHECK(alive == 0);
}

TEST_CASE("shield: cancelled at each await, the work in it still ends",
          "[task][shield][cancel]") {
  int saved = 0;
  int runs = 0;
  auto work = [&]() -> aio::coro<> {
    co_await aio::sleep(1s);
    co_await aio::sleep(0s);
    ++saved;
  };
  auto make = [&]() -> aio::coro<> {
    ++runs;
    auto t = aio::create_task(work);
    std::exception_ptr error;
    try {
      co_await aio::shield(t);
    } catch (...) {
      error = std::current_exception();
    }
    co_await t;
    if (error) std::rethrow_exception(error);
  };
  const int cancels = test::cancel_at_every_await(
      make, [&](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 4);
  CHECK(runs == cancels);  // one was cancelled before its start, the last one never
  CHECK(saved == runs);
}
