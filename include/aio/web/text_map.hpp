// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// text_map: names and values that clients send, in order.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web {

/// Names and values in the order in which they came; a name may have several values.
///
///     for (const auto& [name, value] : req.query()) fmt::print("{}={}\n", name, value);
///
/// Complexity: look-ups are linear
/// Lifetime:   views are valid until the next change
/// Like:       multidict.MultiDict
class text_map {
  using items = std::vector<std::pair<std::string, std::string>>;

 public:
  using value_type = items::value_type;
  using const_iterator = items::const_iterator;

  /// The first value of this name; none if there is none.
  std::optional<std::string_view> get(std::string_view name) const noexcept {
    for (const auto& [key, value] : items_) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
  std::string_view get(std::string_view name,
                       std::string_view otherwise) const noexcept {
    return get(name).value_or(otherwise);
  }
  /// All values of this name.
  std::vector<std::string_view> get_all(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const auto& [key, value] : items_) {
      if (key == name) found.emplace_back(value);
    }
    return found;
  }
  bool contains(std::string_view name) const noexcept { return get(name).has_value(); }

  void add(std::string name, std::string value) {
    items_.emplace_back(std::move(name), std::move(value));
  }

  const_iterator begin() const noexcept { return items_.begin(); }
  const_iterator end() const noexcept { return items_.end(); }
  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return items_.empty(); }
  void clear() noexcept { items_.clear(); }

 private:
  items items_;
};

}  // namespace aio::web
