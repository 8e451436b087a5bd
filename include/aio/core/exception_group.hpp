// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// exception_group: several exceptions that happened together.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/exception_context.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace aio {

/// Several exceptions, some of which may be groups again. A task_group throws one.
///
///     try {
///       ...
///     } catch (const aio::exception_group& group) {
///       if (group.matches<db_error>()) retry();
///       if (auto rest = group.split<db_error>().second) throw *rest;
///     }
///
/// Like: ExceptionGroup (PEP 654); split() does what `except*` does
class exception_group : public std::runtime_error {
 public:
  /// Throws: std::invalid_argument – no exceptions, or a null one
  exception_group(const std::string& message,
                  std::vector<std::exception_ptr> exceptions)
      : runtime_error(title(message, exceptions.size())),
        message_(message),
        exceptions_(std::move(exceptions)) {
    if (exceptions_.empty()) {
      throw std::invalid_argument("an exception_group needs at least one exception");
    }
    for (const auto& one : exceptions_) {
      if (!one) throw std::invalid_argument("an exception_group with a null exception");
    }
  }

  /// The message without the count that what() has.
  const std::string& message() const noexcept { return message_; }

  /// What it holds, groups as groups.
  const std::vector<std::exception_ptr>& exceptions() const noexcept {
    return exceptions_;
  }

  /// Whether some exception, at any depth, is one of E (or derived from one).
  template <class... E>
  bool matches() const {
    return subgroup<E...>().has_value();
  }

  /// The matching exceptions, and the others; both keep the nesting. Empty if none.
  ///
  /// Complexity: linear in the exceptions
  template <class... E>
  requires(sizeof...(E) > 0)
      std::pair<std::optional<exception_group>, std::optional<exception_group>> split()
  const {
    return split_if([](const std::exception_ptr& e) { return (is_a<E>(e) || ...); });
  }

  template <class... E>
  std::optional<exception_group> subgroup() const {
    return split<E...>().first;
  }

  /// The same by a predicate on `const std::exception_ptr&`, asked of the leaves.
  template <std::predicate<const std::exception_ptr&> P>
  std::pair<std::optional<exception_group>, std::optional<exception_group>> split_if(
      P matching) const {
    std::vector<std::exception_ptr> yes;
    std::vector<std::exception_ptr> no;
    for (const std::exception_ptr& one : exceptions_) {
      if (const exception_group* inner = as_group(one)) {
        auto [inner_yes, inner_no] = inner->split_if(std::ref(matching));
        if (inner_yes) yes.push_back(std::make_exception_ptr(*std::move(inner_yes)));
        if (inner_no) no.push_back(std::make_exception_ptr(*std::move(inner_no)));
      } else {
        (matching(one) ? yes : no).push_back(one);
      }
    }
    return {make(std::move(yes)), make(std::move(no))};
  }

  /// Calls `visit(const std::exception_ptr&)` for each exception that is no group.
  template <class F>
  void for_each_leaf(F visit) const {
    for (const std::exception_ptr& one : exceptions_) {
      if (const exception_group* inner = as_group(one)) {
        inner->for_each_leaf(std::ref(visit));
      } else {
        visit(one);
      }
    }
  }

  /// The tree, a line for each exception.
  std::string to_string() const {
    std::string text;
    print(text, 0);
    return text;
  }

  friend std::ostream& operator<<(std::ostream& out, const exception_group& group) {
    return out << group.to_string();
  }

 private:
  static std::string title(const std::string& message, std::size_t count) {
    return message + " (" + std::to_string(count) + " sub-exception" +
           (count == 1 ? ")" : "s)");
  }

  static const exception_group* as_group(const std::exception_ptr& e) {
    try {
      std::rethrow_exception(e);
    } catch (const exception_group& group) {
      return &group;  // `e` keeps it
    } catch (...) {
      return nullptr;
    }
  }

  template <class E>
  static bool is_a(const std::exception_ptr& e) {
    try {
      std::rethrow_exception(e);
    } catch (const E&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  std::optional<exception_group> make(std::vector<std::exception_ptr> some) const {
    if (some.empty()) return std::nullopt;
    return exception_group(message_, std::move(some));
  }

  void print(std::string& to, std::size_t depth) const {
    to.append(2 * depth, ' ') += what();
    to += '\n';
    for (const std::exception_ptr& one : exceptions_) {
      if (const exception_group* inner = as_group(one)) {
        inner->print(to, depth + 1);
      } else {
        to.append(2 * depth + 2, ' ') += describe(one);
        to += '\n';
      }
    }
  }

  std::string message_;
  std::vector<std::exception_ptr> exceptions_;
};

}  // namespace aio
