// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// How something ended: with a value or with an exception.

#pragma once

#include <aio/core/error.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace aio {

/// A value or the exception that came in its place (a cancellation too).
///
/// gather(return_exceptions, ...) yields one per awaitable. For `void` the value
/// is std::monostate; for a reference it is the object referred to.
template <class T>
class result {
  static constexpr bool is_reference = std::is_reference_v<T>;

 public:
  using value_type =
      std::conditional_t<std::is_void_v<T>, std::monostate, std::remove_reference_t<T>>;
  using stored_type =
      std::conditional_t<is_reference, std::reference_wrapper<value_type>, value_type>;

  template <class U = stored_type>
  requires std::constructible_from<stored_type, U>
  explicit result(std::in_place_t, U&& value)
      : held_(std::in_place_index<0>, std::forward<U>(value)) {}
  explicit result(std::exception_ptr error)
      : held_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return held_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// Throws: the exception, if there is one instead of the value.
  value_type& value() & { return get(*this); }
  const value_type& value() const& { return get(*this); }
  value_type value() && { return std::move(get(*this)); }

  /// The exception; null if there is a value.
  std::exception_ptr error() const noexcept {
    return has_value() ? nullptr : std::get<1>(held_);
  }

  /// Whether it ended cancelled.
  bool cancelled() const noexcept { return detail::holds<cancelled_error>(error()); }

 private:
  template <class Self>
  static auto& get(Self& self) {
    if (!self.has_value()) std::rethrow_exception(std::get<1>(self.held_));
    if constexpr (is_reference) {
      return std::get<0>(self.held_).get();
    } else {
      return std::get<0>(self.held_);
    }
  }

  std::variant<stored_type, std::exception_ptr> held_;
};

namespace detail {

/// Room for what a coroutine or future ends with: nothing yet, a value, an error.
///
/// The two tests on the hot path are one load each; std::variant is not used
/// because its visits are.
template <class T>
class outcome {
  using stored =
      std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;

 public:
  outcome() noexcept {}
  outcome(const outcome&) = delete;
  outcome& operator=(const outcome&) = delete;
  ~outcome() { reset(); }

  bool has_value() const noexcept { return holds_ == kind::value; }

  template <class... Args>
  void set_value(Args&&... args) {
    reset();
    set_first(std::forward<Args>(args)...);
  }

  /// As set_value(), while there is nothing yet.
  template <class... Args>
  void set_first(Args&&... args) {
    if constexpr (std::is_reference_v<T>) {
      std::construct_at(&value_, std::addressof(args)...);
    } else {
      std::construct_at(&value_, std::forward<Args>(args)...);
    }
    holds_ = kind::value;
  }

  void set_error(std::exception_ptr error) noexcept {
    reset();
    std::construct_at(&error_, std::move(error));
    holds_ = kind::error;
  }

  /// Moves the value out, or throws the error.
  T take() {
    rethrow_error();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*value_);
    } else {
      return std::move(value_);
    }
  }

  stored& value() noexcept { return value_; }
  std::exception_ptr error() const noexcept {
    return holds_ == kind::error ? error_ : nullptr;
  }

  [[gnu::always_inline]] void rethrow_error() const {
    if (holds_ == kind::error) std::rethrow_exception(error_);
  }

  void reset() noexcept {
    if (holds_ == kind::value) std::destroy_at(&value_);
    if (holds_ == kind::error) std::destroy_at(&error_);
    holds_ = kind::nothing;
  }

 private:
  enum class kind : unsigned char { nothing, value, error };

  union {
    stored value_;
    std::exception_ptr error_;
  };
  kind holds_ = kind::nothing;
};

/// Without a value: what has no error has ended well, or not yet.
template <>
class outcome<void> {
 public:
  outcome() noexcept = default;
  outcome(const outcome&) = delete;
  outcome& operator=(const outcome&) = delete;

  bool has_value() const noexcept { return !error_; }
  void set_value() noexcept { error_ = nullptr; }
  void set_error(std::exception_ptr error) noexcept { error_ = std::move(error); }
  void take() const { rethrow_error(); }
  std::exception_ptr error() const noexcept { return error_; }
  void reset() noexcept { error_ = nullptr; }

  [[gnu::always_inline]] void rethrow_error() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

}  // namespace detail
}  // namespace aio
