// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Waits until a descriptor can be read or written.

#pragma once

#include <aio/coro/suspension.hpp>
#include <aio/io/descriptors.hpp>
#include <aio/io/event_loop.hpp>

#include <coroutine>

namespace aio::detail {

/// `co_await wait_ready(loop, fd, descriptors::direction::read)`.
///
/// Cancellation: stops waiting.
/// Throws:       usage_error – it belongs to a transport, or another coroutine waits
///               for the same; boost::system::system_error – it cannot be waited for;
///               cancelled_error
class [[nodiscard]] wait_ready {
 public:
  using direction = descriptors::direction;

  wait_ready(event_loop& loop, int fd, direction to) noexcept
      : loop_(loop), fd_(fd), to_(to) {}

  auto operator co_await() && { return awaiter(loop_, fd_, to_); }

 private:
  class awaiter final : public suspension, private descriptors::waiter {
   public:
    awaiter(event_loop& loop, int fd, direction to) {
      loop.use_service<descriptors>().wait(fd, to, *this);
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      park(frame.promise());
    }
    void await_resume() { throw_if_cancelled(); }

   private:
    void became_ready() noexcept override { wake(); }

    bool cancel() noexcept override {
      if (!is_waiting()) return false;
      stop_waiting();
      call_off();
      return true;
    }
  };

  event_loop& loop_;
  int fd_;
  direction to_;
};

}  // namespace aio::detail
