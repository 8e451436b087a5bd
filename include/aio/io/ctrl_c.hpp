// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Ctrl-C while a main task runs.

#pragma once

#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <utility>

namespace aio::detail {

/// While it lives the first SIGINT calls `on_interrupt` on the loop, and a second one
/// ends the process as if nothing had been installed, even if the loop hangs.
///
/// Installed only where the default action stood and no other guard does: a handler of
/// the program stays. Afterwards the default action is back, unless somebody else
/// installed a handler meanwhile.
class ctrl_c_guard : private watcher {
 public:
  ctrl_c_guard(event_loop& loop, move_only_function<void()> on_interrupt)
      : driver_(loop.asio()), on_interrupt_(std::move(on_interrupt)) {
    struct sigaction present {};
    if (::sigaction(SIGINT, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) {
      return;
    }
    bool free = false;
    if (!taken_.compare_exchange_strong(free, true)) return;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
      taken_ = false;
      return;
    }
    installed_ = true;
    read_end_ = ends[0];
    write_end_ = ends[1];
    count_ = 0;
    driver_.watch(read_end_, EPOLLIN | EPOLLET, *this);
    struct sigaction ours {};
    ours.sa_handler = &ctrl_c_guard::on_signal;
    ours.sa_flags = SA_RESTART;
    ::sigemptyset(&ours.sa_mask);
    ::sigaction(SIGINT, &ours, nullptr);
  }
  ctrl_c_guard(const ctrl_c_guard&) = delete;
  ctrl_c_guard& operator=(const ctrl_c_guard&) = delete;
  ~ctrl_c_guard() {
    if (installed_) uninstall();
  }

 private:
  // Only async-signal-safe calls here.
  static void on_signal(int number) {
    if (count_.fetch_add(1) == 0) {
      const char byte = 0;
      [[maybe_unused]] const auto written = ::write(write_end_, &byte, 1);
      return;
    }
    ::signal(number, SIG_DFL);
    ::raise(number);
  }

  void ready(std::uint32_t) override { on_interrupt_(); }

  void uninstall() noexcept {
    struct sigaction present {};
    ::sigaction(SIGINT, nullptr, &present);
    if (present.sa_handler == &ctrl_c_guard::on_signal) ::signal(SIGINT, SIG_DFL);
    driver_.unwatch(read_end_, *this);
    ::close(read_end_);
    ::close(write_end_);
    taken_ = false;
  }

  static inline std::atomic<bool> taken_ = false;
  static inline std::atomic<int> write_end_ = -1;
  static inline std::atomic<int> count_ = 0;

  asio_driver& driver_;
  move_only_function<void()> on_interrupt_;
  int read_end_ = -1;
  bool installed_ = false;
};

}  // namespace aio::detail
