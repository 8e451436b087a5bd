// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The loop's world in production: an io_context, and within it the descriptors that
/// aio itself waits for.

#pragma once

#include <aio/core/driver.hpp>
#include <aio/core/error.hpp>
#include <aio/core/loop.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/epoll_set.hpp>
#include <aio/io/wake_timer.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace aio::detail {

/// The epoll set is one descriptor of the io_context, so whoever runs the context
/// serves it. As long as nobody has asked for the context there is nothing else in it,
/// and the loop waits for the set directly.
class asio_driver final : public driver {
  using executor = boost::asio::io_context::executor_type;
  using asio_timer =
      boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>,
                                        executor>;
  using asio_descriptor = boost::asio::posix::basic_stream_descriptor<executor>;

 public:
  /// `ours`: nobody else runs the context, so it waits even when nothing is pending.
  asio_driver(boost::asio::io_context& context, bool ours)
      : context_(context), ours_(ours), is_shared_(!ours), timer_(context) {
    if (ours) work_.emplace(context.get_executor());
  }
  ~asio_driver() {
    *loop_ = nullptr;
    if (set_in_context_) set_in_context_->release();  // the set closes it
  }

  void attach(loop_core& loop) noexcept { *loop_ = &loop; }

  /// From here on there may be more in the context than we know of.
  ///
  /// Throws: usage_error – somebody waits for native_handle()
  boost::asio::io_context& context() {
    if (stepped_by_) {
      throw usage_error(
          "this loop is driven by step(): nobody would wait for its io_context");
    }
    if (!is_shared_) {
      is_shared_ = true;
      wait_within_context();
    }
    return context_;
  }

  /// Readable when run_as_guest() has something to do; somebody else waits from now on.
  ///
  /// Throws: usage_error – the io_context was asked for, or is somebody else's
  int native_handle() {
    if (is_shared_) {
      throw usage_error(
          "this loop has an io_context, which has no descriptor to wait for: let the "
          "owner of the context run it, or do not ask for io_context()");
    }
    if (!stepped_by_) {
      stepped_by_.emplace(set_);
      set_.wake();  // what has been asked for before
    }
    return set_.native_handle();
  }

  // ----- descriptors; see epoll_set -----

  void watch(int fd, std::uint32_t events, watcher& who) {
    set_.add(fd, events, who);
    if (!ours_ && set_.size() == 1) wait_within_context();
  }
  void watch_for(int fd, std::uint32_t events, watcher& who) {
    set_.modify(fd, events, who);
  }
  void count_kept(std::size_t bytes) noexcept { set_.count_kept(bytes); }
  bool is_watched(int fd) const noexcept { return set_.contains(fd); }
  void unwatch(int fd, const watcher& who) noexcept {
    set_.remove(fd, who);
    // A host shall not wait for a guest that has nothing to wait for.
    if (!ours_ && set_.size() == 0) {
      boost::system::error_code ignored;
      set_in_context_->cancel(ignored);
    }
  }

  /// Room for one receive; whatever is in it goes on at once.
  std::span<char> scratch() {
    constexpr std::size_t size = 64 * 1024;
    if (!scratch_) scratch_ = std::make_unique_for_overwrite<char[]>(size);
    return {scratch_.get(), size};
  }

  // ----- driver -----

  time_point now() noexcept override { return clock::now(); }

  void poll() override {
    set_.wait(time_point::min());
    if (ours_ && is_shared_) run_handlers(max_batch);
  }

  void wait_until(time_point deadline) override {
    if (!is_shared_) return set_.wait(deadline);
    if (block(deadline) > 0) run_handlers(max_batch - 1);
  }

  void wake() noexcept override {
    if (ours_) {
      set_.wake();
    } else {
      post_turn();
    }
  }

  void request_turn(time_point when) override {
    if (stepped_by_) return request_step(when);
    if (ours_) return;  // nobody else would give us one
    if (when == time_point::min()) return post_turn();
    if (when == never) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(when);
    timer_.async_wait([loop = loop_](boost::system::error_code error) {
      if (!error && *loop != nullptr) (*loop)->run_as_guest();
    });
  }

  void set_busy(bool busy) override {
    if (ours_) return;
    if (busy) {
      work_.emplace(context_.get_executor());
    } else {
      work_.reset();
    }
  }

 private:
  static constexpr std::size_t max_batch = 64;

  std::size_t run_handlers(std::size_t at_most) {
    if (context_.stopped()) context_.restart();
    std::size_t ran = 0;
    while (ran < at_most && context_.poll_one() != 0) ++ran;
    return ran;
  }

  // Runs at most one handler. Asio waits in whole milliseconds without a timer of its
  // own; only the last one is worth the system call that sets one.
  std::size_t block(time_point deadline) {
    using std::chrono::milliseconds;
    if (context_.stopped()) context_.restart();
    if (deadline == never) return context_.run_one();
    const duration left = deadline - clock::now();
    if (left <= duration::zero()) return context_.poll_one();
    if (left > milliseconds(1)) {
      return context_.run_one_for(std::chrono::floor<milliseconds>(left));
    }
    timer_.expires_at(deadline);
    timer_.async_wait([](boost::system::error_code) {});
    return context_.run_one();
  }

  void wait_within_context() {
    if (is_waiting_within_) return;
    if (!set_in_context_) set_in_context_.emplace(context_, set_.native_handle());
    is_waiting_within_ = true;
    set_in_context_->async_wait(asio_descriptor::wait_read,
                                [this, loop = loop_](boost::system::error_code error) {
                                  if (*loop != nullptr) serve_set(!error);
                                });
  }

  void serve_set(bool is_ready) {
    const scope_exit wait_again([this] {
      is_waiting_within_ = false;
      if (ours_ || set_.size() > 0) wait_within_context();
    });
    if (!is_ready) return;
    if ((*loop_)->is_running()) {
      set_.wait(time_point::min());
    } else {
      (*loop_)->run_as_guest();
    }
  }

  void request_step(time_point when) {
    if (when == time_point::min()) {
      set_.wake();
    } else if (when == never) {
      stepped_by_->disarm();
    } else {
      stepped_by_->arm(when);
    }
  }

  void post_turn() {
    boost::asio::post(context_, [loop = loop_] {
      if (*loop != nullptr) (*loop)->run_as_guest();
    });
  }

  boost::asio::io_context& context_;
  const bool ours_;
  bool is_shared_;  ///< there may be handlers in the context that are not ours
  bool is_waiting_within_ = false;
  epoll_set set_;
  std::optional<asio_descriptor> set_in_context_;
  std::optional<wake_timer> stepped_by_;
  std::unique_ptr<char[]> scratch_;
  asio_timer timer_;
  std::optional<boost::asio::executor_work_guard<executor>> work_;
  // Shared with handlers on their way, which may outlive us in a foreign context.
  const std::shared_ptr<loop_core*> loop_ = std::make_shared<loop_core*>(nullptr);
};

}  // namespace aio::detail
