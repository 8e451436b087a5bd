// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// headers: the fields of a message, in order.

#pragma once

#include <aio/http/detail/characters.hpp>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::http {

/// One field. The views belong to the message, or to who made it.
struct header {
  std::string_view name;
  std::string_view value;

  friend bool operator==(const header&, const header&) = default;
};

/// A name, value, method, target or reason that cannot be sent: it is empty where it must
/// not be, or has bytes that would end the line, or that no message may have. Nothing was
/// sent and nothing changed.
class invalid_header : public std::invalid_argument {
  using invalid_argument::invalid_argument;
};

namespace detail {

/// Throws: invalid_header
inline void check_field_name(std::string_view name) {
  if (!is_token(name)) {
    throw invalid_header("not the name of a header: " + quoted(name));
  }
}

/// Throws: invalid_header
inline void check_field_value(std::string_view name, std::string_view value) {
  if (!is_field_value(value)) {
    throw invalid_header("header " + quoted(name) + " cannot have the value " +
                         quoted(value) + ": control bytes are not allowed");
  }
}

}  // namespace detail

/// The fields of a message, in order. Names are found whatever their case, and may occur
/// several times. Values are bytes without control bytes, spaces around them are removed;
/// nothing else ever gets in.
///
///     aio::http::headers h{{"Accept", "text/html"}};
///     h.set("User-Agent", "example/1.0");
///     if (auto type = h.get("content-type")) use(*type);
///     for (auto [name, value] : h) fmt::print("{}: {}\n", name, value);
///
/// Complexity: look-ups are linear and allocate nothing
/// Lifetime:   views are valid until the next change
/// Like:       multidict.CIMultiDict
class headers {
 public:
  class iterator;
  using value_type = header;
  using const_iterator = iterator;

  headers() = default;
  /// Throws: invalid_header
  headers(std::initializer_list<header> fields) {
    for (const auto& [name, value] : fields) add(name, value);
  }

  /// The value of the first field of this name; none if there is no such field.
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  /// The same, or `otherwise`.
  std::string_view get(std::string_view name,
                       std::string_view otherwise) const noexcept {
    return get(name).value_or(otherwise);
  }
  /// The values of all fields of this name.
  std::vector<std::string_view> get_all(std::string_view name) const;
  bool contains(std::string_view name) const noexcept { return get(name).has_value(); }

  /// Makes this the only field of this name; it takes the place of the first.
  ///
  /// Throws: invalid_header
  headers& set(std::string_view name, std::string_view value) &;
  headers&& set(std::string_view name, std::string_view value) && {
    return std::move(set(name, value));
  }
  /// Adds a field at the end.
  ///
  /// Throws: invalid_header
  headers& add(std::string_view name, std::string_view value) &;
  headers&& add(std::string_view name, std::string_view value) && {
    return std::move(add(name, value));
  }
  /// Removes all fields of this name.
  ///
  /// Returns: how many there were
  std::size_t remove(std::string_view name) noexcept;
  void clear() noexcept { lines_.clear(); }

  iterator begin() const noexcept;
  iterator end() const noexcept;
  /// Complexity: linear
  std::size_t size() const noexcept;
  bool empty() const noexcept { return lines_.empty(); }

  friend bool operator==(const headers&, const headers&) = default;

  /// For the machinery: the fields as they are sent.
  const std::string& lines() const noexcept { return lines_; }
  /// For the machinery: adds a field that a parser has checked.
  void add_parsed(std::string_view name, std::string_view value) {
    lines_.append(name).append(": ").append(value).append("\r\n");
  }
  void reserve(std::size_t bytes) { lines_.reserve(bytes); }

 private:
  bool owns(std::string_view bytes) const noexcept {
    const std::less<const char*> before;
    return !before(bytes.data(), lines_.data()) &&
           before(bytes.data(), lines_.data() + lines_.size());
  }
  inline std::size_t remove_from(std::size_t place, std::string_view name) noexcept;

  // "Name: value\r\n" for each: no name has a colon and no value a CR, so the fields are
  // found again in what is sent, and sending them is one copy.
  std::string lines_;
};

class headers::iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using iterator_concept = std::forward_iterator_tag;
  using value_type = header;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = header;

  iterator() noexcept = default;

  header operator*() const noexcept { return now_; }
  iterator& operator++() noexcept {
    place_ += size();
    read();
    return *this;
  }
  iterator operator++(int) noexcept {
    iterator old = *this;
    ++*this;
    return old;
  }
  friend bool operator==(const iterator& a, const iterator& b) noexcept {
    return a.place_ == b.place_;
  }

 private:
  friend class headers;

  iterator(std::string_view lines, std::size_t place) noexcept
      : lines_(lines), place_(place) {
    read();
  }

  std::size_t size() const noexcept { return now_.name.size() + now_.value.size() + 4; }
  void read() noexcept {
    if (place_ >= lines_.size()) return;
    const std::string_view rest = lines_.substr(place_);
    now_.name = rest.substr(0, rest.find(':'));
    const std::string_view value = rest.substr(now_.name.size() + 2);
    now_.value = value.substr(0, value.find('\r'));
  }

  std::string_view lines_;
  std::size_t place_ = 0;
  header now_;
};

inline headers::iterator headers::begin() const noexcept { return {lines_, 0}; }
inline headers::iterator headers::end() const noexcept {
  return {lines_, lines_.size()};
}

inline std::size_t headers::size() const noexcept {
  return static_cast<std::size_t>(std::ranges::distance(begin(), end()));
}

inline std::optional<std::string_view> headers::get(
    std::string_view name) const noexcept {
  for (const header field : *this) {
    if (detail::equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

inline std::vector<std::string_view> headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const header field : *this) {
    if (detail::equal_ignoring_case(field.name, name)) values.push_back(field.value);
  }
  return values;
}

inline headers& headers::add(std::string_view name, std::string_view value) & {
  detail::check_field_name(name);
  detail::check_field_value(name, value);
  value = detail::trimmed(value);
  if (owns(name) || owns(value)) {
    add_parsed(std::string(name), std::string(value));
  } else {
    add_parsed(name, value);
  }
  return *this;
}

inline headers& headers::set(std::string_view name, std::string_view value) & {
  detail::check_field_name(name);
  detail::check_field_value(name, value);
  for (iterator field = begin(); field != end(); ++field) {
    if (!detail::equal_ignoring_case((*field).name, name)) continue;
    headers line;
    line.add_parsed(name, detail::trimmed(value));
    const std::string own_name(name);  // it may be one of ours
    lines_.replace(field.place_, field.size(), line.lines_);
    remove_from(field.place_ + line.lines_.size(), own_name);
    return *this;
  }
  return add(name, value);
}

inline std::size_t headers::remove(std::string_view name) noexcept {
  if (owns(name)) return remove_from(0, std::string(name));
  return remove_from(0, name);
}

inline std::size_t headers::remove_from(std::size_t place,
                                        std::string_view name) noexcept {
  std::size_t count = 0;
  for (iterator field(lines_, place); field != end();) {
    if (detail::equal_ignoring_case((*field).name, name)) {
      lines_.erase(field.place_, field.size());
      field = iterator(lines_, field.place_);
      ++count;
    } else {
      ++field;
    }
  }
  return count;
}

}  // namespace aio::http
