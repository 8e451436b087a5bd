// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Done-ness: what future and task share, whatever they yield.

#pragma once

#include <aio/core/handle.hpp>
#include <aio/core/loop.hpp>
#include <aio/core/result.hpp>
#include <aio/coro/task_state.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// Pending, then settled once. Whoever waits (a suspension or a done callback) stands
/// in one list, in the order of arrival; settling moves the list behind what is ready.
class completion : public ref_counted, public pooled {
 public:
  explicit completion(loop_core& loop) noexcept : loop_(&loop) {}

  loop_core& loop() const noexcept { return *loop_; }
  bool done() const noexcept { return state_ != state::pending; }
  bool cancelled() const noexcept { return state_ == state::cancelled; }
  bool failed() const noexcept { return state_ == state::failed; }

  /// Asks for an end. True if it will come to that. Like: asyncio.Future.cancel()
  virtual bool cancel(std::string_view message) {
    retrieved_ = true;
    if (done()) return false;
    settle_cancelled(nullptr, message);
    return true;
  }

  /// Waits for the end behind those who came before; not for what is done.
  void add_waiter(ready_node& node) noexcept { waiters_.push_back(node); }

  /// Runs `node` after the end: behind other waiters, or next if it is over.
  ///
  /// The completion lives until `node` has run, but is not kept pending by it: who
  /// waits owns nothing of what it waits for, or nobody could ever let go.
  void on_done(ready_node& node) noexcept {
    ++watchers_;
    waiters_.push_back(node);
    if (done()) push_waiters();
  }

  /// For a node of on_done() while it runs: takes over what kept this alive for it.
  intrusive_ptr<completion> claim() noexcept {
    intrusive_ptr<completion> mine(this);
    if (watchers_ == 1) let_go();
    return mine;
  }

  void set_error(std::exception_ptr error) {
    require_pending();
    error_.set_error(std::move(error));
    retrieved_ = false;
    settle(state::failed);
  }

  void settle_cancelled(std::exception_ptr as, std::string_view message) {
    if (!as && !message.empty()) as = cancelled_with(message);
    error_.set_error(std::move(as));
    settle(state::cancelled);
  }

  void require_pending() const {
    if (done()) {
      throw invalid_state_error(
          "the future is done already: it can be given a result, an exception or a "
          "cancel only once");
    }
  }
  void require_done() const {
    if (!done()) {
      throw invalid_state_error(
          "the result is not there yet: co_await it, or ask done() first");
    }
  }

  /// Somebody saw the exception, so that it need not be reported.
  void mark_retrieved() noexcept { retrieved_ = true; }

  /// The exception that co_await would throw; null if there is a value.
  std::exception_ptr outcome_error() {
    retrieved_ = true;
    if (cancelled() && error_.has_value()) error_.set_error(cancelled_with({}));
    return error_.error();
  }

  /// Takes the way of a done future: throws unless there is a value.
  [[gnu::always_inline]] void rethrow() {
    if (state_ != state::value) [[unlikely]]
      throw_outcome();
  }

  /// The name under which an exception that nobody took is reported.
  virtual std::string title() const { return "future"; }

 protected:
  virtual void report() noexcept {
    loop_->call_exception_handler(
        {"the exception of a " + title() + " was never retrieved", error_.error(),
         title()});
  }

  ~completion() override { drop_waiters(); }

  void settle_value() noexcept { settle(state::value); }

  /// Puts a node behind `waiters`, or moves it there, that keeps this alive until it has
  /// run.
  virtual void keep_behind(intrusive_list<ready_node>& waiters) noexcept {
    if (keeper_ == nullptr) keeper_ = new keeper(*this);
    keeper_->unlink();
    waiters.push_back(*keeper_);
  }

  /// Takes it away again.
  virtual void let_go() noexcept {
    if (keeper_ != nullptr) keeper_->discard();
  }

  /// The loop is gone: nobody is told.
  void drop_waiters() noexcept {
    while (!waiters_.empty()) waiters_.pop_front().discard();
  }

 private:
  enum class state : std::uint32_t { pending, value, failed, cancelled };

  /// Stands behind those of on_done() in the ready queue, and owns a reference there.
  struct keeper final : ready_node, pooled {
    explicit keeper(completion& kept) noexcept : of(kept) { of.add_ref(); }
    void run() override { discard(); }
    void discard() noexcept override {
      const intrusive_ptr<completion> last(&of);
      of.release();
      of.keeper_ = nullptr;
      delete this;
    }

    completion& of;
  };

  static std::exception_ptr cancelled_with(std::string_view message) {
    return std::make_exception_ptr(cancelled_error(std::string(message)));
  }

  [[noreturn, gnu::noinline]] void throw_outcome() {
    require_done();
    std::rethrow_exception(outcome_error());
  }

  [[gnu::always_inline]] void settle(state to) noexcept {
    state_ = to;
    push_waiters();
  }

  [[gnu::always_inline]] void push_waiters() noexcept {
    if (waiters_.empty()) return;
    if (watchers_ > 0) keep_behind(waiters_);
    loop_->push_all(waiters_);
  }

  /// Here and not in the destructor, where title() is no longer that of a task.
  void destroy() noexcept override {
    if (state_ == state::failed && !retrieved_) report();
    delete this;
  }

  // First, where the count of the base leaves room.
  std::uint32_t watchers_ : 29 = 0;  ///< nodes that came through on_done()
  state state_ : 2 = state::pending;
  bool retrieved_ : 1 = true;
  intrusive_ptr<loop_core> loop_;
  intrusive_list<ready_node> waiters_;
  keeper* keeper_ = nullptr;

 protected:
  outcome<void> error_;  ///< none for a cancel without a message
};

}  // namespace aio::detail
