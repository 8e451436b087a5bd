// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Which handler a request is for.

#pragma once

#include <aio/web/detail/path_pattern.hpp>
#include <aio/web/handler.hpp>
#include <aio/web/request.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace aio::web::detail {

struct resource;

/// A handler for one method of a resource.
struct route {
  std::string method;  ///< "*": any
  handler call;
  const resource* of;
};

/// A path, and what may be done there.
struct resource {
  resource(std::string_view path, application_state* app) : pattern(path), owner(app) {}

  const route* find(std::string_view method) const noexcept {
    for (const auto& one : routes) {
      if (one->method == method || one->method == "*") return one.get();
    }
    return nullptr;
  }

  path_pattern pattern;
  application_state* owner;
  std::vector<std::unique_ptr<route>> routes;
};

/// Where a resource is looked for: under the whole of a literal path, or else under the
/// segments before the first field. "/" stands for the root.
inline std::string_view index_key(const path_pattern& pattern) noexcept {
  std::string_view key = pattern.prefix();
  if (!pattern.is_literal()) key = key.substr(0, key.rfind('/'));
  while (key.ends_with('/')) key.remove_suffix(1);
  return key.empty() ? std::string_view("/") : key;
}

/// All resources of an application and of those mounted in it.
///
/// The longest literal beginning wins, and among equal ones the first that was added.
class router {
 public:
  void add(const resource& one) {
    index_[std::string(index_key(one.pattern))].push_back(&one);
  }

  /// Fills `found`, `app` and `fields`; without a route those that would answer are in
  /// `allowed`.
  void resolve(request_parts& of,
               std::vector<std::string_view>* allowed = nullptr) const {
    std::string kept;
    std::string_view path = of.path;
    if (!path.starts_with('/')) return;  // "*", or the target of CONNECT
    if (path.find('%') != path.npos) path = kept = normal_path(path);
    std::vector<std::string_view>& texts = scratch_;
    for (std::string_view key = trimmed(path);;) {
      if (const auto bucket = index_.find(key); bucket != index_.end()) {
        for (const resource* one : bucket->second) {
          if (!one->pattern.match(path, texts)) continue;
          if (const route* found = one->find(of.head.method)) {
            of.found = found;
            of.app = one->owner;
            return take_fields(of, *one, texts);
          }
          if (allowed == nullptr) continue;
          for (const auto& other : one->routes) allowed->push_back(other->method);
        }
      }
      if (key == "/") return;
      key = key.substr(0, key.rfind('/'));
      if (key.empty()) key = "/";
    }
  }

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept {
      return std::hash<std::string_view>()(key);
    }
  };

  static std::string_view trimmed(std::string_view path) noexcept {
    while (path.ends_with('/')) path.remove_suffix(1);
    return path.empty() ? std::string_view("/") : path;
  }

  static void take_fields(request_parts& of, const resource& from,
                          const std::vector<std::string_view>& texts) {
    const auto names = from.pattern.names();
    of.fields.resize(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      of.fields[i].first = names[i];
      of.fields[i].second.clear();
      http::detail::percent_decode_to(of.fields[i].second, texts[i]);
    }
  }

  std::unordered_map<std::string, std::vector<const resource*>, hash, std::equal_to<>>
      index_;
  mutable std::vector<std::string_view> scratch_;
};

}  // namespace aio::web::detail
