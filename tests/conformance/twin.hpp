// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the twins of CPython programs are written with.
///
/// NAME.py was run by CPython and printed NAME.out; NAME.cpp does the same with aio and
/// must print the same bytes. A twin stands in a namespace of its name, because several
/// are compiled as one file:
///
///     namespace loop_call_soon_fifo {
///     using namespace conformance;
///
///     aio::coro<> amain() { ... print("cb", tag, depth); ... }
///
///     AIO_TWIN(loop_call_soon_fifo) { aio::run(amain()); }
///     }  // namespace loop_call_soon_fifo

#pragma once

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace conformance {

using namespace std::chrono_literals;

/// One program; registers itself.
struct twin {
  twin(std::string_view name, void (*main)());
  std::string_view name;
  void (*main)();
};

#define AIO_TWIN(name)                                              \
  static void run_##name();                                         \
  static const ::conformance::twin twin_##name(#name, &run_##name); \
  static void run_##name()

/// Python's errors that asyncio does not define itself. RuntimeError is
/// aio::usage_error, OSError is boost::system::system_error.
using value_error = std::invalid_argument;
using key_error = std::out_of_range;

namespace detail {

template <class T>
std::string shown(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "1" : "0";
  } else {
    return fmt::format("{}", value);
  }
}

}  // namespace detail

/// Python's print(): the arguments with blanks between them; bool as 1 or 0.
template <class... Args>
void print(const Args&... args) {
  std::string line;
  ((line += detail::shown(args), line += ' '), ...);
  if (!line.empty()) line.pop_back();
  fmt::print("{}\n", line);
}

/// The values of a range, with blanks between them: print(*values).
template <class Range>
std::string words(const Range& range) {
  std::string all;
  for (const auto& one : range) {
    if (!all.empty()) all += ' ';
    all += detail::shown(one);
  }
  return all;
}

/// Bytes as the traces show them.
std::string quoted(std::string_view bytes);
// Or std::quoted would be the better match for a string.
inline std::string quoted(const std::string& bytes) {
  return quoted(std::string_view(bytes));
}

/// Python's tempfile.TemporaryDirectory.
class temporary_folder {
 public:
  temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();

  std::string operator/(std::string_view name) const {
    return fmt::format("{}/{}", path_, name);
  }

 private:
  std::string path_;
};

/// The name that the traces give to an exception; "none" for null. An exception of the
/// program itself is called by what() it says.
std::string label(const std::exception_ptr& error);

/// The label of the exception that is being handled.
inline std::string label() { return label(std::current_exception()); }

}  // namespace conformance
