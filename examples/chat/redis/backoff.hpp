// How long to wait before the next attempt.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace chat::redis {

/// The time between attempts to connect: it grows, and is never the same for all, who
/// would otherwise all come back at once.
class backoff {
 public:
  backoff(aio::duration first, aio::duration last)
      : first_(first), last_(last), next_(first) {}

  void reset() { next_ = first_; }

  aio::duration next() {
    const aio::duration longest = std::exchange(next_, std::min(next_ * 2, last_));
    std::uniform_real_distribution<double> part(0.5, 1.0);
    return std::chrono::duration_cast<aio::duration>(longest * part(random_));
  }

 private:
  aio::duration first_;
  aio::duration last_;
  aio::duration next_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace chat::redis
