// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What a bound unix socket leaves in the file system.

#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace aio::detail {

/// Removes the file in the end, unless somebody else has put another in its place.
class socket_file {
 public:
  socket_file() = default;
  /// `path`: a socket has just been bound to it.
  explicit socket_file(std::string path) : path_(std::move(path)) {
    if (!is_in_file_system(path_) || ::stat(path_.c_str(), &about_) != 0) path_.clear();
  }
  socket_file(socket_file&& other) noexcept
      : path_(std::exchange(other.path_, {})), about_(other.about_) {}
  socket_file& operator=(socket_file&&) = delete;
  ~socket_file() {
    struct stat now {};
    if (path_.empty() || ::stat(path_.c_str(), &now) != 0) return;
    if (now.st_ino == about_.st_ino && now.st_dev == about_.st_dev) {
      ::unlink(path_.c_str());
    }
  }

  /// Removes a socket that somebody has left there; nothing else.
  static void remove_stale(const std::string& path) noexcept {
    struct stat now {};
    if (!is_in_file_system(path) || ::stat(path.c_str(), &now) != 0) return;
    if (S_ISSOCK(now.st_mode)) ::unlink(path.c_str());
  }

 private:
  static bool is_in_file_system(const std::string& path) noexcept {
    return !path.empty() && path[0] != '\0';
  }

  std::string path_;
  struct stat about_ {};
};

}  // namespace aio::detail
