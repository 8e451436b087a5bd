// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Ctrl-C while a main task runs.

#pragma once

#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <utility>

namespace aio::detail {

/// While it lives the first SIGINT calls `on_interrupt` on the loop, and a second one
/// ends the process as if nothing had been installed, even if the loop hangs.
///
/// Installed only where the default action stood and no other guard does: a handler of
/// the program stays. Afterwards the default action is back, unless somebody else
/// installed a handler meanwhile.
class ctrl_c_guard {
 public:
  ctrl_c_guard(event_loop& loop, move_only_function<void()> on_interrupt)
      : on_interrupt_(std::move(on_interrupt)), alive_(std::make_shared<bool>(true)) {
    struct sigaction present {};
    if (::sigaction(SIGINT, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) {
      return;
    }
    bool free = false;
    if (!taken_.compare_exchange_strong(free, true)) return;
    installed_ = true;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
      uninstall();
      return;
    }
    descriptor_ =
        std::make_unique<boost::asio::posix::stream_descriptor>(loop.io_context(), ends[0]);
    write_end_ = ends[1];
    count_ = 0;
    descriptor_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this, alive = alive_](boost::system::error_code error) {
                              if (!error && *alive) on_interrupt_();
                            });
    struct sigaction ours {};
    ours.sa_handler = &ctrl_c_guard::on_signal;
    ours.sa_flags = SA_RESTART;
    ::sigemptyset(&ours.sa_mask);
    ::sigaction(SIGINT, &ours, nullptr);
  }
  ctrl_c_guard(const ctrl_c_guard&) = delete;
  ctrl_c_guard& operator=(const ctrl_c_guard&) = delete;
  ~ctrl_c_guard() {
    *alive_ = false;
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

  void uninstall() noexcept {
    installed_ = false;
    struct sigaction present {};
    ::sigaction(SIGINT, nullptr, &present);
    if (present.sa_handler == &ctrl_c_guard::on_signal) ::signal(SIGINT, SIG_DFL);
    if (descriptor_) ::close(write_end_);
    taken_ = false;
  }

  static inline std::atomic<bool> taken_ = false;
  static inline std::atomic<int> write_end_ = -1;
  static inline std::atomic<int> count_ = 0;

  move_only_function<void()> on_interrupt_;
  std::shared_ptr<bool> alive_;
  std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor_;
  bool installed_ = false;
};

}  // namespace aio::detail
