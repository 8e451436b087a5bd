// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What `bench` is doing and how long it will take, on a terminal.

#pragma once

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "net/load.hpp"

namespace bench {

/// One line on a terminal that says what runs and how long it will take.
class progress {
 public:
  void plan(seconds duration) { left_ += duration; }

  /// Starts a step that was planned to take `duration`.
  void step(const std::string& what, seconds duration) {
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K%s, %.0f s left", what.c_str(),
                   std::max(0.0, std::ceil(left_.count())));
    }
    left_ -= duration;
  }

  void clear() const {
    if (terminal_) std::fprintf(stderr, "\r\033[K");
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  seconds left_{0};
};

}  // namespace bench
