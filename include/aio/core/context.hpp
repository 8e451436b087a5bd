// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Context variables: values that follow the work, not the thread.

#pragma once

#include <aio/core/error.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

/// What all variables are at one moment; never changed, so a copy is a pointer. Null
/// when nothing was ever set. Counted atomically: to_thread() takes one along.
class context_values {
 public:
  using value = std::shared_ptr<const void>;

  static context_values* with(const context_values* old, std::uint64_t variable,
                              value v) {
    auto made = std::make_unique<context_values>();
    if (old != nullptr) made->all_ = old->all_;
    const auto place = std::lower_bound(
        made->all_.begin(), made->all_.end(), variable,
        [](const entry& e, std::uint64_t key) { return e.variable < key; });
    const bool is_there = place != made->all_.end() && place->variable == variable;
    if (is_there && v) {
      place->v = std::move(v);
    } else if (is_there) {
      made->all_.erase(place);
    } else if (v) {
      made->all_.insert(place, {variable, std::move(v)});
    }
    return made.release();
  }

  value find(std::uint64_t variable) const noexcept {
    for (const entry& e : all_) {
      if (e.variable == variable) return e.v;
    }
    return nullptr;
  }

  void add_ref() const noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  struct entry {
    std::uint64_t variable;
    value v;
  };

  std::vector<entry> all_;  // by number; programs have few variables
  mutable std::atomic<std::uint32_t> refs_ = 0;
};

/// Numbers of variables are not used again, unlike addresses.
inline std::uint64_t next_variable() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed);
}

/// The place that a task or callback sees its variables in.
class context_cell {
 public:
  context_cell() noexcept = default;
  context_cell(const context_cell& other) noexcept : values_(other.values_) {
    add_ref();
  }
  context_cell(context_cell&& other) noexcept
      : values_(std::exchange(other.values_, nullptr)) {}
  context_cell& operator=(context_cell other) noexcept {
    std::swap(values_, other.values_);
    return *this;
  }
  ~context_cell() {
    if (values_ != nullptr) values_->release();
  }

  context_values::value get(std::uint64_t variable) const noexcept {
    return values_ == nullptr ? nullptr : values_->find(variable);
  }

  /// A null value takes the variable out.
  void set(std::uint64_t variable, context_values::value v) {
    context_cell changed;
    changed.values_ = context_values::with(values_, variable, std::move(v));
    changed.add_ref();
    std::swap(values_, changed.values_);
  }

  /// The cell of what runs on this thread.
  static context_cell& current() noexcept {
    if (current_ == nullptr) current_ = &of_thread();
    return *current_;
  }

  /// Makes `cell` the current one for a scope.
  class entered {
   public:
    explicit entered(context_cell& cell) noexcept
        : outer_(std::exchange(current_, &cell)) {}
    entered(const entered&) = delete;
    entered& operator=(const entered&) = delete;
    ~entered() { current_ = outer_; }

   private:
    context_cell* outer_;
  };

 private:
  void add_ref() const noexcept {
    if (values_ != nullptr) values_->add_ref();
  }

  static context_cell& of_thread() noexcept {
    static thread_local context_cell cell;
    return cell;
  }

  static inline thread_local constinit context_cell* current_ = nullptr;

  const context_values* values_ = nullptr;
};

}  // namespace detail

class context;
template <class T>
class context_var;

/// What the variables are, as an object: copied, kept, and entered again. A handle: its
/// copies are the same context.
///
/// Like: contextvars.Context
class context {
 public:
  /// Empty: all variables have their defaults.
  context() : cell_(std::make_shared<detail::context_cell>()) {}

  /// Calls `f(args...)` in it: variables that `f` sets are set here.
  template <class F, class... Args>
  decltype(auto) run(F&& f, Args&&... args) const {
    if (&detail::context_cell::current() == cell_.get()) {
      throw usage_error("cannot enter the context: it is entered already");
    }
    const auto keep = cell_;  // whatever `f` does to this handle
    const detail::context_cell::entered scope(*keep);
    return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
  }

  /// What `variable` is in it. Throws: std::out_of_range – not set here
  template <class T>
  T operator[](const context_var<T>& variable) const {
    return variable.get_in(*cell_);
  }

  /// A copy that goes its own way.
  context copy() const {
    context made;
    *made.cell_ = *cell_;
    return made;
  }

  /// For the machinery.
  const std::shared_ptr<detail::context_cell>& cell() const noexcept { return cell_; }

 private:
  std::shared_ptr<detail::context_cell> cell_;
};

/// A copy of the present context. O(1).
///
/// Like: contextvars.copy_context
inline context copy_context() {
  context made;
  *made.cell() = detail::context_cell::current();
  return made;
}

/// A variable of the work that runs: a task has the values of the moment it was created
/// and changes only its own; callbacks likewise. A plain await shares them.
///
///     inline aio::context_var<std::string> request_id{"request_id", "-"};
///     request_id.set("r-17");
///     aio::create_task(handle(request));   // sees r-17
///
/// Lifetime: of static storage, as a rule
/// Like:     contextvars.ContextVar
template <class T>
class context_var {
 public:
  /// What reset() needs: the value before a set(). Copies are the same token.
  class token {
   public:
    token() = default;

   private:
    friend class context_var;
    const context_var* variable_ = nullptr;
    const detail::context_cell* where_ = nullptr;
    detail::context_values::value before_;
    std::shared_ptr<bool> is_used_;
  };

  explicit context_var(std::string_view name) : name_(name) {}
  template <class U>
  requires std::constructible_from<T, U> context_var(std::string_view name,
                                                     U&& default_value)
      : name_(name), default_(std::in_place, std::forward<U>(default_value)) {}
  context_var(const context_var&) = delete;
  context_var& operator=(const context_var&) = delete;

  const std::string& name() const noexcept { return name_; }

  /// The value; or else the default.
  ///
  /// Throws: std::out_of_range – neither is there
  T get() const {
    if (const auto held = find()) return value_of(held);
    if (default_) return *default_;
    throw std::out_of_range("the context variable '" + name_ + "' has no value");
  }

  /// The value, or `otherwise`, whatever the default is.
  T get(T otherwise) const {
    const auto held = find();
    return held ? value_of(held) : std::move(otherwise);
  }

  token set(T value) const {
    detail::context_cell& cell = detail::context_cell::current();
    token before;
    before.variable_ = this;
    before.where_ = &cell;
    before.before_ = cell.get(number_);
    before.is_used_ = std::make_shared<bool>(false);
    cell.set(number_, std::make_shared<const T>(std::move(value)));
    return before;
  }

  /// Puts back what was there before the set() that returned `t`; once.
  ///
  /// Throws: std::invalid_argument – a token of another variable, made in another
  ///         context, or used before
  void reset(const token& t) const {
    detail::context_cell& cell = detail::context_cell::current();
    if (t.variable_ != this) {
      throw std::invalid_argument("the token is not of this context variable");
    }
    if (*t.is_used_) throw std::invalid_argument("the token has already been used");
    if (t.where_ != &cell) {
      throw std::invalid_argument("the token was made in a different context");
    }
    cell.set(number_, t.before_);
    *t.is_used_ = true;
  }

  /// For context.
  T get_in(const detail::context_cell& cell) const {
    const auto held = cell.get(number_);
    if (!held) {
      throw std::out_of_range("the context has no value of '" + name_ + "'");
    }
    return value_of(held);
  }

 private:
  detail::context_values::value find() const noexcept {
    return detail::context_cell::current().get(number_);
  }
  static const T& value_of(const detail::context_values::value& held) noexcept {
    return *static_cast<const T*>(held.get());
  }

  std::uint64_t number_ = detail::next_variable();
  std::string name_;
  std::optional<T> default_;
};

}  // namespace aio
