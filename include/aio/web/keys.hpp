// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// State under typed keys, of applications and of requests.

#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web {

/// Names a value of type T that is kept in an application or a request. Each key is its
/// own, whatever its name: define it once, at namespace scope.
///
///     inline const aio::web::app_key<database> database_key("database");
///     app.set(database_key, database("app.db"));
///     req.app()[database_key].query("…");
///
/// Like: aiohttp.web.AppKey
template <class T>
class app_key {
 public:
  explicit app_key(std::string_view name)
      : name_(std::make_shared<std::string>(name)) {}

  const std::string& name() const noexcept { return *name_; }
  /// For the machinery: the same for copies.
  const std::shared_ptr<const std::string>& id() const noexcept { return name_; }

 private:
  std::shared_ptr<const std::string> name_;
};

namespace detail {

class keyed_values {
 public:
  template <class T>
  T* find(const app_key<T>& key) const noexcept {
    for (const auto& [id, value] : values_) {
      if (id == key.id()) return static_cast<T*>(value.get());
    }
    return nullptr;
  }

  /// Throws: std::out_of_range – nothing is kept under this key
  template <class T>
  T& at(const app_key<T>& key) const {
    if (T* const found = find(key)) return *found;
    throw std::out_of_range("nothing was set under the key '" + key.name() + "'");
  }

  template <class T>
  void set(const app_key<T>& key, T value) {
    auto made = std::make_shared<T>(std::move(value));
    for (auto& [id, old] : values_) {
      if (id == key.id()) {
        old = std::move(made);
        return;
      }
    }
    values_.emplace_back(key.id(), std::move(made));
  }

  void clear() noexcept { values_.clear(); }
  bool empty() const noexcept { return values_.empty(); }

 private:
  std::vector<std::pair<std::shared_ptr<const void>, std::shared_ptr<void>>> values_;
};

}  // namespace detail
}  // namespace aio::web
