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
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

class completion;
class suspension;

/// A chain of frames that runs as one thread of control. As a ready_node it is its own
/// first step, and after the end what keeps it alive for others.
class task_state : public runnable_resident {
 public:
  explicit task_state(loop_core& loop) noexcept
      : loop_(&loop), id_(next_id()), context_(context_cell::current()) {}

  loop_core& loop() const noexcept { return *loop_; }

  /// What others wait for: the other half of the same object.
  virtual completion& end() noexcept = 0;

  /// The outcome<T> that its outermost coroutine, which yields a T, ends with.
  virtual void* place_of_result() noexcept = 0;

  /// Lets `frame` run, and then every frame that a finished one (or one that started a
  /// deep child) names as the next. Nothing here relies on tail calls: whatever the
  /// compiler does with them, neither long loops over children nor deep chains of them
  /// take stack.
  [[gnu::always_inline]] void resume(std::coroutine_handle<> frame) {
    task_state* const outer = std::exchange(loop_->current_task, this);
    const context_cell::entered scope(context());
    frame.resume();
    if (loop_->next_frame) return go_on(outer);
    loop_->current_task = outer;
  }

  /// The next frame, for the outermost one that ends.
  static std::coroutine_handle<> none_left() noexcept {
    return std::coroutine_handle<>::from_address(&none_left_);
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
    throw cancelled_error(std::string(cancel_message()));
  }

  /// The variables of the task: a copy of its creator's, or a context given to it.
  context_cell& context() noexcept {
    return has_given_context ? *rare_->context : context_;
  }
  void share_context(std::shared_ptr<context_cell> given) noexcept {
    has_given_context = given != nullptr;
    rare().context = std::move(given);
  }

  std::string name() const {
    return rare_ && rare_->name ? *rare_->name : "Task-" + std::to_string(id_);
  }
  void set_name(std::string_view name) { rare().name = name; }

  /// What the last request came with.
  std::string_view cancel_message() const noexcept {
    return rare_ ? std::string_view(rare_->cancel_message) : std::string_view();
  }
  void set_cancel_message(std::string_view message) {
    if (rare_ || !message.empty()) rare().cancel_message = message;
  }

  suspension* parked = nullptr;  ///< what it waits for; null if it is not suspended

  std::uint32_t cancel_requests = 0;
  bool must_cancel = false;           ///< a request that nothing has taken yet
  bool has_given_context = false;     ///< and no copy of its creator's
  bool wait_is_called_off = false;    ///< so that the present await raises
  bool is_passing_cancel_on = false;  ///< to the task that it awaits, at this moment

 protected:
  ~task_state() = default;

 private:
  struct rarely_used {
    std::optional<std::string> name;
    std::shared_ptr<context_cell> context;  ///< given, and shared with others
    std::string cancel_message;
  };

  [[gnu::noinline]] void go_on(task_state* outer) {
    std::coroutine_handle<> next;
    do {
      next = std::exchange(loop_->next_frame, nullptr);
      if (next == none_left()) break;
      next.resume();
    } while (loop_->next_frame);
    loop_->current_task = outer;
    if (next == none_left()) finish();
  }

  rarely_used& rare() {
    if (!rare_) rare_ = std::make_unique<rarely_used>();
    return *rare_;
  }

  /// The outermost frame ended, and is gone: settle.
  virtual void finish() = 0;

  // Numbers count process-wide, as in asyncio; each thread takes them in blocks.
  static std::uint64_t next_id() noexcept {
    constexpr std::uint64_t block = 1024;
    static std::atomic<std::uint64_t> taken = 0;
    static thread_local constinit std::uint64_t last = 0;
    if (last % block == 0) last = taken.fetch_add(block, std::memory_order_relaxed);
    return ++last;
  }

  static inline char none_left_ = 0;

  loop_core* loop_;  // kept by the completion
  std::uint64_t id_;
  context_cell context_;
  std::unique_ptr<rarely_used> rare_;
};

}  // namespace aio::detail
