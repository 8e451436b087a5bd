// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Waits until a descriptor can be read or written.

#pragma once

#include <aio/coro/suspension.hpp>
#include <aio/io/asio_driver.hpp>

#include <coroutine>
#include <cstdint>

namespace aio::detail {

/// `co_await wait_ready(driver, fd, EPOLLOUT)`; nobody else watches the descriptor.
///
/// Cancellation: stops waiting.
/// Throws:       boost::system::system_error – it cannot be waited for; cancelled_error
class [[nodiscard]] wait_ready {
 public:
  wait_ready(asio_driver& driver, int fd, std::uint32_t events) noexcept
      : driver_(driver), fd_(fd), events_(events) {}

  auto operator co_await() && { return awaiter(driver_, fd_, events_); }

 private:
  class awaiter final : public suspension, private watcher {
   public:
    awaiter(asio_driver& driver, int fd, std::uint32_t events) noexcept
        : driver_(driver), fd_(fd), events_(events) {}
    ~awaiter() { stop_watching(); }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      driver_.watch(fd_, events_, *this);
      is_watching_ = true;
      park(frame.promise());
    }

    void await_resume() { throw_if_cancelled(); }

   private:
    void ready(std::uint32_t) override {
      stop_watching();
      wake();
    }

    bool cancel() noexcept override {
      if (!is_watching_) return false;
      stop_watching();
      call_off();
      return true;
    }

    void stop_watching() noexcept {
      if (!is_watching_) return;
      is_watching_ = false;
      driver_.unwatch(fd_, *this);
    }

    asio_driver& driver_;
    int fd_;
    std::uint32_t events_;
    bool is_watching_ = false;
  };

  asio_driver& driver_;
  int fd_;
  std::uint32_t events_;
};

}  // namespace aio::detail
