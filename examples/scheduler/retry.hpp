// Another attempt after a failure, later each time.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/task.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <random>
#include <string>

namespace scheduling {

struct retry_policy {
  int attempts = 1;
  std::chrono::milliseconds first{1000};  ///< the pause after the first failure
  double factor = 2;                      ///< how much longer each further one is
  std::chrono::milliseconds most{60'000};
  double jitter = 0.5;  ///< so much of it is left to chance, lest all come at once

  /// The pause after so many failures; `chance` is in [0, 1).
  std::chrono::milliseconds pause(int failures, double chance) const {
    const double full =
        std::min(static_cast<double>(first.count()) * std::pow(factor, failures - 1),
                 static_cast<double>(most.count()));
    const double kept = full * (1 - jitter) + full * jitter * chance;
    return std::chrono::milliseconds(static_cast<std::int64_t>(kept));
  }
};

/// Awaits `job()` until it succeeds, at most so often; the last failure is thrown. What
/// fails before is told to `failed(text, pause)`. A cancellation is no failure.
template <class Job, class Failed>
aio::coro<> with_retries(retry_policy policy, std::mt19937& random, Job job,
                         Failed failed) {
  for (int failures = 1;; ++failures) {
    std::string why;
    try {
      co_await job();
      co_return;
    } catch (const std::exception& error) {
      if (failures >= policy.attempts) throw;
      why = error.what();
    }
    const double chance = static_cast<double>(random()) / 4294967296.0;
    const auto pause = policy.pause(failures, chance);
    failed(why, pause);
    co_await aio::sleep(pause);
  }
}

}  // namespace scheduling
