// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The loop's world in production: an io_context.

#pragma once

#include <aio/core/driver.hpp>
#include <aio/core/loop.hpp>
#include <aio/detail/intrusive_list.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace aio::detail {

/// Something to start a little later; see asio_driver::arm_later().
struct deferred_tag;
class deferred : public list_hook<deferred_tag> {
 public:
  virtual void arm() = 0;

 protected:
  ~deferred() { unlink(); }
};

class asio_driver final : public driver {
  using executor = boost::asio::io_context::executor_type;
  using asio_timer =
      boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>, executor>;

 public:
  /// `ours`: nobody else runs the context, so it waits even when nothing is pending.
  asio_driver(boost::asio::io_context& context, bool ours)
      : context_(context), ours_(ours), precise_(context), turn_timer_(context) {
    if (ours) work_.emplace(context.get_executor());
  }
  ~asio_driver() { *loop_ = nullptr; }

  void attach(loop_core& loop) noexcept { *loop_ = &loop; }

  boost::asio::io_context& context() const noexcept { return context_; }

  /// Arms `what` behind the handlers of the next poll.
  ///
  /// Why: Asio tries a read when it is armed. Armed at once after the answer, that
  /// receive finds nothing and the event goes through epoll; armed a batch later it
  /// often finds the next request, at half the price.
  void arm_later(deferred& what) {
    // Who else runs the context does not poll us.
    if (!ours_ && arming_.empty()) post_arming();
    arming_.push_back(what);
  }

  time_point now() noexcept override { return clock::now(); }

  void poll() override {
    resume_context();
    intrusive_list<deferred, deferred_tag> due;
    due.splice_back(arming_);
    run_handlers(max_batch);
    arm(due);
  }

  void wait_until(time_point deadline) override {
    resume_context();
    if (!arming_.empty()) {
      intrusive_list<deferred, deferred_tag> due;
      due.splice_back(arming_);
      const std::size_t ran = is_crowded_ ? run_handlers(max_batch) : 0;
      arm(due);
      if (ran > 0) return;
    }
    if (block(deadline) == 0) return;
    // One ready handler is mostly alone when it was so before: looking for more then
    // costs a system call per request.
    if (!is_crowded_ && ++lonely_waits_ % 8 != 0) return;
    is_crowded_ = run_handlers(max_batch - 1) > 0;
  }

  void wake() noexcept override { post_turn(); }

  void request_turn(time_point when) override {
    if (when == time_point::min()) return post_turn();
    turn_timer_.expires_at(when);
    turn_timer_.async_wait([loop = loop_](boost::system::error_code error) {
      if (!error && *loop != nullptr) (*loop)->run_as_guest();
    });
  }

  void set_busy(bool busy) override {
    if (ours_) return;
    if (busy) {
      work_.emplace(context_.get_executor());
    } else {
      work_.reset();
      turn_timer_.cancel();  // the turn that ends asks for what is still to come
    }
  }

 private:
  static constexpr std::size_t max_batch = 64;

  void resume_context() {
    if (context_.stopped()) context_.restart();
  }

  std::size_t run_handlers(std::size_t at_most) {
    std::size_t ran = 0;
    while (ran < at_most && context_.poll_one() != 0) ++ran;
    return ran;
  }

  static void arm(intrusive_list<deferred, deferred_tag>& due) {
    while (!due.empty()) due.pop_front().arm();
  }

  // Runs at most one handler. Asio waits in whole milliseconds without a timer of its
  // own; only the last one is worth the system call that sets one.
  std::size_t block(time_point deadline) {
    using std::chrono::milliseconds;
    if (deadline == never) return context_.run_one();
    const duration left = deadline - clock::now();
    if (left <= duration::zero()) return context_.poll_one();
    if (left > milliseconds(1)) {
      return context_.run_one_for(std::chrono::floor<milliseconds>(left));
    }
    precise_.expires_at(deadline);
    precise_.async_wait([](boost::system::error_code) {});
    return context_.run_one();
  }

  void post_turn() {
    boost::asio::post(context_, [loop = loop_] {
      if (*loop != nullptr) (*loop)->run_as_guest();
    });
  }

  void post_arming() {
    boost::asio::post(context_, [this, loop = loop_] {
      if (*loop != nullptr) arm(arming_);
    });
  }

  boost::asio::io_context& context_;
  bool ours_;
  bool is_crowded_ = false;
  std::size_t lonely_waits_ = 0;
  intrusive_list<deferred, deferred_tag> arming_;
  asio_timer precise_;
  asio_timer turn_timer_;
  std::optional<boost::asio::executor_work_guard<executor>> work_;
  // Shared with handlers on their way, which may outlive us in a foreign context.
  const std::shared_ptr<loop_core*> loop_ = std::make_shared<loop_core*>(nullptr);
};

}  // namespace aio::detail
