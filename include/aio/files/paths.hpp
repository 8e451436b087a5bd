// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Renames, removes and links: what aiofiles.os does to files.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/files/detail/path_argument.hpp>
#include <aio/files/file_error.hpp>
#include <aio/io/threads.hpp>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace aio::detail {

inline std::string read_link(const std::string& path) {
  std::string target(256, '\0');
  for (;;) {
    const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
    if (n < 0) throw_file_error("read the link", path);
    const bool is_whole = static_cast<std::size_t>(n) < target.size();
    target.resize(is_whole ? static_cast<std::size_t>(n) : 2 * target.size());
    if (is_whole) return target;
  }
}

inline std::string working_directory() {
  const std::unique_ptr<char, void (*)(void*)> path(::getcwd(nullptr, 0), ::free);
  if (!path) throw_file_error("find", ".");
  return path.get();
}

/// Without "." and "..", and without a look at the disk.
inline std::string absolute_path(const std::string& path) {
  const std::string all =
      path.starts_with('/') ? path : working_directory() + "/" + path;
  std::string made;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('/', at), all.size());
    const std::string part = all.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      made.resize(made.empty() ? 0 : made.rfind('/'));
    } else {
      made += "/" + part;
    }
  }
  return made.empty() ? "/" : made;
}

}  // namespace aio::detail

namespace aio::files {

/// Gives a file or directory another name in the same file system. A file that has that
/// name is replaced, at once and as a whole.
///
/// Cancellation: stops waiting; it may be done nonetheless.
/// Throws:       file_error – with both paths; cancelled_error
/// Like:         aiofiles.os.rename and replace, which are one on POSIX systems
inline coro<> rename(detail::path_argument from, detail::path_argument to) {
  return to_thread([from = from.take(), to = to.take()] {
    if (::rename(from.c_str(), to.c_str()) < 0) {
      detail::throw_file_error("rename", from, to);
    }
  });
}
/// Cancellation, Throws: see rename
inline coro<> replace(detail::path_argument from, detail::path_argument to) {
  return rename(std::move(from), std::move(to));
}

/// Removes a file or a symbolic link.
///
/// Cancellation, Throws: see rename
/// Like:                 aiofiles.os.remove and unlink
inline coro<> remove(detail::path_argument path) {
  return to_thread([path = path.take()] {
    if (::unlink(path.c_str()) < 0) detail::throw_file_error("remove", path);
  });
}
/// Cancellation, Throws: see rename
inline coro<> unlink(detail::path_argument path) { return remove(std::move(path)); }

/// Makes another name, `to`, of the file `from`.
///
/// Cancellation, Throws: see rename
inline coro<> link(detail::path_argument from, detail::path_argument to) {
  return to_thread([from = from.take(), to = to.take()] {
    if (::link(from.c_str(), to.c_str()) < 0)
      detail::throw_file_error("link", from, to);
  });
}

/// Makes a symbolic link `path` that points to `target`.
///
/// Cancellation, Throws: see rename
inline coro<> symlink(detail::path_argument target, detail::path_argument path) {
  return to_thread([target = target.take(), path = path.take()] {
    if (::symlink(target.c_str(), path.c_str()) < 0) {
      detail::throw_file_error("link", target, path);
    }
  });
}

/// Yields what a symbolic link points to.
///
/// Cancellation, Throws: see rename
inline coro<std::string> readlink(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::read_link(path); });
}

/// Cancellation, Throws: see rename
inline coro<> chmod(detail::path_argument path, unsigned permissions) {
  return to_thread([path = path.take(), permissions] {
    if (::chmod(path.c_str(), permissions) < 0) {
      detail::throw_file_error("change the permissions of", path);
    }
  });
}

/// Cancellation, Throws: see rename
inline coro<std::string> getcwd() {
  return to_thread([] { return detail::working_directory(); });
}

/// Yields the path from the root on, without "." and ".."; symbolic links stay.
///
/// Cancellation, Throws: see rename
inline coro<std::string> abspath(detail::path_argument path) {
  return to_thread([path = path.take()] { return detail::absolute_path(path); });
}

/// Yields room and state of the file system that a path is on.
///
/// Cancellation, Throws: see rename
inline coro<struct ::statvfs> statvfs(detail::path_argument path) {
  return to_thread([path = path.take()] {
    struct ::statvfs about {};
    if (::statvfs(path.c_str(), &about) < 0) {
      detail::throw_file_error("look at the file system of", path);
    }
    return about;
  });
}

}  // namespace aio::files
