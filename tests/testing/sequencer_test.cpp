// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/sequencer.hpp>  // first: proves the header stands alone

#include <aio/task.hpp>
#include <aio/testing/run_virtual.hpp>

#include <support/catch.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using aio::testing::deadlock_error;
using aio::testing::run_virtual;
using aio::testing::sequencer;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

/// What a deadlocked run says.
template <class Body>
std::string deadlock_text(Body body) {
  try {
    run_virtual(body);
  } catch (const deadlock_error& e) {
    return e.what();
  }
  return "no deadlock";
}

}  // namespace

TEST_CASE("sequencer: the steps come in their order, whatever the order of the tasks",
          "[testing][sequencer]") {
  auto body = []() -> aio::coro<> {
    sequencer steps;
    std::string log;
    auto odd = [&]() -> aio::coro<> {
      for (const std::size_t n : {1U, 3U, 5U}) {
        co_await steps.at(n);
        log += std::to_string(n);
      }
    };
    auto even = [&]() -> aio::coro<> {
      for (const std::size_t n : {2U, 4U, 6U}) {
        co_await steps.at(n);
        log += std::to_string(n);
      }
    };
    auto second = aio::create_task(even());
    auto first = aio::create_task(odd());
    co_await aio::gather(first, second);
    CHECK(log == "123456");
    CHECK(steps.passed() == 6);
  };
  run_virtual(body);
  for (std::uint64_t seed = 0; seed < 50; ++seed) run_virtual(body, {.seed = seed});
}

AIO_TEST("sequencer: a step whose turn it is does not suspend",
         "[testing][sequencer]") {
  sequencer steps;
  const test::turn_mark turn(loop);
  co_await steps.at(1);
  co_await steps.at(2);
  CHECK_FALSE(turn.is_over());
  CHECK(steps.passed() == 2);
}

AIO_TEST("sequencer: a step reaches up to the next await", "[testing][sequencer]") {
  sequencer steps;
  std::string log;
  auto second = [&]() -> aio::coro<> {
    co_await steps.at(2);
    log += "second";
  };
  auto waiting = aio::create_task(second());
  co_await test::turns(1);
  co_await steps.at(1);
  log += "first ";
  co_await waiting;
  CHECK(log == "first second");
}

AIO_TEST("sequencer: a step that is kept lasts across awaits", "[testing][sequencer]") {
  sequencer steps;
  std::string log;
  auto second = [&]() -> aio::coro<> {
    co_await steps.at(2);
    log += "second at " + std::to_string(loop.now() / 1s);
  };
  auto waiting = aio::create_task(second());
  {
    const auto step = co_await steps.at(1);
    co_await aio::sleep(5s);
    CHECK(steps.passed() == 0);
    log += "first ";
  }
  CHECK(steps.passed() == 1);
  co_await waiting;
  CHECK(log == "first second at 5");
}

AIO_TEST("sequencer: an exception ends the step it leaves", "[testing][sequencer]") {
  sequencer steps;
  auto fails = [&]() -> aio::coro<> {
    const auto step = co_await steps.at(1);
    co_await aio::sleep(1s);
    throw test::boom();
  };
  auto failing = aio::create_task(fails());
  co_await steps.at(2);
  CHECK(loop.now() == 1s);
  const std::string how = co_await ending(failing);
  CHECK(how == "boom");
}

AIO_TEST("sequencer: a step that is used twice is refused, with both places",
         "[testing][sequencer]") {
  sequencer steps;
  const int line = __LINE__ + 1;
  co_await steps.at(1);
  const std::string passed = co_await ending(steps.at(1));
  CHECK(passed == "usage");

  auto waits = aio::create_task([&]() -> aio::coro<> { co_await steps.at(3); });
  co_await test::turns(1);
  const std::string waiting = co_await ending(steps.at(3));
  CHECK(waiting == "usage");
  co_await steps.at(2);
  co_await waits;

  std::string text;
  const int again = __LINE__ + 2;
  try {
    co_await steps.at(1);
  } catch (const aio::usage_error& e) {
    text = e.what();
  }
  CHECK_THAT(text, ContainsSubstring("step 1 is used twice"));
  CHECK_THAT(text, ContainsSubstring("sequencer_test.cpp:" + std::to_string(line)));
  CHECK_THAT(text, ContainsSubstring("sequencer_test.cpp:" + std::to_string(again)));
}

AIO_TEST("sequencer: there is no step 0", "[testing][sequencer]") {
  sequencer steps;
  bool refused = false;
  try {
    co_await steps.at(0);
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  CHECK(refused);
}

TEST_CASE("sequencer: a step that is never reached is named in the deadlock",
          "[testing][sequencer]") {
  const std::string text = deadlock_text([]() -> aio::coro<> {
    sequencer steps;
    auto third = [&]() -> aio::coro<> { co_await steps.at(3); };
    auto waiting = aio::create_task({.name = "third"}, third);
    co_await steps.at(1);
    co_await waiting;
  });
  CHECK_THAT(text, ContainsSubstring("task 'third' waits"));
  CHECK_THAT(text,
             ContainsSubstring("for step 3 of a sequencer: step 2 was never reached"));
}

TEST_CASE("sequencer: a step that does not end is named in the deadlock",
          "[testing][sequencer]") {
  const int line = __LINE__ + 5;
  const std::string text = deadlock_text([]() -> aio::coro<> {
    sequencer steps;
    auto second = [&]() -> aio::coro<> { co_await steps.at(2); };
    auto waiting = aio::create_task(second());
    const auto step = co_await steps.at(1);
    co_await waiting;
  });
  CHECK_THAT(text, ContainsSubstring("for step 2 of a sequencer: step 1, reached at "));
  CHECK_THAT(text, ContainsSubstring("sequencer_test.cpp:" + std::to_string(line) +
                                     ", is not over"));
}

AIO_TEST("sequencer: a step whose wait was cancelled can be used again",
         "[testing][sequencer]") {
  sequencer steps;
  auto at_2 = [&]() -> aio::coro<> { co_await steps.at(2); };
  auto given_up = aio::create_task(at_2());
  co_await test::turns(1);
  given_up.cancel();
  co_await test::turns(1);
  CHECK(given_up.cancelled());
  auto again = aio::create_task(at_2());
  co_await test::turns(1);
  CHECK_FALSE(again.done());
  co_await steps.at(1);
  co_await again;
  CHECK(steps.passed() == 2);
}

AIO_TEST("sequencer: a cancel that comes after the wake-up leaves the step to others",
         "[testing][sequencer]") {
  sequencer steps;
  auto at_2 = [&]() -> aio::coro<> { co_await steps.at(2); };
  auto woken = aio::create_task(at_2());
  co_await test::turns(1);
  co_await steps.at(1);
  woken.cancel();
  co_await test::turns(1);
  CHECK(woken.cancelled());
  CHECK(steps.passed() == 1);
  co_await steps.at(2);
  CHECK(steps.passed() == 2);
}

TEST_CASE("sequencer: may end before those who wait for it", "[testing][sequencer]") {
  std::string log;
  run_virtual([&]() -> aio::coro<> {
    auto steps = std::make_unique<sequencer>();
    auto waits = [&log](const sequencer& of, std::size_t n) -> aio::coro<> {
      const std::string how = co_await ending(of.at(n));
      log += how + ' ';
    };
    aio::create_task(waits, std::ref(*steps), 2U);
    aio::create_task(waits, std::ref(*steps), 3U);
    co_await aio::sleep(1s);
    steps.reset();
  });
  CHECK(log == "cancelled cancelled ");
}
