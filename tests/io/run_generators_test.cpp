// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/async_generator.hpp>
#include <aio/io/run.hpp>
#include <aio/io/threads.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task_group.hpp>
#include <aio/task/with.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using test::boom;

namespace {

using numbers = aio::async_generator<int>;

/// Its clean-up awaits, and notes that it did.
numbers closing(std::string& log, std::string name, bool fails = false) {
  bool closed = false;
  for (int i = 0; !closed; ++i) {
    try {
      co_yield i;
    } catch (const aio::generator_exit&) {
      closed = true;
    }
  }
  log += name + "1 ";
  co_await aio::sleep(0s);
  if (fails) throw boom(name);
  log += name + "2 ";
}

}  // namespace

TEST_CASE("run: generators that were left at a yield are closed, side by side",
          "[io][run][async_generator]") {
  std::string log;
  numbers a = closing(log, "a");
  numbers b = closing(log, "b");
  numbers unstarted = closing(log, "u");
  aio::run([&]() -> aio::coro<> {
    co_await a.next();
    co_await b.next();
    log += "main ";
  });
  CHECK(log == "main a1 b1 a2 b2 ");
}

TEST_CASE("run: generators are closed after the tasks, and also if main fails",
          "[io][run][async_generator]") {
  std::string log;
  numbers a = closing(log, "a");
  auto background = [&]() -> aio::coro<> {
    co_await a.next();
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      log += "task ";
      throw;
    }
  };
  const std::string how = test::ending_of([&] {
    return aio::run([&]() -> aio::coro<int> {
      aio::create_task(background());
      co_await aio::sleep(0s);
      throw boom();
    });
  });
  CHECK(how == "boom");
  CHECK(log == "task a1 a2 ");
}

TEST_CASE(
    "run: an error while a generator is closed is reported, the others "
    "are closed",
    "[io][run][async_generator]") {
  std::string log;
  std::string told;
  numbers a = closing(log, "a", true);
  numbers b = closing(log, "b");
  const int value = aio::run([&]() -> aio::coro<int> {
    aio::get_running_loop().set_exception_handler(
        [&](const aio::exception_context& c) { told += test::name_of(c.exception); });
    co_await a.next();
    co_await b.next();
    co_return 3;
  });
  CHECK(value == 3);
  CHECK(log == "a1 b1 b2 ");
  CHECK(told == "a");
}

TEST_CASE(
    "run: a generator that is dropped, closed or at its end is not "
    "closed again",
    "[io][run][async_generator]") {
  std::string log;
  numbers ended = [](int n) -> numbers {
    for (int i = 0; i < n; ++i) co_yield i;
  }(1);
  numbers closed = closing(log, "c");
  aio::run([&]() -> aio::coro<> {
    while (auto item = co_await ended.next()) log += "item ";
    co_await closed.next();
    co_await closed.aclose();
    numbers dropped = closing(log, "d");
    co_await dropped.next();
  });
  CHECK(log == "item c1 c2 ");
}

TEST_CASE("run: the clean-up of a generator may use threads",
          "[io][run][async_generator]") {
  int n = 0;
  auto make = [&]() -> numbers {
    bool closed = false;
    try {
      co_yield 1;
    } catch (const aio::generator_exit&) {
      closed = true;
    }
    if (closed) n = co_await aio::to_thread([] { return 5; });
  };
  numbers left = make();
  aio::run([&]() -> aio::coro<> { co_await left.next(); });
  CHECK(n == 5);
}

TEST_CASE(
    "runner: a generator goes on from one run to the next, and ends with "
    "the loop",
    "[io][run][async_generator]") {
  std::string log;
  numbers a = closing(log, "a");
  {
    aio::runner r;
    auto next = [&]() -> aio::coro<int> {
      const auto item = co_await a.next();
      co_return item.value_or(-1);
    };
    CHECK(r.run(next()) == 0);
    CHECK(r.run(next()) == 1);
    CHECK(log.empty());
    r.close();
    CHECK(log == "a1 a2 ");
  }
  numbers later = closing(log, "later");
  aio::run([&]() -> aio::coro<> { co_await later.next(); });
  CHECK(log == "a1 a2 later1 later2 ");
}

TEST_CASE("run: a child's keyboard_interrupt ends everything in order", "[io][run]") {
  std::string log;
  auto child = [&]() -> aio::coro<> {
    co_await aio::sleep(0s);
    throw aio::keyboard_interrupt();
  };
  auto sleeper = [&](std::string name) -> aio::coro<> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      log += name;
      throw;
    }
  };
  auto body = [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(child);
    group.create_task(sleeper("child "));
    co_await sleeper("body ");
  };
  auto main = [&]() -> aio::coro<> {
    aio::create_task(sleeper("beside "));
    co_await aio::with(aio::task_group{}, body);
  };
  CHECK_THROWS_AS(aio::run(main), aio::keyboard_interrupt);
  CHECK_THAT(log, Catch::Matchers::ContainsSubstring("child ") &&
                      Catch::Matchers::ContainsSubstring("body ") &&
                      Catch::Matchers::ContainsSubstring("beside "));
}

TEST_CASE("run: a keyboard_interrupt of a task that was left over comes out",
          "[io][run]") {
  bool cleaned = false;
  auto left = []() -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    if (cancelled) throw aio::keyboard_interrupt();
  };
  auto other = [&]() -> aio::coro<> {
    const aio::detail::scope_exit end([&] { cleaned = true; });
    co_await aio::sleep(1h);
  };
  auto main = [&]() -> aio::coro<int> {
    aio::create_task(left);
    aio::create_task(other);
    co_await aio::sleep(0s);
    co_return 1;
  };
  CHECK_THROWS_AS(aio::run(main), aio::keyboard_interrupt);
  CHECK(cleaned);
}

TEST_CASE(
    "event_loop: shutdown_asyncgens() closes the generators that have begun so far",
    "[io][event_loop][async_generator]") {
  std::string log;
  numbers a = closing(log, "a");
  numbers b = closing(log, "b");
  aio::run([&]() -> aio::coro<> {
    co_await a.next();
    co_await aio::get_running_loop().shutdown_asyncgens();
    log += "main ";
    co_await b.next();
  });
  CHECK(log == "a1 a2 main b1 b2 ");
}
