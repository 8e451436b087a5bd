// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Time limits that are the same for many.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/core/timer_heap.hpp>
#include <aio/detail/intrusive_list.hpp>

namespace aio::web::detail {

struct deadline_tag;

/// Those who have the same time from when they enter: who came first is due first, so
/// one timer serves all, and entering and leaving cost a few pointers.
class deadline_line final : private aio::detail::ready_node {
 public:
  class member : public aio::detail::list_hook<deadline_tag> {
   public:
    /// The time is over; it has left the line.
    virtual void deadline_passed() = 0;

   protected:
    ~member() = default;

   private:
    friend class deadline_line;
    time_point due_{};
  };

  deadline_line(aio::detail::loop_core& loop, time_limit limit) noexcept
      : loop_(&loop), limit_(limit) {}
  deadline_line(const deadline_line&) = delete;
  deadline_line& operator=(const deadline_line&) = delete;
  ~deadline_line() { loop_->disarm(timer_); }

  /// Its time begins, also if it is in this line already, or in another one.
  void enter(member& one) {
    one.unlink();
    if (!limit_.has_value()) return;
    one.due_ = aio::detail::deadline_after(loop_->time(), limit_.value());
    members_.push_back(one);
    arm();
  }

 private:
  void arm() {
    if (!timer_.is_armed() && !ready_node::is_linked()) {
      timer_.forget();
      loop_->arm(timer_, members_.front().due_);
    }
  }

  // Most have left the line when their time comes: then nothing is done but to wait for
  // the first of the others.
  void run() override {
    const time_point now = loop_->time();
    while (!members_.empty() && members_.front().due_ <= now) {
      members_.pop_front().deadline_passed();
    }
    if (!members_.empty()) arm();
  }

  aio::detail::intrusive_ptr<aio::detail::loop_core> loop_;
  time_limit limit_;
  aio::detail::intrusive_list<member, deadline_tag> members_;
  aio::detail::timer timer_{*this};
};

}  // namespace aio::web::detail
