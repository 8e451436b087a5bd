// How much one client may say: a token bucket.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <algorithm>
#include <chrono>

namespace chat {

/// Who says more than is allowed is not refused: his next message is read later, and what
/// he sends meanwhile waits with him. Nothing is lost, and nobody else notices.
class allowance {
 public:
  /// `rate` a second, `burst` at once; a rate of 0 allows everything.
  allowance(double rate, double burst) noexcept
      : rate_(rate), burst_(std::max(burst, 1.0)), left_(burst_) {}

  /// Takes one. How long to wait before it may be used: zero at best.
  aio::duration take(aio::time_point now) noexcept {
    if (rate_ <= 0) return aio::duration::zero();
    const std::chrono::duration<double> since = now - last_;
    if (is_used_) left_ = std::min(burst_, left_ + since.count() * rate_);
    is_used_ = true;
    last_ = now;
    left_ -= 1;
    if (left_ >= 0) return aio::duration::zero();
    return std::chrono::duration_cast<aio::duration>(
        std::chrono::duration<double>(-left_ / rate_));
  }

 private:
  double rate_;
  double burst_;
  double left_;
  aio::time_point last_{};
  bool is_used_ = false;
};

}  // namespace chat
