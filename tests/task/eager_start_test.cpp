// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Tasks whose first step runs inside create_task.

#include <aio/task/gather.hpp>
#include <aio/task/shield.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::ending_of;

namespace {

constexpr aio::task_options eagerly{.eager_start = true};

aio::coro<int> at_once(int n) { co_return n; }

aio::coro<int> fail_at_once() {
  throw boom();
  co_return 0;
}

aio::coro<std::string> steps(std::string& log, std::string name, int turns) {
  log += name + "0 ";
  for (int i = 1; i <= turns; ++i) {
    co_await aio::sleep(0s);
    log += name + std::to_string(i) + ' ';
  }
  co_return name;
}

/// Makes the tasks of a loop eager while it lives.
class eager_factory {
 public:
  explicit eager_factory(aio::testing::virtual_loop& loop) : loop_(loop) {
    loop_.core().eager_tasks = true;
  }
  eager_factory(const eager_factory&) = delete;
  eager_factory& operator=(const eager_factory&) = delete;
  ~eager_factory() { loop_.core().eager_tasks = false; }

 private:
  aio::testing::virtual_loop& loop_;
};

}  // namespace

AIO_TEST("eager_start: one that does not wait is done at once", "[task][eager]") {
  const test::turn_mark turn(loop);
  auto t = aio::create_task(at_once(1), eagerly);
  CHECK(t.done());
  CHECK(t.result() == 1);
  const int value = co_await t;
  CHECK(value == 1);
  CHECK_FALSE(turn.is_over());
  auto from_callable = aio::create_task(eagerly, at_once, 2);
  CHECK(from_callable.result() == 2);
}

AIO_TEST("eager_start: one that waits goes on as any task", "[task][eager]") {
  std::string log;
  auto a = aio::create_task(steps(log, "a", 2), eagerly);
  auto b = aio::create_task(steps(log, "b", 2));
  log += "created ";
  CHECK_FALSE(a.done());
  co_await a;
  co_await b;
  CHECK(log == "a0 created a1 b0 a2 b1 b2 ");
}

AIO_TEST("eager_start: its children run at once with it", "[task][eager]") {
  int sum = 0;
  auto child = [](int n) -> aio::coro<int> { co_return n; };
  auto body = [&]() -> aio::coro<> {
    for (int i = 0; i < 1000; ++i) sum += co_await child(i);
  };
  CHECK(aio::create_task(body(), eagerly).done());
  CHECK(sum == 499500);
  co_return;
}

AIO_TEST("eager_start: an error is kept in the task", "[task][eager]") {
  test::reports reports(loop);
  {
    auto t = aio::create_task(fail_at_once(), eagerly);
    CHECK(t.done());
    CHECK(ending_of([&] { return t.result(); }) == "boom");
    const std::string how = co_await ending(t);
    CHECK(how == "boom");
  }
  CHECK(reports.count() == 0);
  aio::create_task(fail_at_once(), eagerly);
  CHECK(reports.take() == "boom");
}

AIO_TEST("eager_start: is the current task meanwhile, and among all tasks",
         "[task][eager]") {
  const aio::any_task creator = aio::current_task();
  aio::any_task inside;
  bool is_listed = false;
  std::string name;
  auto body = [&]() -> aio::coro<> {
    inside = aio::current_task();
    name = inside.name();
    const auto all = aio::all_tasks();
    is_listed = std::ranges::count(all, inside) == 1;
    co_return;
  };
  auto t = aio::create_task(body(), {.name = "eager", .eager_start = true});
  CHECK(inside == t.any());
  CHECK(name == "eager");
  CHECK(is_listed);
  CHECK(aio::current_task() == creator);
  const auto all = aio::all_tasks();
  CHECK(std::ranges::count(all, inside) == 0);
  co_return;
}

AIO_TEST("eager_start: nested, each has its creator back", "[task][eager]") {
  struct nest {
    static aio::coro<int> at(int depth) {
      if (depth == 0) co_return 0;
      const aio::any_task self = aio::current_task();
      auto inner = aio::create_task(at(depth - 1), eagerly);
      CHECK(aio::current_task() == self);
      CHECK(inner.done());
      co_return inner.result() + 1;
    }
  };
  auto t = aio::create_task(nest::at(100), eagerly);
  CHECK(t.result() == 100);
  co_return;
}

AIO_TEST("eager_start: callbacks run on the next turn, also of one that is done",
         "[task][eager]") {
  bool called = false;
  auto t = aio::create_task(at_once(1), eagerly);
  t.add_done_callback([&](const aio::task<int>& done) { called = done.result() == 1; });
  CHECK_FALSE(called);
  co_await aio::sleep(0s);
  CHECK(called);
}

AIO_TEST("eager_start: from a plain callback", "[task][eager]") {
  bool was_done = false;
  bool none_after = false;
  test::call_soon(loop, [&] {
    was_done = aio::create_task(at_once(1), eagerly).done();
    none_after = !aio::current_task();
  });
  co_await aio::sleep(0s);
  CHECK(was_done);
  CHECK(none_after);
}

AIO_TEST("eager_start: the factory makes all eager, the option decides for one",
         "[task][eager]") {
  {
    const eager_factory eager(loop);
    CHECK(aio::create_task(at_once(1)).done());
    CHECK(aio::create_task(at_once, 1).done());
    auto lazy = aio::create_task(at_once(1), {.eager_start = false});
    CHECK_FALSE(lazy.done());
    co_await lazy;
  }
  auto lazy = aio::create_task(at_once(1));
  CHECK_FALSE(lazy.done());
  co_await lazy;
}

TEST_CASE("eager_start: on a loop that does not run it is as usual", "[task][eager]") {
  aio::testing::virtual_loop loop;
  const eager_factory eager(loop);
  auto t = test::start(loop, at_once(1));
  CHECK_FALSE(t.done());
  loop.turn();
  CHECK(t.done());
}

AIO_TEST("eager_start: gather of such that do not wait does not give way",
         "[task][eager]") {
  const eager_factory eager(loop);
  const test::turn_mark turn(loop);
  const auto [a, b] = co_await aio::gather(at_once(1), at_once(2));
  CHECK(a + b == 3);
  CHECK_FALSE(turn.is_over());
}

AIO_TEST("eager_start: shield and wait_for of such", "[task][eager]") {
  const eager_factory eager(loop);
  const test::turn_mark turn(loop);
  const int shielded = co_await aio::shield(at_once(1));
  const int in_time = co_await aio::wait_for(at_once(2), 1s);
  CHECK(shielded + in_time == 3);
  CHECK_FALSE(turn.is_over());
  const std::string how =
      co_await ending(aio::wait_for(aio::create_task(test::turns(2)), 1s));
  CHECK(how == "returned");
}

// ----- cancelling -----

AIO_TEST("eager_start: a cancel after its end does nothing", "[task][eager][cancel]") {
  auto t = aio::create_task(at_once(1), eagerly);
  CHECK_FALSE(t.cancel());
  CHECK(t.cancelling() == 0);
  CHECK(t.result() == 1);
  co_return;
}

AIO_TEST("eager_start: a cancel after its first step is thrown at its await",
         "[task][eager][cancel]") {
  std::string log;
  auto body = [&]() -> aio::coro<> {
    log += "begin ";
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error& e) {
      log += e.message();
      throw;
    }
  };
  auto t = aio::create_task(body(), eagerly);
  CHECK(t.cancel("why"));
  CHECK(log == "begin ");
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: why");
  CHECK(log == "begin why");
}

AIO_TEST("eager_start: cancelling itself in its first step", "[task][eager][cancel]") {
  auto at_its_await = []() -> aio::coro<> {
    aio::current_task().cancel("self");
    co_await aio::sleep(1h);
  };
  auto waits = aio::create_task(at_its_await(), eagerly);
  CHECK_FALSE(waits.done());
  const std::string how = co_await ending(waits);
  CHECK(how == "cancelled: self");

  auto at_its_end = []() -> aio::coro<int> {
    aio::current_task().cancel();
    co_return 1;
  };
  auto ends = aio::create_task(at_its_end(), eagerly);
  CHECK(ends.done());
  CHECK(ends.cancelled());

  auto takes_it_back = []() -> aio::coro<int> {
    aio::current_task().cancel();
    aio::current_task().uncancel();
    co_return 1;
  };
  CHECK(aio::create_task(takes_it_back(), eagerly).result() == 1);
}

AIO_TEST("eager_start: cancelling its creator in its first step",
         "[task][eager][cancel]") {
  auto t = aio::create_task([]() -> aio::coro<int> {
    auto body = [](aio::any_task creator) -> aio::coro<> {
      creator.cancel("child");
      co_return;
    };
    auto child = aio::create_task(body(aio::current_task()), eagerly);
    CHECK(child.done());
    CHECK_FALSE(child.cancelled());
    co_await aio::sleep(1h);
    co_return 1;
  });
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: child");
}

AIO_TEST("eager_start: thrown cancelled_error ends it cancelled",
         "[task][eager][cancel]") {
  auto body = []() -> aio::coro<> {
    throw aio::cancelled_error("by hand");
    co_return;
  };
  auto t = aio::create_task(body(), eagerly);
  CHECK(t.cancelled());
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: by hand");
}

TEST_CASE("eager_start: cancelled at every await, nothing of it stays",
          "[task][eager][cancel]") {
  int alive = 0;
  auto child = [](test::counted) -> aio::coro<> {
    co_await aio::sleep(1s);
    co_await aio::sleep(0s);
  };
  auto make = [&]() -> aio::coro<> {
    auto t = aio::create_task(child(test::counted(alive)), eagerly);
    co_await t;
    auto u = aio::create_task(child(test::counted(alive)), eagerly);
    co_await u;
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 6);
  CHECK(alive == 0);
}

// ----- edges -----

AIO_TEST("eager_start: a task that awaits itself in its first step", "[task][eager]") {
  aio::any_task self;
  auto body = [&]() -> aio::coro<> {
    self = aio::current_task();
    co_await self;
  };
  auto t = aio::create_task(body(), eagerly);
  CHECK(t.done());
  const std::string how = co_await ending(t);
  CHECK(how == "usage");
}

AIO_TEST(
    "eager_start: a keyboard_interrupt comes out of create_task and stays in the task",
    "[task][eager]") {
  test::reports reports(loop);
  const aio::any_task creator = aio::current_task();
  aio::any_task inside;
  auto body = [&]() -> aio::coro<> {
    inside = aio::current_task();
    throw aio::keyboard_interrupt();
    co_return;
  };
  CHECK_THROWS_AS(aio::create_task(body(), eagerly), aio::keyboard_interrupt);
  CHECK(aio::current_task() == creator);
  REQUIRE(inside.done());
  CHECK_THROWS_AS(std::rethrow_exception(inside.exception()), aio::keyboard_interrupt);
  co_return;
}

AIO_TEST("eager_start: what it holds goes at its end", "[task][eager]") {
  int alive = 0;
  auto body = [](test::counted) -> aio::coro<> { co_return; };
  auto t = aio::create_task(body(test::counted(alive)), eagerly);
  CHECK(t.done());
  CHECK(alive == 0);
  auto waits = [](test::counted) -> aio::coro<> { co_await aio::sleep(1s); };
  auto u = aio::create_task(waits(test::counted(alive)), eagerly);
  CHECK(alive == 1);
  co_await u;
  CHECK(alive == 0);
}

TEST_CASE("eager_start: needs a running loop as any task does", "[task][eager]") {
  auto body = at_once(1);
  CHECK_THROWS_AS(aio::create_task(std::move(body), eagerly), aio::usage_error);
  CHECK(static_cast<bool>(body));
  body.close();
}
