// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One Asio operation as one suspension.

#pragma once

#include <aio/coro/suspension.hpp>
#include <aio/detail/intrusive_ptr.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <coroutine>
#include <optional>
#include <tuple>
#include <utility>

namespace aio::detail {

/// `co_await asio_operation<Args...>(start)` calls `start(handler)`, where the handler
/// takes `Args...` on the loop's thread, and yields them as a tuple.
///
/// Cancellation: asks the operation to stop (of all types, as it can) and waits for its
///               handler; then the await raises, and what it brought is lost.
/// Throws:       cancelled_error. Error codes come as values.
/// Complexity:   one allocation
template <class Start, class... Args>
class [[nodiscard]] asio_operation {
  class awaiter;

  // Outlives the frame if that is destroyed while Asio works.
  struct shared final : ref_counted, pooled {
    awaiter* waiting = nullptr;
    boost::asio::cancellation_signal stop;
    std::optional<std::tuple<Args...>> result;
  };

 public:
  explicit asio_operation(Start start) : start_(std::move(start)) {}

  auto operator co_await() && { return awaiter(std::move(start_)); }

 private:
  class awaiter final : public suspension {
   public:
    explicit awaiter(Start start) : start_(std::move(start)) {}
    ~awaiter() {
      if (!state_ || state_->result) return;
      state_->waiting = nullptr;
      state_->stop.emit(boost::asio::cancellation_type::terminal);
    }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      state_ = intrusive_ptr<shared>(new shared);
      start_(boost::asio::bind_cancellation_slot(
          state_->stop.slot(), [state = state_](Args... args) {
            state->result.emplace(std::move(args)...);
            if (state->waiting != nullptr) state->waiting->completed();
          }));
      state_->waiting = this;
      park(frame.promise());
    }

    std::tuple<Args...> await_resume() {
      throw_if_cancelled();
      return *std::move(state_->result);
    }

   private:
    friend struct shared;
    friend class asio_operation;
    void completed() noexcept { wake(); }

    bool cancel() noexcept override {
      if (!state_->result) {
        using type = boost::asio::cancellation_type;
        state_->stop.emit(type::terminal | type::partial | type::total);
      }
      return false;  // raised when the handler has run
    }

    Start start_;
    intrusive_ptr<shared> state_;
  };

  Start start_;
};

template <class... Args, class Start>
auto await_asio(Start start) {
  return asio_operation<Start, Args...>(std::move(start));
}

}  // namespace aio::detail
