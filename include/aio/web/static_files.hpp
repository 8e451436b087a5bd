// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Static files: a folder under a prefix.

#pragma once

#include <aio/web/http_error.hpp>
#include <aio/web/request.hpp>
#include <aio/web/response.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace aio::web {

struct static_options {
  /// For url_for(), with `filename`.
  std::string_view name = {};
  /// Symbolic links may lead out of the folder.
  bool follow_symlinks = false;
};

namespace detail {

/// Whether the name cannot lead out of its folder, as a text.
inline bool stays_inside(std::string_view name) noexcept {
  if (name.starts_with('/') || name.find('\0') != name.npos) return false;
  while (!name.empty()) {
    const std::string_view segment = name.substr(0, name.find('/'));
    if (segment == "..") return false;
    name.remove_prefix(std::min(segment.size() + 1, name.size()));
  }
  return true;
}

/// Throws: std::filesystem::filesystem_error – there is no such folder
inline auto static_handler(const std::string& folder, const static_options& options) {
  const std::filesystem::path root = std::filesystem::canonical(folder);
  if (!std::filesystem::is_directory(root)) {
    throw std::filesystem::filesystem_error(
        "static files", root, std::make_error_code(std::errc::not_a_directory));
  }
  return [root = root.string(), follows = options.follow_symlinks](request& req) {
    const std::string_view name = req.match_info("filename");
    if (!stays_inside(name)) throw not_found();
    file_source source;
    source.path = root + "/" + std::string(name);
    if (!follows) source.root = root;
    return response::file(std::move(source));
  };
}

}  // namespace detail
}  // namespace aio::web
