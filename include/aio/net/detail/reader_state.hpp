// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What a stream_reader reads from: bytes, an end, and at most one who waits.

#pragma once

#include <aio/coro/suspension.hpp>
#include <aio/detail/frame_pool.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/net/detail/read_buffer.hpp>
#include <aio/net/transport.hpp>

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace aio::detail {

class read_waiter;

class reader_state : public ref_counted {
 public:
  explicit reader_state(std::size_t limit_bytes) : limit(limit_bytes) {
    if (limit_bytes == 0) throw std::invalid_argument("the limit of a reader is 0");
  }

  bool at_eof() const noexcept { return is_ended && buffer.empty(); }

  void feed(std::string_view bytes) {
    buffer.append(bytes);
    bytes_came();
  }
  void feed_eof() noexcept {
    is_ended = true;
    wake_waiter(true);
  }
  void set_exception(std::exception_ptr e) noexcept {
    error = std::move(e);
    wake_waiter(false);
  }

  /// After new bytes are in the buffer.
  void bytes_came();

  /// After bytes were taken.
  void bytes_taken() {
    if (waiter != nullptr) restart_waiter();
    if (is_paused && buffer.size() <= limit) resume();
  }

  void resume() {
    is_paused = false;
    source.resume_reading();
  }

  read_buffer buffer;
  std::size_t limit;
  std::exception_ptr error;
  bool is_error_last = false;  ///< what is in the buffer can be read before it
  transport source;            ///< empty for a reader that is fed by hand
  read_waiter* waiter = nullptr;
  bool is_ended = false;
  bool is_paused = false;

 private:
  void wake_waiter(bool fed) noexcept;
  void restart_waiter() noexcept;
};

/// A read that waits. It stays registered until its task has run, so that bytes it was
/// woken for are not read by another meanwhile.
class read_waiter : public suspension {
 public:
  explicit read_waiter(intrusive_ptr<reader_state> from) : from_(std::move(from)) {}

 protected:
  ~read_waiter() { leave(); }

  /// Whether the buffer holds what is asked for, or never will.
  virtual bool is_satisfied() = 0;

  /// Another read has taken the first of the bytes.
  virtual void restart() noexcept = 0;

  bool can_go_on() { return from_->error || is_satisfied(); }

  /// Whether there is nothing to wait for. Bytes that another was woken for are his.
  ///
  /// Throws: usage_error – it must wait, and another does
  bool is_ready_now() {
    const bool is_ready = can_go_on();
    if (from_->waiter != nullptr && (!is_ready || from_->waiter->is_woken_)) {
      throw usage_error(
          "read called while another coroutine is already waiting for incoming data: "
          "one task at a time may read from a stream");
    }
    return is_ready;
  }

  void wait(promise_base& frame) {
    from_->waiter = this;
    if (from_->is_paused) from_->resume();
    park(frame);
  }

  /// First act of await_resume: raises what there is to raise.
  void begin_taking() {
    leave();
    throw_if_cancelled();
    if (!from_->error) return;
    // What came before the error is taken first by the one who waited for it.
    const bool is_first = !is_fed_ && !(from_->is_error_last && is_satisfied());
    if (is_first) std::rethrow_exception(from_->error);
  }

  reader_state& from() noexcept { return *from_; }

 private:
  friend class reader_state;

  void leave() noexcept {
    if (from_->waiter == this) from_->waiter = nullptr;
  }

  bool cancel() noexcept override {
    if (is_woken_) return false;
    is_woken_ = true;
    call_off();
    return true;
  }

  void wake_once(bool fed = true) noexcept {
    if (std::exchange(is_woken_, true)) return;
    is_fed_ = fed;
    wake();
  }

  intrusive_ptr<reader_state> from_;
  bool is_woken_ = false;
  bool is_fed_ = false;  ///< woken by bytes or the end, not by an error
};

inline void reader_state::bytes_came() {
  if (waiter != nullptr) {
    if (!waiter->can_go_on()) return;  // who waits for much gets it, whatever the limit
    waiter->wake_once();
  }
  if (!is_paused && source && buffer.size() > 2 * limit) {
    is_paused = true;
    source.pause_reading();
  }
}

inline void reader_state::restart_waiter() noexcept { waiter->restart(); }

inline void reader_state::wake_waiter(bool fed) noexcept {
  if (waiter != nullptr) waiter->wake_once(fed);
}

/// `co_await read_operation<Rule>(state, rule)`: waits until `rule.is_satisfied(state)`
/// and yields `rule.take(state)`. Nothing leaves the buffer before the task runs.
template <class Rule>
class [[nodiscard]] read_operation {
 public:
  read_operation(intrusive_ptr<reader_state> from, Rule rule)
      : from_(std::move(from)), rule_(std::move(rule)) {}

  auto operator co_await() && { return awaiter(std::move(from_), std::move(rule_)); }

 private:
  class awaiter final : public read_waiter {
   public:
    awaiter(intrusive_ptr<reader_state> from, Rule rule)
        : read_waiter(std::move(from)), rule_(std::move(rule)) {}

    bool await_ready() { return is_ready_now(); }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      wait(frame.promise());
    }

    auto await_resume() {
      begin_taking();
      auto taken = rule_.take(from());
      from().bytes_taken();
      return taken;
    }

   private:
    bool is_satisfied() override { return rule_.is_satisfied(from()); }
    void restart() noexcept override {
      if constexpr (requires { rule_.restart(); }) rule_.restart();
    }

    Rule rule_;
  };

  intrusive_ptr<reader_state> from_;
  Rule rule_;
};

}  // namespace aio::detail
