// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A path in any spelling, as bytes of our own.

#pragma once

#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// Takes strings, and std::filesystem::path without its header.
///
/// Throws: std::invalid_argument – a null byte in the path
class path_argument {
 public:
  path_argument(const char* path) : path_argument(std::string(path)) {}
  path_argument(std::string_view path) : path_argument(std::string(path)) {}
  path_argument(std::string path) : path_(std::move(path)) {
    if (path_.find('\0') != std::string::npos) {
      throw std::invalid_argument("a path with a null byte in it");
    }
  }
  template <class Path>
  requires requires(const Path& p) {
    { p.native() } -> std::convertible_to<std::string>;
  }
  path_argument(const Path& path) : path_argument(std::string(path.native())) {}

  const std::string& str() const noexcept { return path_; }
  std::string take() noexcept { return std::move(path_); }

 private:
  std::string path_;
};

}  // namespace aio::detail
