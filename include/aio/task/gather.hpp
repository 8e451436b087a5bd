// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// All results, in the order of the arguments.

#pragma once

#include <aio/core/result.hpp>
#include <aio/task/task.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace aio {

/// First argument of gather: exceptions come as values.
struct return_exceptions_t {};
inline constexpr return_exceptions_t return_exceptions{};

namespace detail {

template <class T>
using value_or_monostate = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// What one child contributes: its value, or a result with the exception.
template <bool Settled, class T>
decltype(auto) harvest(completion& child) {
  if constexpr (Settled) {
    if (std::exception_ptr error = child.outcome_error()) return result<T>(error);
    if constexpr (std::is_void_v<T>) {
      return result<T>(std::in_place, std::monostate{});
    } else {
      return result<T>(std::in_place, take_value<T>(child));
    }
  } else if constexpr (std::is_void_v<T>) {
    return std::monostate{};
  } else {
    return take_value<T>(child);
  }
}

/// What a gather of futures of several types yields; `child(i)` is the i-th of them.
template <bool Settled, class... T>
struct gathered_tuple {
  using value =
      std::tuple<std::conditional_t<Settled, result<T>, value_or_monostate<T>>...>;

  template <class Child>
  static value collect(std::size_t, Child child) {
    return collect(child, std::index_sequence_for<T...>());
  }

 private:
  template <class Child, std::size_t... I>
  static value collect([[maybe_unused]] Child& child, std::index_sequence<I...>) {
    return value(harvest<Settled, T>(child(I))...);
  }
};

/// What a gather of many futures of one type yields.
template <bool Settled, class T>
struct gathered_range {
  using value =
      std::vector<std::conditional_t<Settled, result<T>, value_or_monostate<T>>>;

  template <class Child>
  static value collect(std::size_t count, Child child) {
    value results;
    results.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      results.push_back(harvest<Settled, T>(child(i)));
    }
    return results;
  }
};

/// The future that gather returns. Each pending child keeps it alive, and it keeps
/// each child that is done.
template <bool Settled, class Shape>
class gather_state final : public future_state<typename Shape::value> {
 public:
  gather_state(loop_core& loop, std::size_t size)
      : future_state<typename Shape::value>(loop),
        watches_(std::make_unique<watch[]>(size)),
        size_(size) {}

  /// The children come one after the other, in the order of the arguments.
  void add(completion& child) {
    if (&child.loop() != &this->loop()) {
      throw std::invalid_argument("gather: the futures belong to different loops");
    }
    watches_[added_++].of = &child;
  }

  void start() {
    if (size_ == 0) return give(collect());
    for (watch& w : all()) {
      w.owner = this;
      if (w.of->done()) {
        w.kept = intrusive_ptr<completion>(w.of);
      } else {
        this->add_ref();
        w.of->on_done(w);
      }
    }
    for (watch& w : all()) {
      if (w.kept) child_done(*w.of);
    }
  }

  bool cancel(std::string_view message) override {
    if (this->done()) return false;
    bool any = false;
    for (watch& w : all()) {
      if (w.of != nullptr && w.of->cancel(message)) any = true;
    }
    if (any) cancel_requested_ = true;
    return any;
  }

 private:
  struct watch final : ready_node {
    void run() override {
      const intrusive_ptr<gather_state> keep(owner);
      owner->release();
      kept = of->claim();
      owner->child_done(*of);
    }
    void discard() noexcept override {
      of = nullptr;
      owner->release();
    }

    completion* of = nullptr;  ///< null: it is gone, and was never done
    intrusive_ptr<completion> kept;
    gather_state* owner = nullptr;
  };

  std::span<watch> all() noexcept { return {watches_.get(), size_}; }

  typename Shape::value collect() {
    return Shape::collect(
        size_, [this](std::size_t i) -> completion& { return *watches_[i].of; });
  }

  void child_done(completion& child) {
    ++finished_;
    if (this->done()) return child.mark_retrieved();
    if constexpr (!Settled) {
      if (child.failed() || child.cancelled()) {
        return this->set_error(child.outcome_error());
      }
    }
    if (finished_ < size_) return;
    if (cancel_requested_) {
      // As in asyncio it has the message of the last one, in the order of the
      // arguments.
      std::exception_ptr error;
      for (watch& w : all()) {
        w.of->mark_retrieved();
        error = w.of->cancelled() ? w.of->outcome_error() : nullptr;
      }
      this->set_error(error ? error : std::make_exception_ptr(cancelled_error()));
    } else {
      give(collect());
    }
  }

  void give(typename Shape::value&& all_of_them) {
    set_value<typename Shape::value>(*this, std::move(all_of_them));
  }

  std::unique_ptr<watch[]> watches_;
  std::size_t size_;
  std::size_t added_ = 0;
  std::size_t finished_ = 0;
  bool cancel_requested_ = false;
};

template <bool Settled, class Shape>
auto make_gather(loop_core& loop, std::size_t size) {
  using state = gather_state<Settled, Shape>;
  return intrusive_ptr<state>(new state(loop, size));
}

template <bool Settled, class... T>
auto gather_futures(const future<T>&... of) {
  loop_core* loop = nullptr;
  if constexpr (sizeof...(T) == 0) {
    loop = &loop_core::require_running();
  } else {
    ((loop = loop == nullptr ? &of.required()->loop() : loop), ...);
  }
  using shape = gathered_tuple<Settled, T...>;
  const auto made = make_gather<Settled, shape>(*loop, sizeof...(T));
  (made->add(*of.required()), ...);
  made->start();
  return future<typename shape::value>(made);
}

template <bool Settled, awaitable... A>
auto gather(A&&... awaitables) {
  // Braces, so that the tasks start in the order of the arguments.
  auto futures = std::tuple{aio::ensure_future(std::forward<A>(awaitables))...};
  return std::apply([](const auto&... one) { return gather_futures<Settled>(one...); },
                    futures);
}

template <bool Settled, class R>
auto gather_range(R&& range) {
  using element = std::ranges::range_value_t<R>;
  using T = std::remove_cvref_t<await_result_t<element>>;
  using value_type =
      typename decltype(aio::ensure_future(std::declval<element>()))::value_type;
  static_assert(std::is_void_v<value_type> || std::is_same_v<T, value_type>,
                "gather: a range of references: give it values");
  std::vector<future<value_type>> futures;
  if constexpr (std::ranges::sized_range<R>) futures.reserve(std::ranges::size(range));
  for (auto&& one : range) {
    if constexpr (is_future<element>) {
      futures.push_back(one);  // not moved: a view may show what others own
    } else {
      static_assert(
          !std::is_lvalue_reference_v<R>,
          "gather: coroutines are moved out of their range: std::move(range)");
      futures.push_back(aio::ensure_future(std::move(one)));
    }
  }
  loop_core& loop = futures.empty() ? loop_core::require_running()
                                    : futures.front().required()->loop();
  using shape = gathered_range<Settled, value_type>;
  const auto made = make_gather<Settled, shape>(loop, futures.size());
  for (auto& one : futures) made->add(*one.required());
  made->start();
  return future<typename shape::value>(made);
}

}  // namespace detail

/// Runs awaitables side by side and yields all their values as a tuple, in the order
/// of the arguments (std::monostate for void).
///
///     auto [a, b] = co_await aio::gather(f(), g());
///
/// Coroutines become tasks at the call, not at the await; the result is a future.
/// The first exception is thrown at once, and the others go on, their later
/// exceptions unreported: a task_group stops them instead.
///
/// Cancellation: of the gather: of every child; it ends when the first of them has
///               ended cancelled. A child that is cancelled by others counts as
///               failed with cancelled_error.
/// Throws:       the first exception of a child; usage_error – no running loop;
///               std::invalid_argument – futures of different loops
/// Complexity:   O(children); two allocations besides the tasks
/// Like:         asyncio.gather
template <awaitable... A>
auto gather(A&&... awaitables) {
  return detail::gather<false>(std::forward<A>(awaitables)...);
}

/// As gather, with a result<T> per child: waits for all, throws nothing of theirs.
///
/// Cancellation: of every child; it ends, cancelled, when all have ended.
template <awaitable... A>
auto gather(return_exceptions_t, A&&... awaitables) {
  return detail::gather<true>(std::forward<A>(awaitables)...);
}

/// As gather, for a range of awaitables of one type: yields a vector. Coroutines are
/// moved out of the range, which therefore must be an rvalue.
///
/// Cancellation: see gather
template <std::ranges::input_range R>
requires awaitable<std::ranges::range_value_t<R>>
auto gather(R&& range) { return detail::gather_range<false>(std::forward<R>(range)); }
template <std::ranges::input_range R>
requires awaitable<std::ranges::range_value_t<R>>
auto gather(return_exceptions_t, R&& range) {
  return detail::gather_range<true>(std::forward<R>(range));
}

}  // namespace aio
