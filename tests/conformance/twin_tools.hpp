// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What several twins have in common; the programs have it from twin_tools.py.

#pragma once

#include "twin.hpp"

#include <cstdint>

namespace conformance {

struct boom : std::runtime_error {
  explicit boom(const std::string& text = "boom") : std::runtime_error(text) {}
};

inline std::string message_of(const aio::cancelled_error& e) {
  return e.message().empty() ? "none" : e.message();
}

/// How a future or task has ended.
template <class F>
std::string end(const F& f) {
  if (!f.done()) return "pending";
  if (f.cancelled()) return "cancelled";
  if (f.exception()) return label(f.exception());
  if constexpr (requires { typename F::value_type; }) {
    if constexpr (!std::is_void_v<typename F::value_type>) {
      return fmt::format("{}", f.result());
    } else {
      return "none";
    }
  } else {
    return "none";
  }
}

inline aio::coro<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await aio::sleep(0s);
}

template <class... F>
auto list(const F&... f) {
  std::vector<std::common_type_t<F...>> all;
  (all.push_back(f), ...);
  return all;
}

/// The same numbers in both languages.
struct rng {
  std::uint64_t s;
  explicit rng(std::uint64_t seed) : s((seed * 2654435761u + 12345) & 0x7FFFFFFF) {
    for (int i = 0; i < 3; ++i) (*this)(2);
  }
  int operator()(int n) {
    s = (s * 1103515245 + 12345) & 0x7FFFFFFF;
    return int((s >> 12) % std::uint64_t(n));
  }
};

}  // namespace conformance
