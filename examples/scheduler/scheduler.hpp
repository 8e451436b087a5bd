// Jobs at their times, as tasks of one loop.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/io/event_loop.hpp>
#include <aio/sync/event.hpp>
#include <aio/task.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cron.hpp"
#include "retry.hpp"

namespace scheduling {

struct job_options {
  retry_policy retries = {};
  /// A run that takes longer is cancelled, which is a failure.
  aio::time_limit limit = {};
};

/// Runs jobs periodically or as cron would. A job whose last run is not over when the
/// next is due leaves that one out; times that were missed are not made up for.
///
///     scheduling::scheduler s(now, tell);
///     s.every(10s, "poll", poll);
///     s.cron("0 3 * * *", "backup", backup, {.retries = {.attempts = 5}});
///     co_await s.run(grace);   // until stop()
class scheduler {
 public:
  using job = std::function<aio::coro<>()>;
  using time = std::chrono::sys_time<std::chrono::milliseconds>;
  using log = std::function<void(const std::string& job, const std::string& what)>;

  /// `start`: the time of day when it is made; from then on the loop's time counts.
  scheduler(time start, log tell, unsigned seed = std::random_device()())
      : start_(start - since_epoch()), tell_(std::move(tell)), random_(seed) {}

  time now() const { return start_ + since_epoch(); }

  void every(std::chrono::milliseconds period, std::string name, job work,
             job_options options = {}) {
    auto next = [first = now(), period](time after) -> std::optional<time> {
      return first + ((after - first) / period + 1) * period;
    };
    jobs_.push_back({std::move(name), std::move(work), options, std::move(next), {}});
  }

  /// Throws: std::invalid_argument – no expression of cron
  void cron(std::string_view expression, std::string name, job work,
            job_options options = {}) {
    auto next = [times = scheduling::cron(expression)](time after) {
      const auto at = times.next(std::chrono::floor<std::chrono::seconds>(after));
      return at ? std::optional<time>(*at) : std::nullopt;
    };
    jobs_.push_back({std::move(name), std::move(work), options, std::move(next), {}});
  }

  /// Runs until stop(); then what runs may go on for `grace`, and is cancelled.
  aio::coro<> run(std::chrono::milliseconds grace) {
    co_await aio::with(aio::task_group{}, [this](aio::task_group& all) -> aio::coro<> {
      for (entry& one : jobs_) all.create_task(keep_times(one));
      co_return;
    });
    std::vector<aio::task<>> running;
    for (const entry& one : jobs_) {
      if (one.running && !one.running.done()) running.push_back(one.running);
    }
    if (running.empty()) co_return;
    aio::wait_options patience{.timeout = grace};
    auto [done, pending] = co_await aio::wait(running, patience);
    for (const auto& one : pending) one.cancel("the scheduler stops");
    if (!pending.empty()) co_await aio::wait(running);
  }

  /// Nothing begins any more.
  void stop() { stop_.set(); }

 private:
  struct entry {
    std::string name;
    job work;
    job_options options;
    std::function<std::optional<time>(time)> next;
    aio::task<> running;
  };

  static std::chrono::milliseconds since_epoch() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        aio::get_running_loop().time().time_since_epoch());
  }

  aio::coro<> keep_times(entry& of) {
    for (;;) {
      const std::optional<time> due = of.next(now());
      const bool goes_on = due && co_await reaches(*due);
      if (!goes_on) co_return;
      if (of.running && !of.running.done()) {
        tell_(of.name, "left out: it still runs");
        continue;
      }
      of.running = aio::create_task(run_once(of), {.name = of.name});
    }
  }

  /// False if stop() came before.
  aio::coro<bool> reaches(time due) {
    try {
      co_await aio::wait_for(stop_.wait(), due - now());
    } catch (const aio::timeout_error&) {
      co_return true;
    }
    co_return false;
  }

  aio::coro<> run_once(entry& of) {
    auto attempt = [&]() -> aio::coro<> {
      co_await aio::wait_for(of.work(), of.options.limit);
    };
    auto failed = [&](const std::string& why, std::chrono::milliseconds pause) {
      tell_(of.name,
            "failed (" + why + "), again in " + std::to_string(pause.count()) + " ms");
    };
    try {
      co_await with_retries(of.options.retries, random_, attempt, failed);
      tell_(of.name, "done");
    } catch (const aio::cancelled_error& cancelled) {
      tell_(of.name, std::string("cancelled: ") + cancelled.what());
      throw;
    } catch (const aio::timeout_error&) {
      tell_(of.name, "given up: it took too long");
    } catch (const std::exception& error) {
      tell_(of.name, std::string("given up: ") + error.what());
    }
  }

  time start_;
  log tell_;
  std::mt19937 random_;
  std::deque<entry> jobs_;
  aio::event stop_;
};

}  // namespace scheduling
