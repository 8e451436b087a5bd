// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A deadline as a descriptor, for those who wait for the descriptors of a loop without
/// asking it how long.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/io/epoll_set.hpp>

#include <boost/system/system_error.hpp>

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace aio::detail {

/// Makes the set readable when its time has come.
class wake_timer final : private watcher {
 public:
  explicit wake_timer(epoll_set& set)
      : set_(set), fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (fd_ < 0) {
      throw boost::system::system_error(errno, boost::system::system_category(),
                                        "timerfd");
    }
    set_.add(fd_, EPOLLIN | EPOLLET, *this);  // an edge need not be read
  }
  wake_timer(const wake_timer&) = delete;
  wake_timer& operator=(const wake_timer&) = delete;
  ~wake_timer() {
    set_.remove(fd_, *this);
    ::close(fd_);
  }

  void arm(time_point when) noexcept {
    // clock counts as CLOCK_MONOTONIC does; zero would disarm.
    const duration since = std::max(when.time_since_epoch(), duration(1));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    itimerspec at{};
    at.it_value.tv_sec = static_cast<std::time_t>(seconds.count());
    at.it_value.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
    ::timerfd_settime(fd_, TFD_TIMER_ABSTIME, &at, nullptr);
  }

  void disarm() noexcept {
    const itimerspec off{};
    ::timerfd_settime(fd_, 0, &off, nullptr);
  }

 private:
  void ready(std::uint32_t) override {}  // what is due the loop knows itself

  epoll_set& set_;
  int fd_;
};

}  // namespace aio::detail
