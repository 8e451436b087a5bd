// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What is known about a path: stat() and the questions of os.path.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/files/detail/path_argument.hpp>
#include <aio/files/file_error.hpp>
#include <aio/io/threads.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace aio::files {

using file_time =
    std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// Like: os.stat_result
struct file_status {
  std::uint64_t size = 0;
  unsigned mode = 0;  ///< kind and permissions, as S_ISREG() and the like take it
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
  unsigned user = 0;
  unsigned group = 0;
  file_time accessed, modified, changed;

  bool is_file() const noexcept { return S_ISREG(mode); }
  bool is_directory() const noexcept { return S_ISDIR(mode); }
  bool is_symlink() const noexcept { return S_ISLNK(mode); }
  unsigned permissions() const noexcept { return mode & 07777U; }
};

}  // namespace aio::files

namespace aio::detail {

inline files::file_status make_status(const struct ::stat& of) noexcept {
  const auto time = [](const ::timespec& t) {
    return files::file_time(std::chrono::seconds(t.tv_sec) +
                            std::chrono::nanoseconds(t.tv_nsec));
  };
  files::file_status made;
  made.size = static_cast<std::uint64_t>(of.st_size);
  made.mode = of.st_mode;
  made.device = of.st_dev;
  made.inode = of.st_ino;
  made.links = of.st_nlink;
  made.user = of.st_uid;
  made.group = of.st_gid;
  made.accessed = time(of.st_atim);
  made.modified = time(of.st_mtim);
  made.changed = time(of.st_ctim);
  return made;
}

/// None, with errno, if there is nothing.
inline std::optional<files::file_status> try_stat(
    const std::string& path, bool follow_symlinks = true) noexcept {
  struct ::stat about {};
  const int flags = follow_symlinks ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(AT_FDCWD, path.c_str(), &about, flags) < 0) return std::nullopt;
  return make_status(about);
}

inline files::file_status stat_now(const std::string& path,
                                   bool follow_symlinks = true) {
  const auto about = try_stat(path, follow_symlinks);
  if (!about) throw_file_error("look at", path);
  return *about;
}

/// Whether there is something for which `test(status)` holds.
template <class Test>
coro<bool> path_is(path_argument path, bool follow_symlinks, Test test) {
  return to_thread([path = path.take(), follow_symlinks, test] {
    const auto about = try_stat(path, follow_symlinks);
    return about && test(*about);
  });
}

}  // namespace aio::detail

namespace aio::files {

/// Yields size, times, kind and so on of what a path names, of a symbolic link what it
/// points to.
///
/// Cancellation: stops waiting. So do all of these functions; those that change
///               something may have done it nonetheless.
/// Throws:       file_error – there is nothing, or it may not be seen; cancelled_error
/// Like:         aiofiles.os.stat
inline coro<file_status> stat(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::stat_now(path); });
}

/// The same of a symbolic link itself.
///
/// Cancellation, Throws: see stat
inline coro<file_status> lstat(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::stat_now(path, false); });
}

/// Whether there is something; false also for a symbolic link to nothing.
///
/// Cancellation: see stat
/// Like:         aiofiles.ospath.exists, isfile, isdir, islink
inline coro<bool> exists(detail::path_argument path) {
  return detail::path_is(std::move(path), true,
                         [](const file_status&) { return true; });
}
/// Cancellation: see stat
inline coro<bool> isfile(detail::path_argument path) {
  return detail::path_is(std::move(path), true,
                         [](const file_status& s) { return s.is_file(); });
}
/// Cancellation: see stat
inline coro<bool> isdir(detail::path_argument path) {
  return detail::path_is(std::move(path), true,
                         [](const file_status& s) { return s.is_directory(); });
}
/// Cancellation: see stat
inline coro<bool> islink(detail::path_argument path) {
  return detail::path_is(std::move(path), false,
                         [](const file_status& s) { return s.is_symlink(); });
}

/// Whether something is mounted there.
///
/// Cancellation: see stat
inline coro<bool> ismount(detail::path_argument path) {
  return to_thread([path = path.take()] {
    const auto here = detail::try_stat(path, false);
    if (!here || !here->is_directory()) return false;
    const auto above = detail::try_stat(path + "/..", false);
    return above && (above->device != here->device || above->inode == here->inode);
  });
}

/// Cancellation, Throws: see stat
inline coro<std::uint64_t> getsize(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::stat_now(path).size; });
}
/// Cancellation, Throws: see stat
inline coro<file_time> getmtime(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::stat_now(path).modified; });
}
/// Cancellation, Throws: see stat
inline coro<file_time> getatime(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::stat_now(path).accessed; });
}
/// Cancellation, Throws: see stat
inline coro<file_time> getctime(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::stat_now(path).changed; });
}

/// Whether two paths name one file.
///
/// Cancellation, Throws: see stat
inline coro<bool> samefile(detail::path_argument a, detail::path_argument b) {
  return to_thread([a = a.take(), b = b.take()] {
    const file_status one = detail::stat_now(a);
    const file_status other = detail::stat_now(b);
    return one.device == other.device && one.inode == other.inode;
  });
}

/// Whether the process may do with it what `how` says (F_OK, R_OK, W_OK, X_OK).
///
/// Cancellation: see stat
inline coro<bool> access(detail::path_argument path, int how) {
  return to_thread(
      [path = path.take(), how] { return ::access(path.c_str(), how) == 0; });
}

}  // namespace aio::files
