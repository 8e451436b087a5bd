// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Awaits without passing a cancel on.

#pragma once

#include <aio/task/task.hpp>

#include <string_view>
#include <utility>

namespace aio {
namespace detail {

/// The future between the one that waits and the one that is protected.
template <class T>
class shield_state final : public future_state<T> {
 public:
  explicit shield_state(completion& inner)
      : future_state<T>(inner.loop()), inner_(&inner) {
    this->add_ref();  // the watch's
    inner.on_done(watch_);
  }

  /// Leaves the line as well, a turn later: many may come and go before the inner one
  /// is done, but an error of this turn counts as seen.
  bool cancel(std::string_view message) override {
    if (!future_state<T>::cancel(message)) return false;
    if (inner_ != nullptr && !inner_->done()) {
      this->add_ref();
      this->loop().push(leaving_);
    }
    return true;
  }

 private:
  struct watch final : ready_node {
    explicit watch(shield_state& of) noexcept : owner(of) {}
    void run() override {
      const intrusive_ptr<shield_state> keep(&owner);
      owner.release();
      owner.pass_on();
      owner.inner_ = nullptr;
    }
    void discard() noexcept override {
      owner.inner_ = nullptr;
      owner.release();
    }

    shield_state& owner;
  };

  struct leaving final : ready_node {
    explicit leaving(shield_state& of) noexcept : owner(of) {}
    void run() override {
      const intrusive_ptr<shield_state> keep(&owner);
      owner.release();
      if (owner.inner_ == nullptr || owner.inner_->done()) return;
      owner.watch_.unlink();
      owner.release();
    }
    void discard() noexcept override { owner.release(); }

    shield_state& owner;
  };

  void pass_on() {
    const intrusive_ptr<completion> kept = inner_->claim();
    if (this->done()) {
      if (!inner_->cancelled()) inner_->mark_retrieved();
    } else if (inner_->cancelled()) {
      this->settle_cancelled(nullptr, {});
    } else if (std::exception_ptr error = inner_->outcome_error()) {
      this->set_error(std::move(error));
    } else if constexpr (std::is_void_v<T>) {
      set_value<T>(*this);
    } else {
      set_value<T>(*this, take_value<T>(*inner_));
    }
  }

  completion* inner_;  ///< null: it is gone, and was never done
  watch watch_{*this};
  leaving leaving_{*this};
};

}  // namespace detail

/// Awaits something that a cancel of the waiting task must not stop.
///
///     T y = co_await aio::shield(t);
///
/// A coroutine becomes a task, which the loop keeps alive. If the protected one is
/// cancelled itself, so is the shield.
///
/// Cancellation: ends the shield; the protected task goes on.
/// Throws:       what the protected one throws; cancelled_error
/// Like:         asyncio.shield
template <awaitable A>
auto shield(A&& awaitable) {
  auto inner = aio::ensure_future(std::forward<A>(awaitable));
  using T = typename decltype(inner)::value_type;
  if (inner.done()) return future<T>(inner.required());
  return future<T>(detail::intrusive_ptr<detail::completion>(
      new detail::shield_state<T>(*inner.required())));
}

}  // namespace aio
