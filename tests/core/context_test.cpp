// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/context.hpp>  // first: proves the header stands alone

#include <aio/task/gather.hpp>
#include <aio/task/shield.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending_of;

namespace {

const aio::context_var<std::string> var{"var", "default"};
const aio::context_var<int> number{"number"};

aio::coro<std::string> read() { co_return var.get(); }

/// What the variable was at the start, and is after a turn.
aio::coro<std::string> change(std::string to) {
  std::string seen = var.get();
  var.set(std::move(to));
  co_await aio::sleep(0s);
  seen += ' ';
  seen += var.get();
  co_return seen;
}

}  // namespace

// ----- variables -----

AIO_TEST("context_var: has its default until it is set", "[core][context]") {
  CHECK(var.name() == "var");
  CHECK(var.get() == "default");
  CHECK(var.get("otherwise") == "otherwise");
  var.set("value");
  CHECK(var.get() == "value");
  CHECK(var.get("otherwise") == "value");
  co_return;
}

AIO_TEST("context_var: without a default it throws until it is set",
         "[core][context]") {
  CHECK(number.get(3) == 3);
  CHECK_THROWS_AS(number.get(), std::out_of_range);
  CHECK_THAT(ending_of([] { return number.get(); }),
             Catch::Matchers::ContainsSubstring("'number'"));
  number.set(4);
  CHECK(number.get() == 4);
  CHECK(number.get(3) == 4);
  co_return;
}

AIO_TEST("context_var: reset() puts back what was there, in any order",
         "[core][context]") {
  const auto first = var.set("one");
  const auto second = var.set("two");
  var.reset(second);
  CHECK(var.get() == "one");
  var.reset(first);
  CHECK(var.get() == "default");

  const auto none = number.set(1);
  const auto one = number.set(2);
  number.reset(none);
  CHECK_THROWS_AS(number.get(), std::out_of_range);
  number.reset(one);
  CHECK(number.get() == 1);
  co_return;
}

AIO_TEST("context_var: a token is good once, copies included", "[core][context]") {
  const auto token = var.set("one");
  const auto copy = token;
  var.reset(token);
  var.set("two");
  CHECK_THROWS_AS(var.reset(token), std::invalid_argument);
  CHECK_THROWS_AS(var.reset(copy), std::invalid_argument);
  CHECK(var.get() == "two");
  co_return;
}

AIO_TEST("context_var: a token is good for its variable only", "[core][context]") {
  const aio::context_var<std::string> other{"other"};
  const auto token = other.set("x");
  CHECK_THROWS_AS(var.reset(token), std::invalid_argument);
  CHECK_THROWS_AS(var.reset({}), std::invalid_argument);
  other.reset(token);
  CHECK(other.get("none") == "none");
  co_return;
}

AIO_TEST("context_var: a token is good in its context only", "[core][context]") {
  const auto token = var.set("main");
  auto child = [&]() -> aio::coro<std::string> {
    CHECK(var.get() == "main");
    co_return ending_of([&] { return (var.reset(token), 0); });
  };
  const std::string in_task = co_await aio::create_task(child);
  CHECK_THAT(in_task, Catch::Matchers::ContainsSubstring("different context"));
  std::string in_callback;
  test::call_soon(
      loop, [&] { in_callback = ending_of([&] { return (var.reset(token), 0); }); });
  co_await aio::sleep(0s);
  CHECK_THAT(in_callback, Catch::Matchers::ContainsSubstring("different context"));
  var.reset(token);  // refused before, so still good
  CHECK(var.get() == "default");
}

AIO_TEST("context_var: one that takes the place of another has no value of it",
         "[core][context]") {
  std::optional<aio::context_var<int>> place;
  place.emplace("first");
  place->set(1);
  place.emplace("second");
  CHECK(place->get(0) == 0);
  co_return;
}

AIO_TEST("context_var: many of them keep apart", "[core][context]") {
  std::vector<std::unique_ptr<aio::context_var<int>>> many;
  for (int i = 0; i < 50; ++i) {
    many.push_back(std::make_unique<aio::context_var<int>>(std::to_string(i), -i));
  }
  for (int i = 49; i >= 0; i -= 2) many[static_cast<std::size_t>(i)]->set(i);
  for (int i = 0; i < 50; ++i) {
    CHECK(many[static_cast<std::size_t>(i)]->get() == (i % 2 == 0 ? -i : i));
  }
  co_return;
}

TEST_CASE("context_var: works without a loop, on each thread for itself",
          "[core][context]") {
  const auto token = var.set("here");
  std::string there;
  std::thread([&] {
    there = var.get();
    var.set("there");
  }).join();
  CHECK(there == "default");
  CHECK(var.get() == "here");
  var.reset(token);
  CHECK(var.get() == "default");
}

TEST_CASE("context_var: a value goes when nothing can see it any more",
          "[core][context]") {
  int alive = 0;
  const aio::context_var<std::shared_ptr<test::counted>> held{"held"};
  {
    std::optional<aio::context> copy;
    {
      const auto token = held.set(std::make_shared<test::counted>(alive));
      copy = aio::copy_context();
      held.reset(token);
    }
    CHECK(alive == 1);
    CHECK(held.get(nullptr) == nullptr);
  }
  CHECK(alive == 0);

  aio::testing::virtual_loop loop;
  auto body = [&]() -> aio::coro<> {
    held.set(std::make_shared<test::counted>(alive));
    co_await aio::sleep(1s);
  };
  {
    auto t = test::start(loop, body());
    loop.turn();
    CHECK(alive == 1);
    loop.turn();  // the timer
    loop.turn();
    REQUIRE(t.done());
  }
  CHECK(alive == 0);
}

// ----- contexts -----

AIO_TEST("context: run() sees and changes its variables, not those outside",
         "[core][context]") {
  var.set("outside");
  const aio::context made = aio::copy_context();
  var.set("changed");
  const int n = made.run(
      [](int a, int b) {
        CHECK(var.get() == "outside");
        var.set("inside");
        return a + b;
      },
      1, 2);
  CHECK(n == 3);
  CHECK(var.get() == "changed");
  CHECK(made[var] == "inside");
  made.run([] { CHECK(var.get() == "inside"); });
  co_return;
}

AIO_TEST("context: run() leaves it also by an exception", "[core][context]") {
  const aio::context made;
  CHECK_THROWS_AS(made.run([] {
    var.set("inside");
    throw boom();
  }),
                  boom);
  CHECK(var.get() == "default");
  CHECK(made[var] == "inside");
  co_return;
}

AIO_TEST("context: run() nests, and may end the last handle", "[core][context]") {
  auto outer = std::make_unique<aio::context>();
  const aio::context inner;
  outer->run([&] {
    var.set("outer");
    inner.run([&] {
      CHECK(var.get() == "default");
      var.set("inner");
    });
    CHECK(var.get() == "outer");
    outer.reset();
    CHECK(var.get() == "outer");
    var.set("still there");
    CHECK(var.get() == "still there");
  });
  CHECK(var.get() == "default");
  CHECK(inner[var] == "inner");
  co_return;
}

AIO_TEST("context: a made one is empty, a copied handle the same, copy() another",
         "[core][context]") {
  var.set("value");
  const aio::context empty;
  CHECK_THROWS_AS(empty[var], std::out_of_range);
  const aio::context original = aio::copy_context();
  const aio::context same = original;
  const aio::context other = original.copy();
  original.run([] { var.set("new"); });
  CHECK(same[var] == "new");
  CHECK(other[var] == "value");
  CHECK(original.run([] { return aio::copy_context(); })[var] == "new");
  co_return;
}

// ----- tasks -----

AIO_TEST("context: a task has a copy of the moment it was created", "[core][context]") {
  var.set("before");
  auto a = aio::create_task(change("a"));
  var.set("between");
  auto b = aio::create_task(change("b"));
  var.set("after");
  co_await a;
  co_await b;
  CHECK(a.result() == "before a");
  CHECK(b.result() == "between b");
  CHECK(var.get() == "after");
}

AIO_TEST("context: a plain await shares it", "[core][context]") {
  const std::string seen = co_await change("inside");
  CHECK(seen == "default inside");
  CHECK(var.get() == "inside");
}

AIO_TEST("context: gather and shield run coroutines in copies, wait_for in the same",
         "[core][context]") {
  var.set("outside");
  const auto [a, b] = co_await aio::gather(change("a"), change("b"));
  CHECK(a == "outside a");
  CHECK(b == "outside b");
  const std::string c = co_await aio::shield(change("c"));
  CHECK(c == "outside c");
  CHECK(var.get() == "outside");
  const std::string d = co_await aio::wait_for(change("d"), 1s);
  CHECK(d == "outside d");
  CHECK(var.get() == "d");
}

AIO_TEST("context: tasks can share one", "[core][context]") {
  const aio::context shared;
  auto writer = [](std::string text) -> aio::coro<> {
    for (int i = 0; i < 3; ++i) {
      var.set(var.get("") + text);
      co_await aio::sleep(0s);
    }
  };
  auto a = aio::create_task(writer("a"), {.context = shared});
  auto b = aio::create_task(writer("b"), {.context = shared});
  co_await a;
  co_await b;
  CHECK(shared[var] == "ababab");
  CHECK(var.get() == "default");
}

AIO_TEST("context: the context of a task may be dropped while it runs",
         "[core][context]") {
  std::optional<aio::context> made(std::in_place);
  made->run([] { var.set("kept"); });
  auto late = []() -> aio::coro<std::string> {
    co_await aio::sleep(1s);
    co_return var.get();
  };
  auto t = aio::create_task(late(), {.context = *made});
  made.reset();
  const std::string seen = co_await t;
  CHECK(seen == "kept");
}

AIO_TEST("context: a task that starts eagerly has its own, and so has its creator",
         "[core][context]") {
  var.set("creator");
  auto t = aio::create_task(change("child"), {.eager_start = true});
  CHECK(var.get() == "creator");
  const std::string seen = co_await t;
  CHECK(seen == "creator child");
  const aio::context given;
  auto u = aio::create_task(change("given"), {.context = given, .eager_start = true});
  CHECK(var.get() == "creator");
  CHECK(given[var] == "given");
  co_await u;
}

AIO_TEST("context: is that of the task in every frame after every await",
         "[core][context]") {
  auto inner = [](std::string mine) -> aio::coro<> {
    co_await aio::sleep(0s);
    CHECK(var.get() == mine);
    co_await aio::sleep(1s);
    CHECK(var.get() == mine);
  };
  auto outer = [&](std::string mine) -> aio::coro<> {
    var.set(mine);
    co_await inner(mine);
    CHECK(var.get() == mine);
  };
  co_await aio::gather(outer("a"), outer("b"), outer("c"));
  CHECK(var.get() == "default");
}

// ----- callbacks -----

AIO_TEST("context: callbacks run in a copy of the moment they were registered",
         "[core][context]") {
  std::string log;
  auto note = [&](const char* name) { log += name + (":" + var.get()) + ' '; };
  var.set("one");
  test::call_soon(loop, [&] { note("soon"); });
  test::call_at(loop, 1s, [&] { note("timer"); });
  auto f = test::make_future(loop);
  f.add_done_callback([&](const auto&) { note("done"); });
  var.set("two");
  f.add_done_callback([&](const auto&) { note("done"); });
  test::call_soon(loop, [] { var.set("changed in a callback"); });
  f.set_result();
  co_await aio::sleep(2s);
  CHECK(log == "soon:one done:one done:two timer:one ");
  CHECK(var.get() == "two");
}

AIO_TEST("context: a done callback of a task has that of who added it",
         "[core][context]") {
  std::string seen;
  var.set("adder");
  auto t = aio::create_task(change("task"));
  t.add_done_callback([&](const auto&) { seen = var.get(); });
  const aio::context given;
  given.run([] { var.set("given"); });
  std::string seen_in_given;
  t.add_done_callback([&](const auto&) { seen_in_given = var.get(); },
                      {.context = given});
  co_await t;
  co_await aio::sleep(0s);
  CHECK(seen == "adder");
  CHECK(seen_in_given == "given");
}

AIO_TEST("context: outside of tasks it is that of the thread again",
         "[core][context]") {
  const std::string seen = co_await read();
  CHECK(seen == "default");
  var.set("of the test's task");
}

TEST_CASE("context: what a task sets does not leak into the thread",
          "[core][context]") {
  aio::testing::virtual_loop loop;
  loop.run(change("leak?"));
  CHECK(var.get() == "default");
}
