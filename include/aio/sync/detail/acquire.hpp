// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What lock and semaphore share: to wait for one's turn, to hold, to give back.

#pragma once

#include <aio/sync/detail/line.hpp>
#include <aio/sync/detail/tie.hpp>

#include <coroutine>
#include <utility>

namespace aio::detail {

/// Something taken from a lock or semaphore, given back when this goes. Movable; if the
/// lock is destroyed before it, it holds nothing.
///
///     auto guard = co_await lock.scoped();
template <class Of>
class [[nodiscard]] hold {
 public:
  hold() noexcept = default;
  explicit hold(Of& of) noexcept : of_(&of), tie_(of.ties_) {}
  hold(hold&& other) noexcept { take_over(other); }
  hold& operator=(hold&& other) noexcept {
    if (this != &other) {
      release();
      take_over(other);
    }
    return *this;
  }
  ~hold() { release(); }

  /// Whether there is something to give back.
  explicit operator bool() const noexcept { return static_cast<bool>(tie_); }

  /// Gives it back now; does nothing if that was done.
  void release() noexcept {
    if (!tie_) return;
    tie_.unlink();
    of_->give_back();
  }

 private:
  void take_over(hold& other) noexcept {
    if (!other.tie_) return;
    of_ = other.of_;
    other.tie_.unlink();
    tie_.attach(of_->ties_);
  }

  Of* of_ = nullptr;
  tie tie_;
};

/// `co_await lock.acquire()`; yields a hold if `Scoped`.
///
/// `Of` takes without waiting in try_acquire(), and in take_turn() after it waited.
template <class Of, bool Scoped>
class [[nodiscard]] acquire_operation {
 public:
  explicit acquire_operation(Of& of) noexcept : of_(of) {}

  [[gnu::always_inline]] auto operator co_await() && noexcept { return awaiter(of_); }

 private:
  class awaiter final : public line::place {
   public:
    explicit awaiter(Of& of) noexcept : of_(of) {}
    [[gnu::always_inline]] ~awaiter() {}  // = default would be a call

    bool await_ready() const noexcept { return of_.try_acquire(); }
    template <class Promise>
    [[gnu::always_inline]] void await_suspend(std::coroutine_handle<Promise> frame) {
      stand_in(of_.line_, frame.promise());
    }
    [[gnu::always_inline]] auto await_resume() {
      if (has_waited()) [[unlikely]]
        finish_wait();
      if constexpr (Scoped) return hold<Of>(of_);
    }

   private:
    [[gnu::noinline]] void finish_wait() {
      if (is_in_line()) {
        leave();
        of_.take_turn(is_woken(), is_called_off());
      }
      throw_if_cancelled();
      throw_if_orphaned();
    }

    Of& of_;
  };

  Of& of_;
};

/// What aio::with awaits when it leaves: nothing.
struct no_wait {
  using is_native = void;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}
};

}  // namespace aio::detail
