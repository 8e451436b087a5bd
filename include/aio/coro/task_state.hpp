// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What all frames of one task share.

#pragma once

#include <aio/core/context.hpp>
#include <aio/core/loop.hpp>
#include <aio/coro/completion.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

class suspension;
struct promise_base;

/// A chain of frames that runs as one thread of control, and the end that others wait
/// for. As a ready_node it is its own first step too.
class task_state : public completion, public task_node {
 public:
  task_state(loop_core& loop, promise_base& body) noexcept
      : completion(loop),
        body_(&body),
        id_(next_id()),
        context_(context_cell::current()) {}

  /// Lets `frame` run, and then every frame that a finished one (or one that started a
  /// deep child) names as the next. Nothing here relies on tail calls: whatever the
  /// compiler does with them, neither long loops over children nor deep chains of them
  /// take stack.
  [[gnu::always_inline]] void resume(std::coroutine_handle<> frame) {
    task_state* const outer = std::exchange(loop().current_task, this);
    const context_cell::entered scope(context());
    frame.resume();
    if (loop().next_frame == none_left()) {
      loop().next_frame = nullptr;
      loop().current_task = outer;
      return finish();
    }
    if (loop().next_frame) return go_on(outer);
    loop().current_task = outer;
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

  /// What it waits for; null if it is not suspended.
  suspension* parked() const noexcept { return is_started_ ? parked_ : nullptr; }
  void set_parked(suspension* at) noexcept { parked_ = at; }

  std::uint32_t cancel_requests = 0;
  bool must_cancel = false;         ///< a request that nothing has taken yet
  bool has_given_context = false;   ///< and no copy of its creator's
  bool wait_is_called_off = false;  ///< so that the present await raises
  bool is_passing_cancel_on : 1 =
      false;  ///< to the task that it awaits, at this moment

 protected:
  [[gnu::always_inline]] ~task_state() override {
    if (rare_ != nullptr) [[unlikely]]
      forget_rare();
  }

  static void close(task_node& task) noexcept {
    static_cast<task_state&>(task).loop_closing();
  }

  bool is_started() const noexcept { return is_started_; }

  /// The outermost coroutine, which did not run yet; it is the caller's now.
  promise_base& take_body() noexcept {
    is_started_ = true;
    return *std::exchange(body_, nullptr);
  }

 private:
  struct rarely_used {
    std::optional<std::string> name;
    std::shared_ptr<context_cell> context;  ///< given, and shared with others
    std::string cancel_message;
  };

  [[gnu::noinline]] void go_on(task_state* outer) {
    loop_core& on = loop();
    while (const std::coroutine_handle<> next = std::exchange(on.next_frame, nullptr)) {
      if (next == none_left()) {
        on.current_task = outer;
        return finish();
      }
      next.resume();
    }
    on.current_task = outer;
  }

  rarely_used& rare() {
    if (rare_ == nullptr) rare_ = new rarely_used();
    return *rare_;
  }
  [[gnu::noinline]] void forget_rare() noexcept { delete rare_; }

  /// The outermost frame ended, and is gone: settle.
  virtual void finish() = 0;

  /// The loop closes, and this is not done.
  virtual void loop_closing() noexcept = 0;

  // Numbers count process-wide, as in asyncio; each thread takes them in blocks.
  static std::uint64_t next_id() noexcept {
    constexpr std::uint64_t block = 1024;
    static std::atomic<std::uint64_t> taken = 0;
    static thread_local constinit std::uint64_t last = 0;
    if (last % block == 0) last = taken.fetch_add(block, std::memory_order_relaxed);
    return ++last;
  }

  static inline char none_left_ = 0;

  bool is_started_ : 1 = false;
  union {
    promise_base* body_;  ///< until it is started
    suspension* parked_;  ///< after that
  };
  std::uint64_t id_;
  context_cell context_;
  rarely_used* rare_ = nullptr;
};

}  // namespace aio::detail
