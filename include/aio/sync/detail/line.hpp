// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The line in which tasks wait for a lock, an event, an item.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>

#include <coroutine>
#include <cstddef>
#include <string>

namespace aio::detail {

struct line_tag;

/// Tasks in the order they came. Who was woken or cancelled keeps its place until it
/// runs; that is how a newcomer knows that it may not overtake:
///
///     a (woken) -> b (cancelled) -> c (asleep) -> d (asleep)
///
/// A place is a node in the awaiting frame, so waiting allocates nothing. When the line
/// is destroyed all in it are woken, and throw.
class line {
 public:
  class place;
  template <class Awaiter>
  class patient_place;

  /// `what` is the name of the owner in messages.
  explicit line(const char* what) noexcept : what_(what) {}
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  inline ~line();

  /// Whether there is nothing to wait for now.
  bool is_over() const noexcept { return is_over_; }
  void set_over(bool over) noexcept { is_over_ = over; }

  /// Whether somebody is in it who was not cancelled.
  bool has_live() const noexcept { return live_ > 0; }

  /// Wakes the first that is still asleep; false if there is none.
  inline bool wake_next() noexcept;

  /// Wakes the first of all. If that one will run anyway, nobody.
  inline void wake_head() noexcept;

  void wake_all() noexcept {
    while (wake_next()) {
    }
  }

  /// The first loop to wait on is the only one.
  void bind(loop_core& loop) {
    if (loop_.get() != &loop) [[unlikely]]
      bind_first(loop);
  }

 private:
  void bind_first(loop_core& loop) {
    if (loop_) {
      throw usage_error(std::string("the ") + what_ +
                        " is bound to a different event loop: tasks of another loop "
                        "have waited for it");
    }
    loop_ = intrusive_ptr<loop_core>(&loop);
  }

  /// `one` was the first that is asleep, and is it no longer.
  inline void pass(place& one) noexcept;

  intrusive_list<place, line_tag> everyone_;
  place* asleep_ = nullptr;  ///< the first that is
  std::size_t live_ = 0;
  intrusive_ptr<loop_core> loop_;
  const char* what_;
  bool is_over_ = false;
};

/// Base of awaiters that stand in line.
class line::place : public suspension, private list_hook<line_tag> {
 protected:
  place() noexcept {}
  /// To stand in line later.
  explicit place(line& of) noexcept : line_(&of) {}
  [[gnu::always_inline]] ~place() {
    if (is_in_line()) [[unlikely]]
      leave();
  }

  [[gnu::always_inline]] void stand_in(line& of, promise_base& frame) {
    of.bind(frame.task->loop());
    fall_asleep(of);
    park(frame);
  }

  /// What it was made for.
  line& of() const noexcept { return *line_; }

  /// Whether it ever stood in line, or was ready at once.
  bool has_waited() const noexcept { return state_ != state::new_here; }

  /// Whether the line woke it; a request may have come since.
  bool is_woken() const noexcept { return state_ == state::woken; }

  /// Whether the line still exists.
  bool is_in_line() const noexcept { return hook::is_linked(); }

  [[gnu::always_inline]] void leave() noexcept {
    if (line_->asleep_ == this) line_->pass(*this);
    hook::unlink();
    if (state_ != state::cancelled) --line_->live_;
  }

  /// For await_resume of one that cannot go on without the line.
  void throw_if_orphaned() const {
    if (is_orphaned_) throw_orphaned();
  }

 private:
  friend class line;
  template <class Awaiter>
  friend class line::patient_place;
  friend class intrusive_list<place, line_tag>;
  using hook = list_hook<line_tag>;

  enum class state : unsigned char { new_here, asleep, woken, cancelled };

  [[gnu::always_inline]] void fall_asleep(line& in) noexcept {
    line_ = &in;
    state_ = state::asleep;
    in.everyone_.push_back(*this);
    if (in.asleep_ == nullptr) in.asleep_ = this;
    ++in.live_;
  }

  [[gnu::always_inline]] void wake_up() noexcept {
    state_ = state::woken;
    wake();
  }

  /// Already unlinked.
  void orphan() noexcept {
    orphaned_by_ = line_->what_;
    is_orphaned_ = true;
    if (state_ == state::asleep) wake();
  }

  [[noreturn]] void throw_orphaned() const {
    throw usage_error(std::string("the ") + orphaned_by_ +
                      " was destroyed while a task waited for it: it must outlive "
                      "the tasks that use it");
  }

  bool cancel() noexcept override {
    if (state_ != state::asleep || is_orphaned_) return false;
    state_ = state::cancelled;
    if (line_->asleep_ == this) line_->pass(*this);
    --line_->live_;
    call_off();
    return true;
  }

  // Not set before it stands in line: most never do.
  union {
    line* line_;
    const char* orphaned_by_;
  };
  state state_ = state::new_here;
  bool is_orphaned_ = false;
};

/// The place of one that was woken for something that others may take before it runs.
/// Its task is resumed only if it may go on, as `Awaiter::may_go_on()` says; else it
/// stands in line again, at the end.
template <class Awaiter>
class line::patient_place : public place {
 protected:
  patient_place() noexcept = default;
  [[gnu::always_inline]] ~patient_place() {}  // = default would be a call

 private:
  void run() final {
    if (is_woken() && is_in_line() && !task().must_cancel &&
        !static_cast<const Awaiter*>(this)->may_go_on()) [[unlikely]] {
      line& again = *line_;
      leave();
      return fall_asleep(again);
    }
    resume_frame();
  }
};

inline line::~line() {
  while (!everyone_.empty()) everyone_.pop_front().orphan();
}

[[gnu::always_inline]] inline bool line::wake_next() noexcept {
  if (asleep_ == nullptr) return false;
  place& one = *asleep_;
  pass(one);
  one.wake_up();
  return true;
}

[[gnu::always_inline]] inline void line::wake_head() noexcept {
  if (everyone_.empty()) return;
  if (everyone_.front().state_ == place::state::asleep) wake_next();
}

inline void line::pass(place& one) noexcept {
  asleep_ = everyone_.after(one);
  while (asleep_ != nullptr && asleep_->state_ != place::state::asleep) {
    asleep_ = everyone_.after(*asleep_);
  }
}

/// Waits in a line until woken, unless that is over: what event and condition return.
class [[nodiscard]] line_operation {
 public:
  explicit line_operation(line& of) noexcept : line_(of) {}

  auto operator co_await() && noexcept { return awaiter(line_); }

 private:
  class awaiter final : public line::place {
   public:
    explicit awaiter(line& of) noexcept : place(of) {}
    [[gnu::always_inline]] ~awaiter() {}  // = default would be a call

    bool await_ready() const noexcept { return of().is_over(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      stand_in(of(), frame.promise());
    }
    void await_resume() {
      if (!has_waited()) return;
      throw_if_cancelled();
      if (!is_woken()) throw_if_orphaned();
    }
  };

  line& line_;
};

}  // namespace aio::detail
