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
///     everyone:  a (woken) -> b (cancelled) -> c -> d
///     asleep:                                  c -> d
///
/// A place is a node in the awaiting frame, so waiting allocates nothing. When the line
/// is destroyed all in it are woken, and throw.
class line {
 public:
  class place;
  class patient_place;

  /// `what` is the name of the owner in messages.
  explicit line(const char* what) noexcept : what_(what) {}
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  inline ~line();

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
    if (loop_.get() == &loop) return;
    if (loop_) {
      throw usage_error(std::string("the ") + what_ +
                        " is bound to a different event loop: tasks of another loop "
                        "have waited for it");
    }
    loop_ = intrusive_ptr<loop_core>(&loop);
  }

 private:
  intrusive_list<ready_node> asleep_;
  intrusive_list<place, line_tag> everyone_;
  std::size_t live_ = 0;
  intrusive_ptr<loop_core> loop_;
  const char* what_;
};

/// Base of awaiters that stand in line.
class line::place : public suspension, private list_hook<line_tag> {
 protected:
  place() noexcept = default;
  ~place() { leave(); }

  void stand_in(line& of, promise_base& frame) {
    of.bind(frame.task->loop());
    line_ = &of;
    fall_asleep();
    park(frame);
  }

  /// Whether it ever stood in line, or was ready at once.
  bool has_waited() const noexcept { return state_ != state::new_here; }

  /// Whether the line woke it; a request may have come since.
  bool is_woken() const noexcept { return state_ == state::woken; }

  /// Whether the line still exists.
  bool is_in_line() const noexcept { return line_ != nullptr; }

  void leave() noexcept {
    if (line_ == nullptr) return;
    hook::unlink();
    if (state_ != state::cancelled) --line_->live_;
    line_ = nullptr;
  }

  /// For await_resume of one that cannot go on without the line.
  void throw_if_orphaned() const {
    if (orphaned_by_ != nullptr) {
      throw usage_error(std::string("the ") + orphaned_by_ +
                        " was destroyed while a task waited for it: it must outlive "
                        "the tasks that use it");
    }
  }

 private:
  friend class line;
  friend class line::patient_place;
  friend class intrusive_list<place, line_tag>;
  using hook = list_hook<line_tag>;

  enum class state : unsigned char { new_here, asleep, woken, cancelled, orphaned };

  void fall_asleep() noexcept {
    state_ = state::asleep;
    line_->asleep_.push_back(*this);
    line_->everyone_.push_back(*this);
    ++line_->live_;
  }

  void wake_up(state as = state::woken) noexcept {
    ready_node::unlink();
    state_ = as;
    task().loop().push(runner());
  }

  void orphan() noexcept {
    orphaned_by_ = line_->what_;
    line_ = nullptr;
    if (state_ == state::asleep) wake_up(state::orphaned);
  }

  /// What the loop is to run after a wake-up.
  virtual ready_node& runner() noexcept { return *this; }

  bool cancel() noexcept override {
    if (state_ != state::asleep) return false;
    state_ = state::cancelled;
    --line_->live_;
    call_off();
    return true;
  }

  line* line_ = nullptr;
  const char* orphaned_by_ = nullptr;
  state state_ = state::new_here;
};

/// The place of one that was woken for something that others may take before it runs.
/// Its task is resumed only if it may go on; else it stands in line again, at the end.
class line::patient_place : public place {
 protected:
  patient_place() noexcept : second_look_(*this) {}
  ~patient_place() = default;

 private:
  virtual bool may_go_on() const noexcept = 0;

  struct second_look final : ready_node {
    explicit second_look(patient_place& of) noexcept : owner(of) {}
    bool is_task_step() const noexcept override { return true; }
    void run() override { owner.look_again(); }
    patient_place& owner;
  };

  ready_node& runner() noexcept final { return second_look_; }

  void look_again() {
    if (!is_in_line() || task().must_cancel || may_go_on()) {
      return static_cast<ready_node&>(*this).run();
    }
    line& again = *line_;
    leave();
    line_ = &again;
    fall_asleep();
  }

  second_look second_look_;
};

inline line::~line() {
  while (!everyone_.empty()) everyone_.pop_front().orphan();
}

inline bool line::wake_next() noexcept {
  if (asleep_.empty()) return false;
  static_cast<place&>(asleep_.front()).wake_up();
  return true;
}

inline void line::wake_head() noexcept {
  if (everyone_.empty()) return;
  place& head = everyone_.front();
  if (head.state_ == place::state::asleep) head.wake_up();
}

/// Waits in a line until woken, unless it is `over`: what event and condition return.
class [[nodiscard]] line_operation {
 public:
  line_operation(line& of, const bool& over) noexcept : line_(of), over_(over) {}

  auto operator co_await() && noexcept { return awaiter(line_, over_); }

 private:
  class awaiter final : public line::place {
   public:
    awaiter(line& of, const bool& over) noexcept : line_(of), over_(over) {}

    bool await_ready() const noexcept { return over_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      stand_in(line_, frame.promise());
    }
    void await_resume() {
      throw_if_cancelled();
      if (has_waited() && !is_woken()) throw_if_orphaned();
    }

   private:
    line& line_;
    const bool& over_;
  };

  line& line_;
  const bool& over_;
};

}  // namespace aio::detail
