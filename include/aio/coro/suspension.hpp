// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A coroutine parked at a `co_await`, and how to call it off.

#pragma once

#include <aio/coro/promise.hpp>

#include <coroutine>
#include <string_view>

namespace aio::detail {

/// Everything a task can wait for derives from this: a node in the awaiting frame,
/// so waiting allocates nothing, and one virtual cancel().
///
/// It ends in exactly one of two ways, woken or called off, and either way through
/// the ready queue. A request that comes after the wake-up but before the frame runs
/// makes the await raise; therefore nothing changes hands on wake-up: the resumed
/// frame itself takes bytes, items and permits.
class suspension : public ready_node {
 public:
  using is_native = void;

  /// Asks what is waited for to let go. True: the await will raise (or whatever the
  /// other side makes of it). False: it was woken already, or cannot be stopped; the
  /// task raises when it runs.
  virtual bool cancel() noexcept = 0;

  /// Whether a request was taken, so that the await will raise.
  bool is_called_off() const noexcept {
    return frame_ != nullptr && task().wait_is_called_off;
  }

  bool is_task_step() const noexcept final { return true; }

  promise_base& frame() const noexcept { return *frame_; }
  task_state& task() const noexcept { return *frame_->task; }

 protected:
  suspension() noexcept = default;
  ~suspension() = default;

  /// The last act of await_suspend, when waking and cancelling already work.
  [[gnu::always_inline]] void park(promise_base& frame) noexcept {
    frame_ = &frame;
    task_state& t = task();
    t.set_parked(this);
    t.wait_is_called_off = false;
    if (t.must_cancel) [[unlikely]] {
      if (cancel()) t.must_cancel = false;
    }
  }

  /// The frame runs on the next turn.
  [[gnu::always_inline]] void wake() noexcept { task().loop().push(*this); }

  /// As wake(), and the await raises.
  void call_off() noexcept {
    unlink();
    task().wait_is_called_off = true;
    wake();
  }

  /// The first act of await_resume.
  [[gnu::always_inline]] void throw_if_cancelled() {
    if (is_called_off()) [[unlikely]]
      task().throw_cancelled();
  }

  void run() override { resume_frame(); }

  /// The frame runs now.
  [[gnu::always_inline]] void resume_frame() {
    task_state& t = task();
    t.set_parked(nullptr);
    if (t.must_cancel) [[unlikely]] {
      t.must_cancel = false;
      t.wait_is_called_off = true;
    }
    t.resume(frame_->self());
  }

 private:
  promise_base* frame_ = nullptr;
};

inline void task_state::request_cancel(std::string_view message) {
  ++cancel_requests;
  suspension* const at = parked();
  if (at != nullptr && at->is_called_off()) return;  // delivered with the first
  set_cancel_message(message);
  if (at == nullptr || !at->cancel()) must_cancel = true;
}

}  // namespace aio::detail
