// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What all frames of one task share.

#pragma once

#include <aio/core/context.hpp>
#include <aio/core/loop.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

class completion;
class suspension;

/// Set only when somebody gives one: most cancels come without.
using message_ptr = std::unique_ptr<std::string>;

inline message_ptr make_message(std::string_view text) {
  return text.empty() ? nullptr : std::make_unique<std::string>(text);
}
inline std::string_view view(const message_ptr& message) noexcept {
  return message ? std::string_view(*message) : std::string_view();
}

/// A chain of frames that runs as one thread of control. As a ready_node it is
/// its own first step.
class task_state : public ready_node, public resident {
 public:
  task_state(loop_core& loop, completion& end) noexcept
      : loop_(&loop), end_(&end), id_(next_id()), context_(context_cell::current()) {}

  loop_core& loop() const noexcept { return *loop_; }

  /// What others wait for: the other half of the same object.
  completion& end() const noexcept { return *end_; }

  /// Lets `frame` run, and then every frame that a finished one (or one that started a
  /// deep child) names in `next`. Nothing here relies on tail calls: whatever the
  /// compiler does with them, neither long loops over children nor deep chains of them
  /// take stack.
  void resume(std::coroutine_handle<> frame) {
    task_state* const outer = std::exchange(loop_->current_task, this);
    const context_cell::entered scope(context());
    next = frame;
    do {
      std::exchange(next, nullptr).resume();
    } while (next);
    loop_->current_task = outer;
    if (body_is_done) finish();
  }

  /// Asks the task to stop: a cancelled_error is thrown at its await. What it waits
  /// for may take the request; otherwise the next step delivers it.
  void request_cancel(std::string_view message);

  /// Takes one request back, and returns how many are left.
  std::uint32_t uncancel() noexcept {
    if (cancel_requests > 0 && --cancel_requests == 0) must_cancel = false;
    return cancel_requests;
  }

  [[noreturn]] void throw_cancelled() {
    throw cancelled_error(std::string(view(cancel_message)));
  }

  /// The variables of the task: a copy of its creator's, or a context given to it.
  context_cell& context() noexcept {
    return shared_context_ ? *shared_context_ : context_;
  }
  void share_context(std::shared_ptr<context_cell> given) noexcept {
    shared_context_ = std::move(given);
  }

  std::string name() const { return name_ ? *name_ : "Task-" + std::to_string(id_); }
  void set_name(std::string_view name) { name_ = std::make_unique<std::string>(name); }

  suspension* parked = nullptr;  ///< what it waits for; null if it is not suspended
  std::coroutine_handle<> next;  ///< the frame to run when the present one gives way
  static constexpr std::uint16_t max_nesting = 16;

  std::uint32_t cancel_requests = 0;
  std::uint16_t nesting = 0;  ///< children that were started within their awaits
  bool must_cancel = false;   ///< a request that nothing has taken yet
  bool body_is_done = false;  ///< the outermost frame has ended
  message_ptr cancel_message;

 protected:
  ~task_state() = default;

 private:
  /// The outermost frame ended: settle, and let go of the frame.
  virtual void finish() = 0;

  // Numbers count process-wide, as in asyncio; each thread takes them in blocks.
  static std::uint64_t next_id() noexcept {
    constexpr std::uint64_t block = 1024;
    static std::atomic<std::uint64_t> taken = 0;
    static thread_local constinit std::uint64_t last = 0;
    if (last % block == 0) last = taken.fetch_add(block, std::memory_order_relaxed);
    return ++last;
  }

  intrusive_ptr<loop_core> loop_;
  completion* end_;
  std::uint64_t id_;
  message_ptr name_;
  context_cell context_;
  std::shared_ptr<context_cell> shared_context_;
};

}  // namespace aio::detail
