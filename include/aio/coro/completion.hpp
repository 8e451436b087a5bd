// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Done-ness: what future and task share, whatever they yield.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/core/result.hpp>
#include <aio/detail/frame_pool.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/detail/intrusive_ptr.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace aio::detail {

/// Pending, then settled once. Whoever waits (a suspension or a done callback) stands
/// in one list, in the order of arrival; settling moves the list behind what is ready.
///
/// As a ready_node it stands behind those who watch it, once it is done: it owns a
/// reference there, and so lives until they have run.
class completion : public ready_node, public pooled {
 public:
  explicit completion(loop_core& loop) noexcept : loop_(&loop) {}

  // Shared ownership; see intrusive_ptr.
  void add_ref() noexcept { ++refs_; }
  [[gnu::always_inline]] void release() noexcept {
    if (--refs_ == 0) destroy();
  }
  std::uint32_t use_count() const noexcept { return refs_; }

  loop_core& loop() const noexcept { return *loop_; }
  bool done() const noexcept { return state_ != state::pending; }
  bool cancelled() const noexcept { return state_ == state::cancelled; }
  bool failed() const noexcept { return state_ == state::failed; }
  bool succeeded() const noexcept { return state_ == state::value; }

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

  /// The outcome<T> of what yields a T.
  virtual void* place_of_result() noexcept { return &error_; }

  /// With what is in its place already; without a value there is nothing to put there.
  [[gnu::always_inline]] void settle_value() noexcept { settle(state::value); }

  /// The name under which an exception that nobody took is reported.
  virtual std::string title() const { return "future"; }

 protected:
  virtual void report() noexcept {
    loop_->call_exception_handler(
        {"the exception of a " + title() + " was never retrieved", error_.error(),
         title()});
  }

  [[gnu::always_inline]] virtual ~completion() { drop_waiters(); }

  void run() override { release(); }
  void discard() noexcept override { release(); }

  /// The loop is gone: nobody is told.
  [[gnu::always_inline]] void drop_waiters() noexcept {
    if (!waiters_.empty()) [[unlikely]]
      discard_waiters();
  }

 private:
  enum class state : std::uint32_t { pending, value, failed, cancelled };

  [[gnu::noinline]] void discard_waiters() noexcept {
    while (!waiters_.empty()) waiters_.pop_front().discard();
  }

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
    if (watchers_ > 0) {
      if (!is_linked()) add_ref();
      unlink();
      waiters_.push_back(*this);
    }
    loop_->push_all(waiters_);
  }

  /// None of those who watch it needs it any more.
  void let_go() noexcept {
    if (!is_linked()) return;
    unlink();
    release();
  }

  /// Here and not in the destructor, where title() is no longer that of a task.
  [[gnu::noinline]] void destroy() noexcept {
    if (state_ == state::failed && !retrieved_) report();
    delete this;
  }

  std::uint32_t refs_ = 0;
  std::uint32_t watchers_ : 29 = 0;  ///< nodes that came through on_done()
  state state_ : 2 = state::pending;
  bool retrieved_ : 1 = true;
  intrusive_ptr<loop_core> loop_;
  intrusive_list<ready_node> waiters_;

 protected:
  outcome<void> error_;  ///< none for a cancel without a message
};

/// The outcome of a completion that yields a T.
template <class T>
outcome<T>& outcome_of(completion& of) noexcept {
  return *static_cast<outcome<T>*>(of.place_of_result());
}

/// The value of a done one, for one of its owners: moved out if nobody else can ask for
/// it (or if it can only be moved), else a copy.
template <class T>
T take_value(completion& of) {
  outcome<T>& slot = outcome_of<T>(of);
  if constexpr (std::is_object_v<T> && std::copy_constructible<T>) {
    if (of.use_count() > 1) return T(slot.value());
  }
  return slot.take();
}

}  // namespace aio::detail
