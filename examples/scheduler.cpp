// scheduler: jobs that run every so often or when cron says, are tried again after a
// failure (later each time), and end in order.
//
// Without arguments it lives through a Monday morning in virtual time, which takes no
// time at all and comes out the same each time. With --real it runs a few seconds of
// now, or until Ctrl-C.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/testing.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

#include "scheduler/scheduler.hpp"
#include "support/program.hpp"

using namespace std::chrono_literals;
using scheduling::scheduler;

std::string time_of_day(scheduler::time at) {
  const std::chrono::hh_mm_ss t(at - std::chrono::floor<std::chrono::days>(at));
  return fmt::format("{:02}:{:02}:{:02}.{:03}", t.hours().count(), t.minutes().count(),
                     t.seconds().count(), t.subseconds().count());
}

struct office {
  aio::coro<> water_plants() { co_await aio::sleep(1s); }

  aio::coro<> fetch_mail() {
    co_await aio::sleep(200ms);
    if (++mails % 4 != 0) throw std::runtime_error("the server is busy");
  }

  aio::coro<> write_report() { co_await aio::sleep(40min); }

  aio::coro<> call_home() { co_await aio::sleep(24h); }

  int mails = 0;
};

aio::coro<> monday_morning() {
  using namespace std::chrono;
  // Printed with the loop's time: the scheduler is not there yet.
  const scheduler::time start = sys_days(2026y / January / 5) + 8h + 50min;
  scheduler* clock = nullptr;
  auto tell = [&](const std::string& job, const std::string& what) {
    fmt::print("{} {:<8} {}\n", time_of_day(clock->now()), job, what);
  };
  scheduler jobs(start, tell, 7);
  clock = &jobs;
  office work;
  jobs.cron("0 9-17 * * mon-fri", "mail", [&] { return work.fetch_mail(); },
            {.retries = {.attempts = 3, .first = 1s}});
  jobs.cron("*/30 * * * *", "report", [&] { return work.write_report(); });
  jobs.cron("15 10 * * *", "call", [&] { return work.call_home(); }, {.limit = 5min});
  jobs.cron("0 10 1 * *", "rent", [&] { return work.water_plants(); });  // not today
  jobs.every(45min, "plants", [&] { return work.water_plants(); });

  auto running = aio::create_task(jobs.run(30s));
  co_await aio::sleep(2h + 10min + 1s);
  fmt::print("{} stopping\n", time_of_day(jobs.now()));
  jobs.stop();
  co_await running;
  fmt::print("{} stopped\n", time_of_day(jobs.now()));
}

aio::coro<int> right_now() {
  const auto start = std::chrono::system_clock::now();
  scheduler* clock = nullptr;
  auto tell = [&](const std::string& job, const std::string& what) {
    fmt::print("{} {:<8} {}\n", time_of_day(clock->now()), job, what);
    std::fflush(stdout);
  };
  scheduler jobs(std::chrono::floor<std::chrono::milliseconds>(start), tell);
  clock = &jobs;
  office work;
  jobs.every(1s, "mail", [&] { return work.fetch_mail(); },
             {.retries = {.attempts = 3, .first = 100ms}});
  jobs.every(2s, "plants", [&] { return work.water_plants(); });
  jobs.cron("* * * * *", "call", [&] { return work.call_home(); }, {.limit = 3s});
  aio::event_loop& loop = aio::get_running_loop();
  for (const int number : {SIGINT, SIGTERM}) {
    loop.add_signal_handler(number, [&jobs] { jobs.stop(); });
  }
  loop.call_later(10s, [&jobs] { jobs.stop(); });
  co_await jobs.run(2s);
  co_return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--real") {
    return support::run(argv[0], right_now());
  }
  if (argc > 1) support::exit_with_usage(argv[0], "[--real]");
  aio::testing::run_virtual(monday_morning());
}
