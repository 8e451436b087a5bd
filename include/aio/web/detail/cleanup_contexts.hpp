// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The ways to write a cleanup context.

#pragma once

#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/task/with.hpp>
#include <aio/web/detail/application_state.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace aio::web::detail {

template <class F>
decltype(auto) call_with_app(F& f, const application& app) {
  if constexpr (std::invocable<F&, const application&>) {
    return std::invoke(f, app);
  } else {
    return std::invoke(f);
  }
}

template <class Start, class Stop>
class pair_context final : public cleanup_context {
 public:
  pair_context(Start start, Stop stop)
      : start_(std::move(start)), stop_(std::move(stop)) {}

  coro<> start(const application& app) override { co_await call_with_app(start_, app); }
  coro<> stop(const application& app) override { co_await call_with_app(stop_, app); }

 private:
  Start start_;
  Stop stop_;
};

template <class F>
class generator_context final : public cleanup_context {
  using generator =
      decltype(call_with_app(std::declval<F&>(), std::declval<const application&>()));

 public:
  explicit generator_context(F f) : f_(std::move(f)) {}

  coro<> start(const application& app) override {
    generator_.emplace(call_with_app(f_, app));
    const auto yielded = co_await generator_->next();
    if (!yielded) throw usage_error("a cleanup context must yield once");
  }
  coro<> stop(const application&) override {
    const auto more = co_await generator_->next();
    if (more) throw usage_error("a cleanup context yielded more than once");
  }

 private:
  F f_;
  std::optional<generator> generator_;
};

template <class R>
class resource_context final : public cleanup_context {
 public:
  explicit resource_context(R resource) : resource_(std::move(resource)) {}

  coro<> start(const application&) override { co_await resource_.enter(); }
  coro<> stop(const application&) override { co_await resource_.exit(nullptr); }

 private:
  R resource_;
};

}  // namespace aio::web::detail
