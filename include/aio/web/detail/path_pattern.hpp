// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The paths of routes: /users/{name}/{id:[0-9]+}.

#pragma once

#include <aio/web/detail/normal_path.hpp>
#include <aio/web/detail/path_regex.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web::detail {

/// A name and a value for it.
using named_text = std::pair<std::string_view, std::string_view>;

/// Literal text and `{name}` (one or more characters but no slash) or `{name:regex}`.
///
/// Paths are compared in their normal form; see normal_path().
class path_pattern {
 public:
  /// Throws: std::invalid_argument – it does not begin with a slash, braces that do not
  ///         match, a name that is no identifier or occurs twice, a bad expression
  explicit path_pattern(std::string_view text) : text_(text) {
    if (!text.starts_with('/')) {
      throw std::invalid_argument("the path of a route begins with '/': '" +
                                  std::string(text) + "'");
    }
    while (!text.empty()) {
      const std::size_t brace = text.find_first_of("{}");
      if (brace > 0) add_literal(text.substr(0, brace));
      if (brace == text.npos) break;
      text.remove_prefix(brace);
      add_field(text);
    }
    if (has_expressions_) compile();
  }

  const std::string& text() const noexcept { return text_; }
  bool is_literal() const noexcept { return names_.empty(); }
  /// The literal text before the first field.
  std::string_view prefix() const noexcept {
    return parts_.front().is_field ? std::string_view() : parts_.front().text;
  }
  /// The names of the fields, in order.
  std::span<const std::string> names() const noexcept { return names_; }

  /// The texts of the fields, as they stand in the path; false if it does not match.
  bool match(std::string_view path, std::vector<std::string_view>& fields) const {
    fields.clear();
    if (!has_expressions_) return match_from(0, path, fields);
    std::vector<std::string_view> groups;
    if (!expression_->match(path, groups)) return false;
    for (const std::size_t one : groups_of_fields_) fields.push_back(groups[one]);
    return true;
  }

  /// The path with these values in the places of the fields.
  ///
  /// Throws: std::invalid_argument – a field has no value, or a value no field
  std::string build(std::span<const named_text> values) const {
    std::string path;
    for (const part& one : parts_) {
      path += one.is_field ? http::detail::percent_encoded(value_of(one.text, values),
                                                           field_kept)
                           : one.text;
    }
    for (const auto& [name, value] : values) {
      bool is_known = false;
      for (const std::string& field : names_) is_known = is_known || field == name;
      if (!is_known)
        throw std::invalid_argument(text_ + " has no '" + std::string(name) + "'");
    }
    return path;
  }

 private:
  static constexpr std::string_view field_kept = "!$&'()*+,;=:@";

  struct part {
    std::string text;  ///< literal, or the name of a field
    std::string expression;
    bool is_field;
  };

  void add_literal(std::string_view text) {
    parts_.push_back({normal_path(text), {}, false});
  }

  void add_field(std::string_view& text) {
    const auto refuse = [&](const std::string& what) {
      throw std::invalid_argument("the path '" + text_ + "': " + what);
    };
    if (text.front() == '}') refuse("a '}' without a '{'");
    std::size_t end = 1;
    for (int depth = 1; depth > 0; ++end) {
      if (end == text.size()) refuse("a '{' without a '}'");
      if (text[end] == '\\')
        ++end;
      else if (text[end] == '{')
        ++depth;
      else if (text[end] == '}')
        --depth;
    }
    const std::string_view inner = text.substr(1, end - 2);
    text.remove_prefix(end);
    const std::size_t colon = inner.find(':');
    std::string name(inner.substr(0, colon));
    if (!is_identifier(name)) refuse("'" + name + "' is no name");
    for (const std::string& other : names_) {
      if (other == name) refuse("'" + name + "' occurs twice");
    }
    std::string expression;
    if (colon != inner.npos) {
      expression = inner.substr(colon + 1);
      takes_rest_ = text.empty() && expression == ".*";
      if (!takes_rest_) {
        expression = to_posix_pattern(expression);
        has_expressions_ = true;
      }
    }
    names_.push_back(name);
    parts_.push_back({std::move(name), std::move(expression), true});
  }

  static bool is_identifier(std::string_view name) noexcept {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    for (const char c : name) {
      if (!(is_unreserved(c) && c != '-' && c != '.' && c != '~')) return false;
    }
    return true;
  }

  void compile() {
    std::string whole;
    std::size_t group = 0;
    for (const part& one : parts_) {
      if (!one.is_field) {
        append_quoted(whole, one.text);
        continue;
      }
      groups_of_fields_.push_back(group++);
      if (one.expression.empty()) {
        whole += "([^/]+)";
      } else {
        group += path_regex(one.expression).groups();
        whole.append("(").append(one.expression).append(")");
      }
    }
    expression_ = std::make_unique<path_regex>(whole);
  }

  static void append_quoted(std::string& to, std::string_view literal) {
    for (const char c : literal) {
      if (std::string_view(".[]\\()*+?{}|^$").find(c) != std::string_view::npos) {
        to += '\\';
      }
      to += c;
    }
  }

  // Each field takes as much as it can.
  bool match_from(std::size_t at, std::string_view rest,
                  std::vector<std::string_view>& fields) const {
    if (at == parts_.size()) return rest.empty();
    const part& one = parts_[at];
    if (!one.is_field) {
      return rest.starts_with(one.text) &&
             match_from(at + 1, rest.substr(one.text.size()), fields);
    }
    if (takes_rest_ && at + 1 == parts_.size()) {
      fields.push_back(rest);
      return true;
    }
    std::size_t size = std::min(rest.find('/'), rest.size());
    if (at + 1 == parts_.size()) {
      if (size == 0 || size != rest.size()) return false;
      fields.push_back(rest);
      return true;
    }
    for (; size > 0; --size) {
      fields.push_back(rest.substr(0, size));
      if (match_from(at + 1, rest.substr(size), fields)) return true;
      fields.pop_back();
    }
    return false;
  }

  std::string_view value_of(std::string_view name,
                            std::span<const named_text> values) const {
    for (const auto& [given, value] : values) {
      if (given == name) return value;
    }
    throw std::invalid_argument("the path " + text_ + " needs '" + std::string(name) +
                                "'");
  }

  std::string text_;
  std::vector<part> parts_;
  std::vector<std::string> names_;
  std::vector<std::size_t> groups_of_fields_;
  std::unique_ptr<path_regex> expression_;
  bool has_expressions_ = false;
  bool takes_rest_ = false;  ///< the last field is `.*`
};

}  // namespace aio::web::detail
