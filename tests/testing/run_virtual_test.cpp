// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/run_virtual.hpp>  // first: proves the header stands alone

#include <aio/coro/async_generator.hpp>
#include <aio/io/run_coroutine_threadsafe.hpp>
#include <aio/io/threads.hpp>
#include <aio/sync/event.hpp>
#include <aio/task.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::testing::deadlock_error;
using aio::testing::run_virtual;
using Catch::Matchers::ContainsSubstring;
using test::boom;

namespace {

aio::coro<int> answer() { co_return 42; }

/// What a deadlocked run says.
template <class Body>
std::string deadlock_text(Body body,
                          const aio::testing::virtual_options& options = {}) {
  try {
    run_virtual(body, options);
  } catch (const deadlock_error& e) {
    return e.what();
  }
  return "no deadlock";
}

/// Collects what is reported.
struct reported {
  std::vector<aio::exception_context> all;

  aio::testing::virtual_options options() {
    aio::testing::virtual_options made;
    made.exception_handler = [this](const aio::exception_context& c) {
      all.push_back(c);
    };
    return made;
  }
};

/// Waits for ever, whoever cancels it.
aio::coro<> be_stubborn() {
  aio::event never;
  for (;;) {
    try {
      co_await never.wait();
    } catch (const aio::cancelled_error&) {
    }
  }
}

}  // namespace

// ----- what comes out -----

TEST_CASE("run_virtual: yields what the coroutine yields", "[testing][run_virtual]") {
  CHECK(run_virtual(answer()) == 42);
  CHECK(run_virtual(answer) == 42);
  CHECK(run_virtual(answer, {.seed = 7}) == 42);
  auto unique = []() -> aio::coro<std::unique_ptr<int>> {
    co_return std::make_unique<int>(3);
  };
  CHECK(*run_virtual(unique) == 3);
  int target = 0;
  auto reference = [&]() -> aio::coro<int&> { co_return target; };
  CHECK(&run_virtual(reference) == &target);
  bool ran = false;
  run_virtual([&]() -> aio::coro<> {
    ran = true;
    co_return;
  });
  CHECK(ran);
}

TEST_CASE("run_virtual: throws what the coroutine throws", "[testing][run_virtual]") {
  auto fails = []() -> aio::coro<int> {
    co_await aio::sleep(1s);
    throw boom();
  };
  CHECK_THROWS_AS(run_virtual(fails), boom);
}

TEST_CASE("run_virtual: keeps the callable alive until the end",
          "[testing][run_virtual]") {
  auto body = [text =
                   std::make_shared<std::string>("kept")]() -> aio::coro<std::string> {
    co_await aio::sleep(1s);
    co_return *text;
  };
  CHECK(run_virtual(std::move(body)) == "kept");
}

TEST_CASE("run_virtual: a run inside of a run is refused, and the coroutine stays",
          "[testing][run_virtual]") {
  run_virtual([]() -> aio::coro<> {
    auto body = answer();
    CHECK_THROWS_AS(run_virtual(std::move(body)), aio::usage_error);
    const int n = co_await std::move(body);
    CHECK(n == 42);
  });
}

// ----- time -----

TEST_CASE("run_virtual: an hour costs nothing and is exact", "[testing][run_virtual]") {
  const auto before = std::chrono::steady_clock::now();
  run_virtual([]() -> aio::coro<> {
    const auto& loop = aio::get_running_loop();
    CHECK(loop.time() == aio::time_point());
    co_await aio::sleep(1h);
    CHECK(loop.time() == aio::time_point(1h));
    co_await aio::sleep(0s);
    CHECK(loop.time() == aio::time_point(1h));
    const std::string how = co_await test::ending(aio::wait_for(aio::sleep(1h), 1ns));
    CHECK(how == "timeout");
    CHECK(loop.time() == aio::time_point(1h + 1ns));
  });
  CHECK(std::chrono::steady_clock::now() - before < 30min);
}

TEST_CASE("run_virtual: futures and timed callbacks of the loop work",
          "[testing][run_virtual]") {
  run_virtual([]() -> aio::coro<> {
    auto& loop = aio::get_running_loop();
    auto reply = loop.create_future<std::string>();
    loop.call_later(5s, [reply] { reply.set_result("late"); });
    const std::string text = co_await reply;
    CHECK(text == "late");
    CHECK(loop.time() == aio::time_point(5s));
  });
}

TEST_CASE("run_virtual: there are no sockets, and it says so",
          "[testing][run_virtual]") {
  run_virtual([]() -> aio::coro<> {
    CHECK_THROWS_AS(aio::get_running_loop().io_context(), aio::usage_error);
    co_return;
  });
}

// ----- threads -----

TEST_CASE("run_virtual: time stands still while a thread works",
          "[testing][run_virtual]") {
  run_virtual([]() -> aio::coro<> {
    auto& loop = aio::get_running_loop();
    bool late = false;
    loop.call_later(1ns, [&] { late = true; });
    const auto here = std::this_thread::get_id();
    const bool elsewhere =
        co_await aio::to_thread([here] { return std::this_thread::get_id() != here; });
    CHECK(elsewhere);
    CHECK_FALSE(late);
    CHECK(loop.time() == aio::time_point());
    co_await aio::sleep(1s);
    CHECK(late);
  });
}

TEST_CASE("run_virtual: run_in_executor works, with the loop's threads and with others",
          "[testing][run_virtual]") {
  boost::asio::thread_pool pool(1);
  run_virtual([&]() -> aio::coro<> {
    auto& loop = aio::get_running_loop();
    auto first = loop.run_in_executor([] { return 1; });
    auto second = loop.run_in_executor(pool, [] { return 2; });
    const auto [a, b] = co_await aio::gather(first, second);
    CHECK(a == 1);
    CHECK(b == 2);
    auto fails = loop.run_in_executor([]() -> int { throw boom(); });
    const std::string how = co_await test::ending(fails);
    CHECK(how == "boom");
  });
  pool.join();
}

TEST_CASE("run_virtual: waits for a thread whose task was cancelled",
          "[testing][run_virtual]") {
  std::promise<void> go_on;
  bool ended = false;
  run_virtual([&]() -> aio::coro<> {
    auto& loop = aio::get_running_loop();
    aio::event begun;
    auto work = [&] {
      loop.call_soon_threadsafe([&] { begun.set(); });
      go_on.get_future().wait();
      ended = true;
    };
    aio::create_task(aio::to_thread(work));
    co_await begun.wait();
    go_on.set_value();
  });
  CHECK(ended);
}

// ----- the end -----

TEST_CASE("run_virtual: what is left is cancelled and runs to its end",
          "[testing][run_virtual]") {
  std::string log;
  auto background = [&]() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) co_await aio::sleep(1s);  // it may take its time
    log += "cleaned";
  };
  run_virtual([&]() -> aio::coro<> {
    aio::create_task(background);
    co_await aio::sleep(1s);
  });
  CHECK(log == "cleaned");
}

TEST_CASE("run_virtual: what fails while it is cancelled is reported",
          "[testing][run_virtual]") {
  reported errors;
  auto background = []() -> aio::coro<> {
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      throw boom();
    }
  };
  run_virtual(
      [&]() -> aio::coro<> {
        aio::create_task({.name = "background"}, background);
        co_await aio::sleep(1s);
      },
      errors.options());
  REQUIRE(errors.all.size() == 1);
  CHECK(test::name_of(errors.all[0].exception) == "boom");
  CHECK_THAT(errors.all[0].source, ContainsSubstring("background"));
}

TEST_CASE("run_virtual: an exception that nobody took is reported",
          "[testing][run_virtual]") {
  reported errors;
  run_virtual(
      []() -> aio::coro<> {
        aio::create_task([]() -> aio::coro<> {
          throw boom();
          co_return;
        });
        co_await aio::sleep(1s);
      },
      errors.options());
  REQUIRE(errors.all.size() == 1);
  CHECK(test::name_of(errors.all[0].exception) == "boom");
}

TEST_CASE("run_virtual: fails if what is left does not end when cancelled",
          "[testing][run_virtual]") {
  reported errors;
  auto leaves_it = []() -> aio::coro<> {
    aio::create_task({.name = "stubborn"}, be_stubborn);
    co_await aio::sleep(1s);
  };
  const std::string text = deadlock_text(leaves_it, errors.options());
  CHECK_THAT(text, ContainsSubstring("do not end when cancelled"));
  CHECK_THAT(text, ContainsSubstring("task 'stubborn' waits"));
  CHECK_THAT(text, ContainsSubstring("run_virtual_test.cpp:"));
  CHECK_THAT(text, !ContainsSubstring("run_until_complete"));
}

TEST_CASE("run_virtual: its own exception counts more than what is left",
          "[testing][run_virtual]") {
  reported errors;
  auto fails = []() -> aio::coro<> {
    aio::create_task(be_stubborn);
    co_await aio::sleep(1s);
    throw boom();
  };
  CHECK_THROWS_AS(run_virtual(fails, errors.options()), boom);
  bool is_reported = false;
  for (const auto& one : errors.all) {
    if (aio::detail::holds<deadlock_error>(one.exception)) is_reported = true;
  }
  CHECK(is_reported);
}

TEST_CASE("run_virtual: async generators that are left at a yield are closed",
          "[testing][run_virtual]") {
  std::string log;
  auto count = [&]() -> aio::async_generator<int> {
    try {
      for (int n = 1;; ++n) co_yield n;
    } catch (...) {
      log += "closed, ";
    }
    co_await aio::sleep(1s);
    log += "after a second";
  };
  auto numbers = count();
  run_virtual([&]() -> aio::coro<> {
    const auto first = co_await numbers.next();
    CHECK(first == 1);
  });
  CHECK(log == "closed, after a second");
}

// ----- deadlock -----

TEST_CASE("run_virtual: a deadlock says who waits, and where",
          "[testing][run_virtual]") {
  const int first_line = __LINE__;
  auto text = deadlock_text([]() -> aio::coro<> {
    aio::event full;
    aio::event empty;
    auto produce = [&]() -> aio::coro<> {
      co_await empty.wait();
      full.set();
    };
    auto wait_inside = [&]() -> aio::coro<> { co_await full.wait(); };
    auto consume = [&]() -> aio::coro<> {
      co_await wait_inside();
      empty.set();
    };
    auto producer = aio::create_task({.name = "producer"}, produce);
    auto consumer = aio::create_task({.name = "consumer"}, consume);
    co_await aio::sleep(1h);
    co_await producer;
  });
  const auto at = [&](int line) {
    return "run_virtual_test.cpp:" + std::to_string(first_line + line);
  };
  CHECK_THAT(text, ContainsSubstring("deadlock: every task waits"));
  CHECK_THAT(text, ContainsSubstring("task 'main' waits"));
  CHECK_THAT(text, ContainsSubstring("task 'producer' waits"));
  CHECK_THAT(text, ContainsSubstring("task 'consumer' waits"));
  CHECK_THAT(text, ContainsSubstring(at(5)));   // in produce
  CHECK_THAT(text, ContainsSubstring(at(8)));   // in wait_inside
  CHECK_THAT(text, ContainsSubstring(at(10)));  // in consume
  CHECK_THAT(text, ContainsSubstring(at(16)));  // in the body
  CHECK(text.find(at(8)) < text.find(at(10)));  // the innermost first
}

TEST_CASE("run_virtual: after a deadlock everything is taken down in order",
          "[testing][run_virtual]") {
  std::string log;
  CHECK_THROWS_AS(run_virtual([&]() -> aio::coro<> {
                    aio::event never;
                    const aio::detail::scope_exit out([&] { log += "out"; });
                    try {
                      co_await never.wait();
                    } catch (const aio::cancelled_error&) {
                      log += "cancelled, ";
                      throw;
                    }
                  }),
                  deadlock_error);
  CHECK(log == "cancelled, out");
}

TEST_CASE("run_virtual: a timeout finds the deadlock behind a task that never rests",
          "[testing][run_virtual]") {
  auto body = []() -> aio::coro<> {
    auto beat = []() -> aio::coro<> {
      for (;;) co_await aio::sleep(1s);
    };
    aio::create_task({.name = "heart"}, beat);
    aio::event never;
    co_await never.wait();
  };
  const std::string text = deadlock_text(body, {.timeout = 90s});
  CHECK_THAT(text, ContainsSubstring("no end in sight after 90 s of virtual time"));
  CHECK_THAT(text, ContainsSubstring("task 'main' waits"));
  CHECK_THAT(text, ContainsSubstring("task 'heart' waits"));
}

TEST_CASE("run_virtual: a timeout that is not reached changes nothing",
          "[testing][run_virtual]") {
  auto nap = []() -> aio::coro<int> {
    co_await aio::sleep(1h);
    co_return 1;
  };
  CHECK(run_virtual(nap, {.timeout = 1h}) == 1);
}

TEST_CASE("run_virtual: what is left has as much time again",
          "[testing][run_virtual]") {
  std::string log;
  auto background = [&]() -> aio::coro<> {
    bool stopped = false;
    try {
      co_await aio::sleep(1h);
    } catch (const aio::cancelled_error&) {
      stopped = true;
    }
    if (stopped) co_await aio::sleep(50s);
    log += "cleaned";
  };
  run_virtual(
      [&]() -> aio::coro<> {
        aio::create_task(background);
        co_await aio::sleep(50s);
      },
      {.timeout = 60s});
  CHECK(log == "cleaned");
}

TEST_CASE("run_virtual: stop() ends it before its time, as an error",
          "[testing][run_virtual]") {
  auto stops = []() -> aio::coro<> {
    aio::get_running_loop().stop();
    co_await aio::sleep(1h);
  };
  CHECK_THROWS_AS(run_virtual(stops), aio::usage_error);
}

TEST_CASE("run_virtual: runs one after the other know nothing of each other",
          "[testing][run_virtual]") {
  auto nap = []() -> aio::coro<aio::time_point> {
    co_await aio::sleep(1s);
    co_return aio::get_running_loop().time();
  };
  CHECK(run_virtual(nap) == aio::time_point(1s));
  CHECK(run_virtual(nap) == aio::time_point(1s));
}
