// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Waits for an end, whatever it is.

#pragma once

#include <aio/coro/completion.hpp>
#include <aio/coro/suspension.hpp>

#include <coroutine>

namespace aio::detail {

/// `co_await end_of(c)`: returns once `c` is done; takes no result and throws none.
///
/// Cancellation: leaves the line, and `c` alone.
/// Lifetime:     `c` must live until then.
class [[nodiscard]] end_of {
 public:
  explicit end_of(completion& of) noexcept : of_(of) {}

  auto operator co_await() && noexcept { return awaiter(of_); }

 private:
  class awaiter final : public suspension {
   public:
    explicit awaiter(completion& of) noexcept : of_(of) {}

    bool await_ready() const noexcept { return of_.done(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      of_.add_waiter(*this);
      park(frame.promise());
    }
    void await_resume() { throw_if_cancelled(); }

   private:
    bool cancel() noexcept override {
      if (of_.done()) return false;
      call_off();
      return true;
    }

    completion& of_;
  };

  completion& of_;
};

}  // namespace aio::detail
