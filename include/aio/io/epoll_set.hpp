// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Which descriptors are ready: one epoll set per loop.

#pragma once

#include <aio/core/clock.hpp>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <utility>

namespace aio::detail {

/// Whoever waits for a descriptor.
class watcher {
 public:
  /// What has happened, as EPOLLIN and so on. May add and remove watchers.
  virtual void ready(std::uint32_t events) = 0;

 protected:
  ~watcher() = default;
};

/// Why not Asio's own sockets: Asio asks for edges without EPOLLRDHUP, so it must try a
/// receive again after each one that brought something, or an end of file is lost.
/// Where the set says what has happened, a request costs one receive.
class epoll_set {
 public:
  epoll_set() : set_(::epoll_create1(EPOLL_CLOEXEC)), waker_(make_waker()) {
    if (set_ < 0 || waker_ < 0) {
      close();
      throw_last("epoll");
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ::epoll_ctl(set_, EPOLL_CTL_ADD, waker_, &event);
  }
  epoll_set(const epoll_set&) = delete;
  epoll_set& operator=(const epoll_set&) = delete;
  ~epoll_set() { close(); }

  /// Readable while something is ready.
  int native_handle() const noexcept { return set_; }

  /// Descriptors that are watched.
  std::size_t size() const noexcept { return size_; }

  /// A descriptor has one watcher at a time.
  ///
  /// Throws: boost::system::system_error – it cannot be waited for, or out of resources
  void add(int fd, std::uint32_t events, watcher& who) {
    control(EPOLL_CTL_ADD, fd, events, who);
    ++size_;
  }
  void modify(int fd, std::uint32_t events, watcher& who) {
    control(EPOLL_CTL_MOD, fd, events, who);
  }

  /// Whether somebody watches it.
  bool contains(int fd) const noexcept {
    epoll_event nothing{};
    if (::epoll_ctl(set_, EPOLL_CTL_ADD, fd, &nothing) != 0) return errno == EEXIST;
    ::epoll_ctl(set_, EPOLL_CTL_DEL, fd, nullptr);
    return false;
  }

  /// Before the descriptor is closed. `who` is not called any more.
  void remove(int fd, const watcher& who) noexcept {
    ::epoll_ctl(set_, EPOLL_CTL_DEL, fd, nullptr);
    --size_;
    for (std::size_t i = next_; i < count_; ++i) {
      if (events_[i].data.ptr == &who) events_[i].data.ptr = nullptr;
    }
  }

  /// Waits until something is ready, `deadline` has come or wake() was called, and
  /// calls the watchers. At once, with time_point::min(): only what is ready now.
  ///
  /// Who waits gets only a part, and the rest next time, once much was kept: that is
  /// best used while it is in the cache of the processor.
  void wait(time_point deadline) {
    if (is_dispatching_) return;  // a watcher drives the context that drives us
    // After an exception the rest of the last batch is still to be told.
    if (next_ == count_) fetch(deadline);
    is_dispatching_ = true;
    const dispatching scope{*this};
    const std::size_t enough = deadline == time_point::min() ? all : much;
    kept_ = 0;
    while (next_ < count_ && kept_ < enough) {
      const epoll_event event = events_[next_++];
      if (event.data.ptr != nullptr) {
        static_cast<watcher*>(event.data.ptr)->ready(event.events);
      }
    }
  }

  /// A watcher has received so many bytes that others will use.
  void count_kept(std::size_t bytes) noexcept { kept_ += bytes; }

  /// Ends a wait() soon. The only member that other threads may call.
  void wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(waker_, &one, sizeof one);
  }

 private:
  static constexpr std::size_t much = 256 * 1024;
  static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

  struct dispatching {
    epoll_set& set;
    ~dispatching() { set.is_dispatching_ = false; }
  };

  // Edge-triggered, so that nobody needs to read it.
  static int make_waker() noexcept { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

  void control(int operation, int fd, std::uint32_t events, watcher& who) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &who;
    if (::epoll_ctl(set_, operation, fd, &event) != 0) throw_last("epoll_ctl");
  }

  void fetch(time_point deadline) noexcept {
    const int got = wait_for_events(deadline);
    next_ = 0;
    count_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  }

  int wait_for_events(time_point deadline) noexcept {
    const int room = static_cast<int>(events_.size());
    if (deadline == time_point::min())
      return ::epoll_wait(set_, events_.data(), room, 0);
    if (deadline == never) return ::epoll_wait(set_, events_.data(), room, -1);
    const duration left = std::max(deadline - clock::now(), duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    timespec limit{};
    limit.tv_sec = static_cast<std::time_t>(seconds.count());
    limit.tv_nsec = std::chrono::nanoseconds(left - seconds).count();
    const int got = ::epoll_pwait2(set_, events_.data(), room, &limit, nullptr);
    if (got >= 0 || errno != ENOSYS) return got;
    // Before Linux 5.11: in whole milliseconds, and rather late than too early.
    using std::chrono::milliseconds;
    constexpr auto longest = milliseconds(std::chrono::hours(24));
    const auto rounded = std::min(std::chrono::ceil<milliseconds>(left), longest);
    return ::epoll_wait(set_, events_.data(), room, static_cast<int>(rounded.count()));
  }

  [[noreturn]] static void throw_last(const char* doing) {
    throw boost::system::system_error(errno, boost::system::system_category(), doing);
  }

  void close() noexcept {
    if (set_ >= 0) ::close(set_);
    if (waker_ >= 0) ::close(waker_);
  }

  int set_;
  int waker_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  std::size_t kept_ = 0;
  std::size_t count_ = 0;
  bool is_dispatching_ = false;
  std::array<epoll_event, 256> events_;
};

}  // namespace aio::detail
