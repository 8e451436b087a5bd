// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/handle.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <functional>
#include <memory>
#include <string>

using namespace std::chrono_literals;
using test::call_at;
using test::call_soon;

TEST_CASE("handle: callbacks run in order, one turn after they were given",
          "[core][handle]") {
  aio::testing::virtual_loop loop;
  std::string log;
  std::function<void(char, int)> again = [&](char tag, int left) {
    log += tag;
    if (left > 0) call_soon(loop, [&, tag, left] { again(tag, left - 1); });
  };
  call_soon(loop, [&] { again('a', 2); });
  aio::handle dropped = call_soon(loop, [&] { log += "never"; });
  call_soon(loop, [&] { again('b', 0); });
  call_soon(loop, [&] { again('c', 1); });
  CHECK_FALSE(dropped.cancelled());
  dropped.cancel();
  dropped.cancel();
  CHECK(dropped.cancelled());
  CHECK(log.empty());
  loop.turn();
  CHECK(log == "abc");
  loop.turn();
  CHECK(log == "abcac");
  loop.turn();
  CHECK(log == "abcaca");
}

TEST_CASE("handle: cancel() destroys the callable at once", "[core][handle]") {
  aio::testing::virtual_loop loop;
  int alive = 0;
  aio::handle soon = call_soon(loop, [c = test::counted(alive)] {});
  aio::timer_handle later = call_at(loop, 1s, [c = test::counted(alive)] {});
  CHECK(alive == 2);
  soon.cancel();
  CHECK(alive == 1);
  later.cancel();
  CHECK(alive == 0);
  CHECK(loop.core().armed_timers() == 0);
}

TEST_CASE("handle: a callback that has run is destroyed, though a handle remains",
          "[core][handle]") {
  aio::testing::virtual_loop loop;
  int alive = 0;
  int during = 0;
  aio::handle h = call_soon(loop, [&, c = test::counted(alive)] { during = alive; });
  loop.turn();
  CHECK(during == 1);
  CHECK(alive == 0);
  CHECK_FALSE(h.cancelled());
  h.cancel();  // too late: does nothing
  loop.core().close();
}

TEST_CASE("handle: may be cancelled in the turn in which it would run, also by itself",
          "[core][handle]") {
  aio::testing::virtual_loop loop;
  aio::handle second, self;
  int runs = 0;
  call_soon(loop, [&] { second.cancel(); });
  second = call_soon(loop, [&] { ++runs; });
  self = call_soon(loop, [&] {
    self.cancel();
    runs += 10;
  });
  loop.turn();
  CHECK(runs == 10);
  CHECK(second.cancelled());
}

TEST_CASE("handle: empty, it does nothing", "[core][handle]") {
  aio::handle none;
  none.cancel();
  CHECK_FALSE(none.cancelled());
  aio::timer_handle no_timer;
  no_timer.cancel();
  CHECK(no_timer.when() == aio::time_point());
}

TEST_CASE("handle: callables that can only be moved, or throw, are fine",
          "[core][handle]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  int seen = 0;
  call_soon(loop, [p = std::make_unique<int>(3), &seen] { seen = *p; });
  call_soon(loop, [] { throw test::boom(); });
  call_soon(loop, [&] { ++seen; });
  loop.turn();
  CHECK(seen == 4);
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring("callback"));
  CHECK(reports.take() == "boom");
}

TEST_CASE("timer_handle: timers run by deadline, behind what is ready",
          "[core][handle]") {
  aio::testing::virtual_loop loop;
  std::string log;
  auto say = [&](const char* what) {
    return [&log, what] { log += std::string(what) + ' '; };
  };
  call_at(loop, 150ms, say("150"));
  aio::timer_handle never = call_at(loop, 200ms, say("never"));
  call_at(loop, 50ms, [&] {
    log += "50 ";
    never.cancel();
    call_soon(loop, say("soon-from-50"));
  });
  call_at(loop, 0s, say("zero"));
  call_at(loop, -5s, say("negative"));
  const aio::timer_handle hundred = call_at(loop, 100ms, say("100"));
  call_soon(loop, say("soon"));
  CHECK(hundred.when() == aio::time_point(100ms));
  while (loop.core().armed_timers() > 0) loop.turn();
  CHECK(log == "soon negative zero 50 soon-from-50 100 150 ");
  CHECK(never.cancelled());
  CHECK(loop.now() == 150ms);
}

TEST_CASE("timer_handle: due in the turn in which it is cancelled, it does not run",
          "[core][handle]") {
  aio::testing::virtual_loop loop;
  aio::timer_handle second;
  bool ran = false;
  call_at(loop, 1s, [&] { second.cancel(); });
  second = call_at(loop, 1s, [&] { ran = true; });
  loop.turn();
  CHECK_FALSE(ran);
  CHECK(second.cancelled());
}

TEST_CASE("bind_arguments: keeps the arguments, and moves them into the call",
          "[core][handle]") {
  auto add = [](std::unique_ptr<int> a, int b) { return *a + b; };
  auto bound = aio::detail::bind_arguments(add, std::make_unique<int>(1), 2);
  CHECK(bound() == 3);
  int n = 0;
  auto by_reference = aio::detail::bind_arguments([](int& to) { ++to; }, std::ref(n));
  by_reference();
  CHECK(n == 1);
  auto plain = aio::detail::bind_arguments([&n] { return ++n; });
  CHECK(plain() == 2);
}

TEST_CASE("handle: callbacks are dropped when the loop closes", "[core][handle]") {
  int alive = 0;
  bool ran = false;
  aio::handle soon;
  aio::timer_handle later;
  {
    aio::testing::virtual_loop loop;
    soon = call_soon(loop, [c = test::counted(alive), &ran] { ran = true; });
    later = call_at(loop, 1s, [c = test::counted(alive), &ran] { ran = true; });
    loop.core().close();
    CHECK(alive == 0);
    call_soon(loop, [c = test::counted(alive), &ran] { ran = true; });
    CHECK(alive == 0);
  }
  CHECK_FALSE(ran);
  soon.cancel();  // handles may outlive the loop
  later.cancel();
}
