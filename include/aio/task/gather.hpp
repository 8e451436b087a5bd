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
decltype(auto) harvest(future_state<T>& child) {
  if constexpr (Settled) {
    if (std::exception_ptr error = child.outcome_error()) return result<T>(error);
    if constexpr (std::is_void_v<T>) {
      return result<T>(std::in_place, std::monostate{});
    } else {
      return result<T>(std::in_place, take_value(child));
    }
  } else if constexpr (std::is_void_v<T>) {
    return std::monostate{};
  } else {
    return take_value(child);
  }
}

template <bool Settled, class... T>
struct gathered_tuple {
  using value =
      std::tuple<std::conditional_t<Settled, result<T>, value_or_monostate<T>>...>;
  using children = std::tuple<future_state<T>*...>;

  static constexpr std::size_t size(const children&) { return sizeof...(T); }
  template <class Visit>
  static void for_each(const children& all, Visit visit) {
    std::apply([&](auto&... one) { (visit(*one), ...); }, all);
  }
  static value collect(const children& all) {
    return std::apply([](auto&... one) { return value(harvest<Settled>(*one)...); },
                      all);
  }
};

template <bool Settled, class T>
struct gathered_range {
  using value =
      std::vector<std::conditional_t<Settled, result<T>, value_or_monostate<T>>>;
  using children = std::vector<future_state<T>*>;

  static std::size_t size(const children& all) { return all.size(); }
  template <class Visit>
  static void for_each(const children& all, Visit visit) {
    for (auto& one : all) visit(*one);
  }
  static value collect(const children& all) {
    value results;
    results.reserve(all.size());
    for (auto& one : all) results.push_back(harvest<Settled>(*one));
    return results;
  }
};

/// The future that gather returns. Each pending child keeps it alive, and it keeps
/// each child that is done.
template <bool Settled, class Shape>
class gather_state final : public future_state<typename Shape::value> {
 public:
  gather_state(loop_core& loop, typename Shape::children children)
      : future_state<typename Shape::value>(loop),
        children_(std::move(children)),
        watches_(std::make_unique<watch[]>(Shape::size(children_))) {}

  void start() {
    std::size_t i = 0;
    Shape::for_each(children_, [&](completion& child) {
      if (&child.loop() != &this->loop()) {
        throw std::invalid_argument("gather: the futures belong to different loops");
      }
      watches_[i++].of = &child;
    });
    for (std::size_t k = 0; k < i; ++k) {
      watch& w = watches_[k];
      w.owner = this;
      if (w.of->done()) {
        w.kept = intrusive_ptr<completion>(w.of);
      } else {
        this->add_ref();
        w.of->on_done(w);
      }
    }
    if (i == 0) return this->set_value(Shape::collect(children_));
    for (std::size_t k = 0; k < i; ++k) {
      if (watches_[k].kept) child_done(*watches_[k].of);
    }
  }

  bool cancel(std::string_view message) override {
    if (this->done()) return false;
    bool any = false;
    for (std::size_t k = 0; k < Shape::size(children_); ++k) {
      completion* const child = watches_[k].of;
      if (child != nullptr && child->cancel(message)) any = true;
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

  void child_done(completion& child) {
    ++finished_;
    if (this->done()) return child.mark_retrieved();
    if constexpr (!Settled) {
      if (std::exception_ptr error = child.outcome_error()) {
        return this->set_error(std::move(error));
      }
    }
    if (finished_ < Shape::size(children_)) return;
    if (cancel_requested_) {
      // As in asyncio it has the message of the last one, in the order of the
      // arguments.
      std::exception_ptr error;
      Shape::for_each(children_, [&](completion& one) {
        one.mark_retrieved();
        error = one.cancelled() ? one.outcome_error() : nullptr;
      });
      this->set_error(error ? error : std::make_exception_ptr(cancelled_error()));
    } else {
      this->set_value(Shape::collect(children_));
    }
  }

  typename Shape::children children_;
  std::unique_ptr<watch[]> watches_;
  std::size_t finished_ = 0;
  bool cancel_requested_ = false;
};

template <bool Settled, class Shape>
future<typename Shape::value> start_gather(loop_core& loop,
                                           typename Shape::children children) {
  intrusive_ptr<gather_state<Settled, Shape>> made(
      new gather_state<Settled, Shape>(loop, std::move(children)));
  made->start();
  return future<typename Shape::value>(made);
}

template <bool Settled, class... T>
auto gather_futures(const future<T>&... of) {
  loop_core* loop = nullptr;
  if constexpr (sizeof...(T) == 0) {
    loop = &loop_core::require_running();
  } else {
    ((loop = loop == nullptr ? &of.required()->loop() : loop), ...);
  }
  return start_gather<Settled, gathered_tuple<Settled, T...>>(*loop,
                                                              {of.required().get()...});
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
  typename gathered_range<Settled, value_type>::children children;
  children.reserve(futures.size());
  for (auto& one : futures) children.push_back(one.required().get());
  loop_core& loop =
      children.empty() ? loop_core::require_running() : children.front()->loop();
  return start_gather<Settled, gathered_range<Settled, value_type>>(
      loop, std::move(children));
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
