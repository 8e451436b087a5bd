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
#include <unordered_set>
#include <utility>
#include <vector>

namespace aio {

struct as_completed_options {
  time_limit timeout = {};
};

namespace detail {

/// Tasks in the order of their ends, and those who wait for the next one.
template <class Future>
class completion_order final : public ref_counted {
 public:
  completion_order(loop_core& loop, std::vector<Future> all, time_limit timeout)
      : loop_(&loop),
        left_(all.size()),
        watches_(std::make_unique<watch[]>(all.size())) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      watches_[i].owner = this;
      watches_[i].of = std::move(all[i]);
      add_ref();
      watches_[i].of.required()->on_done(watches_[i]);
    }
    if (left_ == 0) return;
    if (auto when = timeout.after(loop.time())) {
      limit_ = timer_handle(
          call_at(loop, *when, [self = intrusive_ptr<completion_order>(this)] {
            self->is_over_ = true;
            self->waiting_.wake_all();
          }));
    }
  }

  /// `co_await next(state)`: the next one to end; throws timeout_error.
  class next_operation {
   public:
    explicit next_operation(intrusive_ptr<completion_order> of) : of_(std::move(of)) {}
    auto operator co_await() && { return awaiter(std::move(of_)); }

   private:
    class awaiter final : public wait_list::waiter {
     public:
      explicit awaiter(intrusive_ptr<completion_order> of) : of_(std::move(of)) {}

      bool await_ready() const noexcept { return of_->can_go_on(); }
      template <class Promise>
      void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        wait_in(of_->waiting_, frame.promise());
      }
      Future await_resume() {
        // Woken for one that this task will not take: the next in line may.
        if (is_called_off() && is_woken()) of_->pass_on();
        throw_if_cancelled();
        return of_->take();
      }

     private:
      intrusive_ptr<completion_order> of_;
    };

    intrusive_ptr<completion_order> of_;
  };

 private:
  struct watch final : ready_node {
    void run() override {
      const intrusive_ptr<completion_order> keep(owner);
      owner->release();
      owner->ended(*this);
    }
    void discard() noexcept override { owner->release(); }

    completion_order* owner = nullptr;
    Future of;
  };

  bool can_go_on() const noexcept { return !ended_.empty() || is_over_; }

  void ended(watch& one) {
    if (is_over_) return;
    ended_.push_back(std::move(one.of));
    if (--left_ == 0) limit_.cancel();
    waiting_.wake_one();
  }

  void pass_on() noexcept {
    if (!ended_.empty()) waiting_.wake_one();
  }

  Future take() {
    if (ended_.empty()) throw timeout_error();
    Future first = std::move(ended_.front());
    ended_.pop_front();
    return first;
  }

  intrusive_ptr<loop_core> loop_;
  std::size_t left_;
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
  using value_type = typename Future::value_type;

 public:
  completed_sequence(detail::intrusive_ptr<order> of, std::size_t count)
      : of_(std::move(of)), left_(count) {}

  /// The next task (or future) to end, itself; none after the last. It can be asked for
  /// its result, or awaited, which then does not suspend.
  ///
  /// Cancellation: stops waiting; the tasks go on, none is lost.
  /// Throws:       timeout_error – the limit was reached; cancelled_error
  coro<std::optional<Future>> next() {
    if (left_ == 0) return none();
    --left_;
    return one(of_);
  }

  /// A range of awaitables, one for each: the k-th yields the k-th result.
  class iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = coro<typename Future::value_type>;

    iterator() = default;
    explicit iterator(completed_sequence& of) : of_(&of) {}

    value_type operator*() const { return result(of_->of_); }
    iterator& operator++() {
      --of_->left_;
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept {
      return at.is_at_end();
    }

   private:
    bool is_at_end() const noexcept { return of_->left_ == 0; }

    completed_sequence* of_ = nullptr;
  };

  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  static coro<std::optional<Future>> none() {
    std::optional<Future> nothing;
    co_return nothing;
  }
  static coro<std::optional<Future>> one(detail::intrusive_ptr<order> of) {
    std::optional<Future> next = co_await typename order::next_operation(std::move(of));
    co_return next;
  }
  static coro<value_type> result(detail::intrusive_ptr<order> of) {
    Future next = co_await typename order::next_operation(std::move(of));
    co_return co_await std::move(next);
  }

  detail::intrusive_ptr<order> of_;
  std::size_t left_;
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
/// Throws:     usage_error – no running loop
/// Complexity: O(tasks)
/// Like:       asyncio.as_completed, both ways of iterating
template <std::ranges::input_range R>
requires awaitable<std::ranges::range_value_t<R>>
auto as_completed(R&& range, as_completed_options options = {}) {
  using future_type =
      decltype(aio::ensure_future(std::declval<std::ranges::range_value_t<R>>()));
  using order = detail::completion_order<future_type>;
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
    if (seen.insert(made.required().get()).second) all.push_back(std::move(made));
  }
  const std::size_t count = all.size();
  detail::intrusive_ptr<order> made(
      new order(detail::loop_core::require_running(), std::move(all), options.timeout));
  return completed_sequence<future_type>(std::move(made), count);
}

}  // namespace aio
