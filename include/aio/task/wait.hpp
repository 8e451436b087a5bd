// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Waits for some of several tasks.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/task/task.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <unordered_set>
#include <utility>
#include <vector>

namespace aio {

enum class return_when : unsigned char {
  first_completed,
  first_exception,  ///< or all, if none fails
  all_completed,
};
inline constexpr return_when first_completed = return_when::first_completed;
inline constexpr return_when first_exception = return_when::first_exception;
inline constexpr return_when all_completed = return_when::all_completed;

struct wait_options {
  time_limit timeout = {};
  enum return_when return_when = all_completed;
};

/// Those that are done and those that are not, each in the order they were given.
template <class Future>
class wait_result {
 public:
  wait_result() = default;

  std::vector<Future> done;
  std::vector<Future> pending;
};

namespace detail {

/// Counts the ends of futures until there are enough.
class end_counter {
 public:
  end_counter(loop_core& loop, std::size_t count, enum return_when until)
      : enough_(make_future<void>(loop)),
        left_(count),
        until_(until),
        watches_(std::make_unique<watch[]>(count)) {}

  void watch_for(std::size_t index, completion& of) {
    watch& w = watches_[index];
    w.of = &of;
    w.owner = this;
    of.on_done(w);
  }

  const future<void>& enough() const noexcept { return enough_; }
  void stop_waiting() {
    if (!enough_.done()) enough_.set_result();
  }

 private:
  struct watch final : ready_node {
    void run() override { owner->one_ended(*of); }

    completion* of = nullptr;
    end_counter* owner = nullptr;
  };

  void one_ended(completion& of) {
    --left_;
    if (left_ == 0 || until_ == first_completed ||
        (until_ == first_exception && of.failed())) {
      if (left_ > 0 && until_ == first_exception) of.mark_retrieved();
      stop_waiting();
    }
  }

  future<void> enough_;
  std::size_t left_;
  enum return_when until_;
  std::unique_ptr<watch[]> watches_;
};

template <class Future>
coro<wait_result<Future>> wait_for_ends(std::vector<Future> all, wait_options options) {
  loop_core& loop = loop_core::require_running();
  for (const Future& one : all) {
    if (&one.required()->loop() != &loop) {
      throw usage_error("wait: a future is attached to a different loop");
    }
  }
  {
    end_counter counter(loop, all.size(), options.return_when);
    timer_handle limit;
    if (auto when = options.timeout.after(loop.time())) {
      limit =
          timer_handle(call_at(loop, *when, [&counter] { counter.stop_waiting(); }));
    }
    const scope_exit no_limit([&limit] { limit.cancel(); });
    for (std::size_t i = 0; i < all.size(); ++i) {
      counter.watch_for(i, *all[i].required());
    }
    co_await counter.enough();
  }
  wait_result<Future> sorted;
  for (Future& one : all) {
    (one.done() ? sorted.done : sorted.pending).push_back(std::move(one));
  }
  co_return sorted;
}

}  // namespace detail

/// Waits until the first or all of some tasks (or futures) are done, or a time limit
/// is over. Duplicates count once.
///
///     auto [done, pending] = co_await aio::wait(tasks, {.timeout = 1s});
///
/// It neither throws what they threw nor cancels those still pending. It gives way
/// even if all are done.
///
/// Takes:        a range of tasks or futures; a coroutine must be made a task first
/// Cancellation: leaves the tasks alone.
/// Throws:       cancelled_error; std::invalid_argument – nothing to wait for (at
///               the call); usage_error – a future of another loop
/// Complexity:   O(tasks)
/// Like:         asyncio.wait
template <std::ranges::input_range R>
requires detail::is_future<std::ranges::range_value_t<R>>
    coro<wait_result<std::ranges::range_value_t<R>>> wait(R&& tasks,
                                                          wait_options options = {}) {
  std::vector<std::ranges::range_value_t<R>> all;
  std::unordered_set<const detail::completion*> seen;
  for (auto&& one : tasks) {
    if (seen.insert(one.required().get()).second) all.push_back(one);
  }
  if (all.empty()) throw std::invalid_argument("wait: the set of tasks is empty");
  return detail::wait_for_ends(std::move(all), options);
}

/// The same for some of one type, each given by itself; the options come first.
///
///     co_await aio::wait({.timeout = 1s}, first, second);
template <class Future, std::same_as<Future>... More>
requires detail::is_future<Future> coro<wait_result<Future>> wait(
    const wait_options& options, Future one, More... more) {
  std::vector<Future> all;
  all.reserve(1 + sizeof...(More));
  all.push_back(std::move(one));
  (all.push_back(std::move(more)), ...);
  return wait(all, options);
}
template <class Future, std::same_as<Future>... More>
requires detail::is_future<Future> coro<wait_result<Future>> wait(Future one,
                                                                  More... more) {
  return wait(wait_options{}, std::move(one), std::move(more)...);
}

}  // namespace aio
