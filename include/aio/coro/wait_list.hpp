// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// FIFO of parked tasks. A waiter is a node in the awaiting frame, so waiting never
/// allocates and a cancelled waiter takes itself out in O(1).

#pragma once

#include <aio/coro/suspension.hpp>
#include <aio/detail/intrusive_list.hpp>

#include <utility>

namespace aio::detail {

class wait_list {
 public:
  class waiter;

  bool empty() const noexcept { return waiting_.empty(); }

  /// Both wake in the order of arrival; the woken run on the next turn.
  inline void wake_one() noexcept;
  inline void wake_all() noexcept;

 private:
  intrusive_list<ready_node> waiting_;
};

/// Base of awaiters that stand in line.
class wait_list::waiter : public suspension {
 protected:
  ~waiter() = default;

  /// Parks at the end of the line.
  void wait_in(wait_list& line, promise_base& frame) noexcept {
    line.waiting_.push_back(*this);
    park(frame);
  }

  /// Gives way for one turn, in no line.
  void give_way(promise_base& frame) noexcept {
    is_woken_ = true;
    frame.task->loop().push(*this);
    park(frame);
  }

  bool is_woken() const noexcept { return is_woken_; }

 private:
  friend class wait_list;

  bool cancel() noexcept override {
    if (is_woken_) return false;
    call_off();
    return true;
  }

  bool is_woken_ = false;
};

inline void wait_list::wake_one() noexcept {
  if (empty()) return;
  auto& first = static_cast<waiter&>(waiting_.pop_front());
  first.is_woken_ = true;
  first.wake();
}

inline void wait_list::wake_all() noexcept {
  while (!empty()) wake_one();
}

}  // namespace aio::detail
