// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/coro.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <array>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;

namespace {

aio::coro<int> answer() { co_return 42; }

/// A chain of `depth` coroutines, the innermost of which waits for `f`.
aio::coro<int> chain(int depth, aio::future<> f) {
  if (depth == 0) {
    co_await f;
    co_return 0;
  }
  const int below = co_await chain(depth - 1, f);
  co_return below + 1;
}

aio::coro<int> straight_down(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await straight_down(depth - 1);
  co_return below + 1;
}

}  // namespace

AIO_TEST("coro: runs nothing until it is awaited", "[coro][coro]") {
  bool ran = false;
  auto body = [&]() -> aio::coro<> {
    ran = true;
    co_return;
  };
  auto c = body();
  CHECK_FALSE(ran);
  CHECK(static_cast<bool>(c));
  co_await std::move(c);
  CHECK(ran);
  CHECK_FALSE(static_cast<bool>(c));
}

AIO_TEST("coro: its parameters go when it ends, before the one that awaits goes on",
         "[coro][coro]") {
  struct mark {
    explicit mark(std::string& to) : log(&to) {}
    mark(mark&& other) noexcept : log(std::exchange(other.log, nullptr)) {}
    mark(const mark&) = delete;
    ~mark() {
      if (log != nullptr) *log += "parameter, ";
    }
    std::string* log;
  };
  std::string log;
  auto keeps = [&log](mark, bool waits) -> aio::coro<int> {
    const aio::detail::scope_exit end([&] { log += "local, "; });
    if (waits) co_await aio::sleep(1s);
    co_return 1;
  };
  log += std::to_string(co_await keeps(mark(log), false)) + ", ";
  log += std::to_string(co_await keeps(mark(log), true));
  CHECK(log == "local, parameter, 1, local, parameter, 1");
}

AIO_TEST("coro: an error of a destructor after co_return counts, not the value",
         "[coro][coro]") {
  struct last_word {
    ~last_word() noexcept(false) { throw boom("late"); }
  };
  auto body = []() -> aio::coro<std::string> {
    const last_word end;
    co_return std::string(100, 'x');
  };
  CHECK(co_await ending(body()) == "late");
}

AIO_TEST("coro: runs inline, in the task that awaits it", "[coro][coro]") {
  const test::turn_mark turn(loop);
  const aio::any_task me = aio::current_task();
  auto body = []() -> aio::coro<aio::any_task> {
    const int n = co_await answer();
    if (n != 42) throw boom();
    co_return aio::current_task();
  };
  const aio::any_task there = co_await body();
  CHECK(there == me);
  CHECK_FALSE(turn.is_over());
}

AIO_TEST("coro: goes on after a suspension, in its own order", "[coro][coro]") {
  std::string log;
  auto inner = [&](char name) -> aio::coro<> {
    log += name;
    co_await aio::sleep(1s);
    log += name;
  };
  auto outer = [&]() -> aio::coro<> {
    log += '(';
    co_await inner('a');
    co_await inner('b');
    log += ')';
  };
  co_await outer();
  CHECK(log == "(aabb)");
  CHECK(loop.now() == 2s);
}

AIO_TEST("coro: yields void, values, references and what can only be moved",
         "[coro][coro]") {
  int n = 1;
  auto nothing = []() -> aio::coro<> { co_return; };
  auto refer = [](int& to) -> aio::coro<int&> { co_return to; };
  auto constant = [](const int& to) -> aio::coro<const int&> { co_return to; };
  auto make = []() -> aio::coro<std::unique_ptr<int>> {
    auto made = std::make_unique<int>(2);
    co_return made;
  };
  auto text = []() -> aio::coro<std::string> { co_return "converted"; };
  co_await nothing();
  int& same = co_await refer(n);
  CHECK(&same == &n);
  const int& same_again = co_await constant(n);
  CHECK(&same_again == &n);
  const std::unique_ptr<int> owner = co_await make();
  CHECK(*owner == 2);
  const std::string converted = co_await text();
  CHECK(converted == "converted");
}

AIO_TEST("coro: its exception comes out of the await", "[coro][coro]") {
  auto fails = [](bool later) -> aio::coro<int> {
    if (later) co_await aio::sleep(1s);
    throw boom();
  };
  const std::string at_once = co_await ending(fails(false));
  const std::string later = co_await ending(fails(true));
  CHECK(at_once == "boom");
  CHECK(later == "boom");
}

AIO_TEST("coro: an exception in making the result comes out too", "[coro][coro]") {
  struct thrower {
    explicit thrower(int) { throw boom("making"); }
  };
  auto body = []() -> aio::coro<thrower> { co_return 1; };
  const std::string how = co_await ending(body());
  CHECK(how == "making");
}

AIO_TEST("coro: awaited twice is refused, with a text that helps", "[coro][coro]") {
  auto c = answer();
  const int n = co_await std::move(c);
  CHECK(n == 42);
  std::string text;
  try {
    co_await std::move(c);
  } catch (const aio::usage_error& e) {
    text = e.what();
  }
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("already awaited"));
  CHECK_THROWS_AS(c.release(), aio::usage_error);
}

AIO_TEST("coro: moves, and takes its body along", "[coro][coro]") {
  static_assert(!std::is_copy_constructible_v<aio::coro<int>>);
  static_assert(std::is_nothrow_move_constructible_v<aio::coro<int>>);
  auto a = answer();
  auto b = std::move(a);
  CHECK_FALSE(static_cast<bool>(a));
  aio::coro<int> c;
  c = std::move(b);
  CHECK(static_cast<bool>(c));
  const int n = co_await std::move(c);
  CHECK(n == 42);
}

AIO_TEST("coro: its arguments go at the end of the await", "[coro][coro]") {
  int alive = 0;
  auto body = [](test::counted) -> aio::coro<> { co_await aio::sleep(0s); };
  {
    auto c = body(test::counted(alive));
    CHECK(alive == 1);
    co_await std::move(c);
    CHECK(alive == 0);
  }
  co_await body(test::counted(alive));
  CHECK(alive == 0);
}

TEST_CASE("coro: never awaited, it is reported with its name and place",
          "[coro][coro]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  int alive = 0;
  auto body = [](test::counted) -> aio::coro<> { co_return; };
  test::call_soon(loop, [&] {
    static_cast<void>(body(test::counted(alive)));
    static_cast<void>(answer());
  });
  loop.turn();
  CHECK(alive == 0);
  REQUIRE(reports.count() == 2);
  CHECK_THAT(reports[1].message, Catch::Matchers::ContainsSubstring("answer()"));
  CHECK_THAT(reports[1].message,
             Catch::Matchers::ContainsSubstring("was never awaited"));
  CHECK_THAT(reports[1].source, Catch::Matchers::ContainsSubstring("coro_test.cpp:"));
  CHECK(reports[1].exception == nullptr);
}

TEST_CASE("coro: close() gives it up without a report", "[coro][coro]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  int alive = 0;
  bool ran = false;
  auto body = [&ran](test::counted) -> aio::coro<> {
    ran = true;
    co_return;
  };
  test::call_soon(loop, [&] {
    auto c = body(test::counted(alive));
    c.close();
    CHECK(alive == 0);
    CHECK_FALSE(static_cast<bool>(c));
    c.close();
  });
  loop.turn();
  CHECK(reports.count() == 0);
  CHECK_FALSE(ran);
}

AIO_TEST("as_coro: makes a coroutine of any awaitable", "[coro][coro]") {
  const int n = co_await aio::detail::as_coro(aio::sleep(1s, 3));
  CHECK(n == 3);
  const int m = co_await aio::detail::as_coro(answer());
  CHECK(m == 42);
}

// ----- no stack -----

AIO_TEST("coro: a million children that finish at once take no stack",
         "[coro][stack]") {
  long sum = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const int n = co_await answer();
    sum += n;
  }
  CHECK(sum == 42'000'000);
}

AIO_TEST("coro: a million futures that are done take no stack", "[coro][stack]") {
  auto f = test::make_future<int>(loop);
  f.set_result(1);
  long sum = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const int n = co_await f;
    sum += n;
  }
  CHECK(sum == 1'000'000);
}

AIO_TEST("coro: a chain of 200000 runs down and up on no stack", "[coro][stack]") {
  const int depth = co_await straight_down(200'000);
  CHECK(depth == 200'000);
}

AIO_TEST("coro: a suspended chain of 200000 wakes and returns", "[coro][stack]") {
  auto f = test::make_future<>(loop);
  auto t = aio::create_task(chain(200'000, f));
  co_await aio::sleep(0s);
  f.set_result();
  const int depth = co_await t;
  CHECK(depth == 200'000);
}

TEST_CASE("coro: a suspended chain of 200000 can be destroyed", "[coro][stack]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  auto f = test::make_future<>(loop);
  auto t = test::start(loop, chain(200'000, f));
  loop.turn();
  const auto owners = f.required()->use_count();
  CHECK(owners > 200'000);
  loop.core().close();
  CHECK(f.required()->use_count() == 1);
  CHECK(t.cancelled());
}

AIO_TEST("coro: a suspended chain of 200000 can be cancelled", "[coro][stack]") {
  auto f = test::make_future<>(loop);
  auto t = aio::create_task(chain(200'000, f));
  co_await aio::sleep(0s);
  t.cancel();
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
  CHECK(f.required()->use_count() == 1);
}

AIO_TEST("task: a chain of tasks that await each other can be cancelled",
         "[task][stack]") {
  // Each passes the request on to the next, so this one is bounded by the stack.
  std::vector<aio::task<>> line;
  line.push_back(aio::create_task([]() -> aio::coro<> { co_await aio::sleep(1h); }));
  auto wait = [](aio::task<> of) -> aio::coro<> { co_await of; };
  for (int i = 0; i < 1000; ++i) line.push_back(aio::create_task(wait, line.back()));
  co_await aio::sleep(0s);
  CHECK(line.back().cancel());
  const std::string how = co_await ending(line.back());
  CHECK(how == "cancelled");
  for (const auto& one : line) CHECK(one.cancelled());
}
