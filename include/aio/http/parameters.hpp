// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// parameters: names and values of a query, a form, or cookies.

#pragma once

#include <aio/http/detail/percent.hpp>
#include <aio/http/headers.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::http {

/// Names and values, in order; any text, as it is written only when it is sent.
///
///     aio::http::parameters query{{"q", "two words"}, {"page", "2"}};
///     auto resp = co_await session.get(url, {.params = query});
///
/// Name it before the await, as here: g++ 12 does not compile such lists within one.
class parameters {
 public:
  parameters() = default;
  parameters(std::initializer_list<header> list) {
    for (const auto& [name, value] : list) add(name, value);
  }

  parameters& add(std::string_view name, std::string_view value) & {
    list_.emplace_back(name, value);
    return *this;
  }
  parameters&& add(std::string_view name, std::string_view value) && {
    return std::move(add(name, value));
  }

  auto begin() const noexcept { return list_.begin(); }
  auto end() const noexcept { return list_.end(); }
  bool empty() const noexcept { return list_.empty(); }

  /// "q=two+words&page=2"
  std::string encoded() const {
    std::string out;
    for (const auto& [name, value] : list_) {
      if (!out.empty()) out += '&';
      detail::append_form_encoded(out, name);
      out += '=';
      detail::append_form_encoded(out, value);
    }
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::string>> list_;
};

}  // namespace aio::http
