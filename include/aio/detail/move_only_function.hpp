// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A box for callables that can only be moved (C++20 has none).

#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace aio::detail {

template <class Signature>
class move_only_function;

/// Calls through one virtual function; the callable lives on the heap.
template <class R, class... Args>
class move_only_function<R(Args...)> {
 public:
  move_only_function() noexcept = default;
  move_only_function(std::nullptr_t) noexcept {}

  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, move_only_function> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      move_only_function(F&& f)
      : target_(std::make_unique<holder<std::decay_t<F>>>(std::forward<F>(f))) {}

  R operator()(Args... args) const {
    return target_->call(std::forward<Args>(args)...);
  }
  explicit operator bool() const noexcept { return target_ != nullptr; }

 private:
  struct base {
    virtual ~base() = default;
    virtual R call(Args...) = 0;
  };

  template <class F>
  struct holder final : base {
    template <class G>
    explicit holder(G&& g) : f(std::forward<G>(g)) {}
    R call(Args... args) override {
      return static_cast<R>(std::invoke(f, std::forward<Args>(args)...));
    }
    F f;
  };

  std::unique_ptr<base> target_;
};

}  // namespace aio::detail
