// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The parts of the example `scheduler`, in virtual time.

#include "../../examples/scheduler/scheduler.hpp"

#include <aio/testing/run_virtual.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono;
using namespace std::chrono_literals;
using scheduling::cron;
using scheduling::retry_policy;
using scheduling::scheduler;

namespace {

constexpr sys_seconds monday = sys_days(2026y / January / 5);

std::string next_of(const char* expression, sys_seconds after) {
  const auto at = cron(expression).next(after);
  if (!at) return "never";
  const year_month_day date(floor<days>(*at));
  const auto minute = duration_cast<minutes>(*at - floor<days>(*at)).count();
  return std::to_string(static_cast<int>(date.year())) + "-" +
         std::to_string(static_cast<unsigned>(date.month())) + "-" +
         std::to_string(static_cast<unsigned>(date.day())) + " " +
         std::to_string(minute / 60) + ":" + std::to_string(minute % 60);
}

}  // namespace

TEST_CASE("cron: the next time of an expression", "[paths][scheduler]") {
  CHECK(next_of("* * * * *", monday) == "2026-1-5 0:1");
  CHECK(next_of("* * * * *", monday + 59s) == "2026-1-5 0:1");
  CHECK(next_of("0 * * * *", monday + 1h) == "2026-1-5 2:0");
  CHECK(next_of("*/15 9-17 * * *", monday + 17h + 45min) == "2026-1-6 9:0");
  CHECK(next_of("5,10-12,50/5 * * * *", monday + 12min) == "2026-1-5 0:50");
  CHECK(next_of("30 8 * * mon-fri", monday + 4 * days(1) + 9h) == "2026-1-12 8:30");
  CHECK(next_of("0 0 * * 7", monday) == "2026-1-11 0:0");
  CHECK(next_of("0 0 * * sun", monday) == "2026-1-11 0:0");
  CHECK(next_of("0 0 31 * *", monday + 27 * days(1)) == "2026-3-31 0:0");
  CHECK(next_of("0 0 29 feb *", monday) == "2028-2-29 0:0");
  CHECK(next_of("0 0 30 2 *", monday) == "never");
  CHECK(next_of("0 12 13 * fri", monday) == "2026-1-9 12:0");  // the 13th, or a Friday
  CHECK(next_of("@daily", monday) == "2026-1-6 0:0");
  CHECK(next_of("@yearly", monday) == "2027-1-1 0:0");
}

TEST_CASE("cron: what is none is refused", "[paths][scheduler]") {
  for (const char* bad : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *",
                          "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *",
                          "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "-1 * * * *",
                          "1- * * * *", "@never", "* * * mon *", "1/ * * * *"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(cron(bad), std::invalid_argument);
  }
}

TEST_CASE("retries: pauses grow up to a limit, and chance has its part",
          "[paths][scheduler]") {
  const retry_policy policy{
      .attempts = 9, .first = 1s, .factor = 2, .most = 5s, .jitter = 0.5};
  CHECK(policy.pause(1, 0) == 500ms);
  CHECK(policy.pause(1, 0.5) == 750ms);
  CHECK(policy.pause(2, 0) == 1s);
  CHECK(policy.pause(3, 0.999) > 3900ms);
  CHECK(policy.pause(20, 0) == 2500ms);
}

TEST_CASE("retries: the last failure is thrown", "[paths][scheduler]") {
  int calls = 0;
  std::vector<std::string> told;
  auto body = [&]() -> aio::coro<> {
    std::mt19937 random(1);
    const retry_policy policy{.attempts = 3, .first = 1h, .most = 24h, .jitter = 0};
    auto fails = [&]() -> aio::coro<> {
      ++calls;
      throw test::boom("no " + std::to_string(calls));
      co_return;
    };
    auto tell = [&](const std::string& why, milliseconds pause) {
      told.push_back(why + " " + std::to_string(pause / 1h));
    };
    const std::string how =
        co_await test::ending(scheduling::with_retries(policy, random, fails, tell));
    CHECK(how == "no 3");
    CHECK(told == std::vector<std::string>{"no 1 1", "no 2 2"});
  };
  aio::testing::run_virtual(body);
}

TEST_CASE("scheduler: a job that still runs is left out, and a stop waits for it",
          "[paths][scheduler]") {
  std::string log;
  auto body = [&]() -> aio::coro<> {
    auto tell = [&](const std::string& job, const std::string& what) {
      log += job + " " + what + "; ";
    };
    scheduler jobs(monday, tell, 1);
    int runs = 0;
    jobs.every(10s, "long", [&]() -> aio::coro<> {
      ++runs;
      co_await aio::sleep(15s);
    });
    auto running = aio::create_task(jobs.run(1min));
    co_await aio::sleep(31s);  // one runs from 10 to 25, another from 30 to 45
    jobs.stop();
    co_await running;
    CHECK(aio::get_running_loop().time().time_since_epoch() == 45s);
    CHECK(runs == 2);
  };
  aio::testing::run_virtual(body);
  CHECK(log == "long left out: it still runs; long done; long done; ");
}

TEST_CASE("scheduler: who does not end in time is cancelled", "[paths][scheduler]") {
  std::string log;
  auto body = [&]() -> aio::coro<> {
    auto tell = [&](const std::string&, const std::string& what) {
      log += what + "; ";
    };
    scheduler jobs(monday, tell, 1);
    jobs.cron("* * * * *", "endless", []() -> aio::coro<> { co_await aio::sleep(1h); });
    jobs.cron("* * * * *", "slow", []() -> aio::coro<> { co_await aio::sleep(1h); },
              {.limit = 10s});
    auto running = aio::create_task(jobs.run(20s));
    co_await aio::sleep(61s);
    jobs.stop();
    co_await running;
    CHECK(aio::get_running_loop().time().time_since_epoch() == 81s);
  };
  aio::testing::run_virtual(body);
  CHECK(log == "given up: it took too long; cancelled: the scheduler stops; ");
}
