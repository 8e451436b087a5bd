// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The results of several, as they come.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/coro/coro.hpp>
#include <aio/coro/wait_list.hpp>
#include <aio/task/task.hpp>

#include <coroutine>
#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <unordered_set>
#include <utility>
#include <vector>

namespace aio {

struct as_completed_options {
  time_limit timeout = {};
};

namespace detail {

/// Tasks in the order of their ends, and those who wait for the next one. It belongs to
/// those who ask: the tasks know it only while it lives.
template <class Future>
class completion_order final : public ref_counted {
 public:
  completion_order(loop_core& loop, std::vector<Future> all, time_limit timeout)
      : running_(all.size()),
        to_give_(all.size()),
        watches_(std::make_unique<watch[]>(all.size())) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      watches_[i].owner = this;
      watches_[i].of = std::move(all[i]);
      watches_[i].of.required()->on_done(watches_[i]);
    }
    if (running_ == 0) return;
    if (auto when = timeout.after(loop.time())) {
      limit_ = timer_handle(call_at(loop, *when, [this] {
        is_over_ = true;
        waiting_.wake_all();
      }));
    }
  }
  completion_order(const completion_order&) = delete;
  completion_order& operator=(const completion_order&) = delete;
  ~completion_order() override { limit_.cancel(); }

  /// How many are still to be asked for.
  std::size_t to_give() const noexcept { return to_give_; }
  void promise_one() noexcept { --to_give_; }
  void take_promise_back() noexcept { ++to_give_; }

  bool can_go_on() const noexcept { return !ended_.empty() || is_over_; }

  /// The next one to end.
  ///
  /// Throws: timeout_error
  Future take() {
    if (ended_.empty()) throw timeout_error();
    Future first = std::move(ended_.front());
    ended_.pop_front();
    return first;
  }

  /// `co_await news(order)`: waits for a reason to ask can_go_on() again.
  class news {
   public:
    explicit news(completion_order& of) noexcept : of_(of) {}
    auto operator co_await() && noexcept { return awaiter(of_); }

   private:
    class awaiter final : public wait_list::waiter {
     public:
      explicit awaiter(completion_order& of) noexcept : of_(of) {}

      bool await_ready() const noexcept { return false; }
      template <class Promise>
      void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        wait_in(of_.waiting_, frame.promise());
      }
      void await_resume() {
        // Woken for one that this task will not take: the next in line may.
        if (is_called_off() && is_woken() && of_.can_go_on()) of_.waiting_.wake_one();
        throw_if_cancelled();
      }

     private:
      completion_order& of_;
    };

    completion_order& of_;
  };

 private:
  struct watch final : ready_node {
    void run() override { owner->ended(*this); }

    completion_order* owner = nullptr;
    Future of;
  };

  void ended(watch& one) {
    if (is_over_) return;
    ended_.push_back(std::move(one.of));
    if (--running_ == 0) limit_.cancel();
    waiting_.wake_one();
  }

  std::size_t running_;
  std::size_t to_give_;
  bool is_over_ = false;
  std::unique_ptr<watch[]> watches_;
  std::deque<Future> ended_;
  wait_list waiting_;
  timer_handle limit_;
};

}  // namespace detail

/// What as_completed() returns.
template <class Future>
class completed_sequence {
  using order = detail::completion_order<Future>;
  using result_type = await_result_t<Future>;

 public:
  explicit completed_sequence(detail::intrusive_ptr<order> of) : of_(std::move(of)) {}

  /// The next task (or future) to end, itself; none after the last. It can be asked for
  /// its result, or awaited, which then does not suspend.
  ///
  /// Cancellation: stops waiting; the tasks go on, none is lost.
  /// Throws:       timeout_error – the limit was reached; cancelled_error
  coro<std::optional<Future>> next() { return next_of(of_); }

  /// A range of awaitables, one for each: the k-th yields the k-th result. It is walked
  /// through once; left early, it goes on where it was left.
  class iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = coro<result_type>;

    iterator() = default;
    explicit iterator(completed_sequence& of) : of_(&of) {}

    /// Another one each time.
    value_type operator*() const {
      of_->of_->promise_one();
      return result_of(of_->of_);
    }
    iterator& operator++() { return *this; }
    void operator++(int) {}
    friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept {
      return at.is_at_end();
    }

   private:
    bool is_at_end() const noexcept { return of_->of_->to_give() == 0; }

    completed_sequence* of_ = nullptr;
  };

  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  static coro<std::optional<Future>> next_of(detail::intrusive_ptr<order> of) {
    std::optional<Future> next;
    if (of->to_give() == 0) co_return next;
    of->promise_one();
    try {
      while (!of->can_go_on()) co_await typename order::news(*of);
    } catch (const cancelled_error&) {
      of->take_promise_back();
      throw;
    }
    next = of->take();
    co_return next;
  }
  static coro<result_type> result_of(detail::intrusive_ptr<order> of) {
    while (!of->can_go_on()) co_await typename order::news(*of);
    Future next = of->take();
    co_return co_await std::move(next);
  }

  detail::intrusive_ptr<order> of_;
};

/// Awaitables of one type, side by side, in the order in which they end. Coroutines
/// become tasks; duplicates count once.
///
///     auto each = aio::as_completed(std::move(coros), {.timeout = 1s});
///     while (auto next = co_await each.next()) use(next->result());
///
///     for (auto next : aio::as_completed(tasks)) use(co_await std::move(next));
///
/// When the limit is over, what is still asked for throws timeout_error; the tasks go
/// on.
///
/// Takes:      a range; an rvalue if it holds coroutines
/// Throws:     usage_error – no running loop; std::invalid_argument – a future of
/// another
///             loop
/// Complexity: O(tasks)
/// Like:       asyncio.as_completed, both ways of iterating; a next() that is cancelled
///             there uses one up
template <std::ranges::input_range R>
requires awaitable<std::ranges::range_value_t<R>>
auto as_completed(R&& range, as_completed_options options = {}) {
  using future_type =
      decltype(aio::ensure_future(std::declval<std::ranges::range_value_t<R>>()));
  using order = detail::completion_order<future_type>;
  detail::loop_core& loop = detail::loop_core::require_running();
  std::vector<future_type> all;
  std::unordered_set<const detail::completion*> seen;
  for (auto&& one : range) {
    future_type made = [&] {
      using element = std::ranges::range_value_t<R>;
      if constexpr (std::is_lvalue_reference_v<R> || detail::is_future<element>) {
        return aio::ensure_future(one);  // a view may show what others own
      } else {
        return aio::ensure_future(std::move(one));
      }
    }();
    if (&made.required()->loop() != &loop) {
      throw std::invalid_argument(
          "as_completed: a future is attached to a different loop");
    }
    if (seen.insert(made.required().get()).second) all.push_back(std::move(made));
  }
  detail::intrusive_ptr<order> made(new order(loop, std::move(all), options.timeout));
  return completed_sequence<future_type>(std::move(made));
}

}  // namespace aio
