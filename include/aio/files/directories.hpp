// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Directories: made, removed, listed.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/files/detail/path_argument.hpp>
#include <aio/files/file_error.hpp>
#include <aio/files/status.hpp>
#include <aio/io/threads.hpp>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace aio::files {

/// What scandir() yields of each entry.
///
/// Like: os.DirEntry
struct directory_entry {
  std::string name;
  std::string path;  ///< the directory's path and the name
  unsigned char type =
      DT_UNKNOWN;  ///< DT_REG, DT_DIR, ...; few file systems do not say

  bool is_file() const noexcept { return type == DT_REG; }
  bool is_directory() const noexcept { return type == DT_DIR; }
  bool is_symlink() const noexcept { return type == DT_LNK; }
};

}  // namespace aio::files

namespace aio::detail {

inline std::vector<files::directory_entry> scan_directory(const std::string& path) {
  ::DIR* const all = ::opendir(path.c_str());
  if (all == nullptr) throw_file_error("list", path);
  const scope_exit at_last([all] { ::closedir(all); });
  std::vector<files::directory_entry> entries;
  for (;;) {
    errno = 0;
    const ::dirent* const entry = ::readdir(all);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    std::string full = path.ends_with('/') ? path + name : path + "/" + name;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      if (const auto about = try_stat(full, false)) {
        type = static_cast<unsigned char>(IFTODT(about->mode));
      }
    }
    entries.push_back({name, std::move(full), type});
  }
  if (errno != 0) throw_file_error("list", path);
  return entries;
}

inline std::string parent_of(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t at = path.rfind('/');
  if (at == path.npos) return {};
  return at == 0 ? "/" : path.substr(0, at);
}

inline void make_directories(const std::string& path, unsigned permissions,
                             bool exist_ok) {
  if (::mkdir(path.c_str(), permissions) == 0) return;
  if (errno == ENOENT) {
    const std::string parent = parent_of(path);
    if (!parent.empty() && parent != path) {
      make_directories(parent, 0777, true);
      if (::mkdir(path.c_str(), permissions) == 0) return;
    }
  }
  const int error = errno;
  const auto there = try_stat(path);
  if (error == EEXIST && exist_ok && there && there->is_directory()) return;
  errno = error;
  throw_file_error("make the directory", path);
}

/// All that is below it and itself; goes on where something cannot be removed, and
/// throws the first error in the end. Links are removed, not followed.
inline void remove_tree(const std::string& path) {
  std::exception_ptr error;
  const auto attempt = [&](auto work) {
    try {
      work();
    } catch (const files::file_error&) {
      if (!error) error = std::current_exception();
    }
  };
  attempt([&] {
    for (const files::directory_entry& one : scan_directory(path)) {
      attempt([&] {
        if (one.is_directory()) return remove_tree(one.path);
        if (::unlink(one.path.c_str()) < 0) throw_file_error("remove", one.path);
      });
    }
    if (::rmdir(path.c_str()) < 0) throw_file_error("remove the directory", path);
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace aio::detail

namespace aio::files {

/// Makes a directory.
///
/// Cancellation: stops waiting; it may be done nonetheless.
/// Throws:       file_error – with the path; cancelled_error
inline coro<> mkdir(detail::path_argument path, unsigned permissions = 0777) {
  return to_thread([path = path.take(), permissions] {
    if (::mkdir(path.c_str(), permissions) < 0) {
      detail::throw_file_error("make the directory", path);
    }
  });
}

struct makedirs_options {
  unsigned permissions = 0777;
  /// It is no error if the directory is there already.
  bool exist_ok = false;
};

/// Makes a directory and those above it that are missing.
///
/// Cancellation, Throws: see mkdir
inline coro<> makedirs(detail::path_argument path,
                       const makedirs_options& options = {}) {
  return to_thread([path = path.take(), options] {
    detail::make_directories(path, options.permissions, options.exist_ok);
  });
}

/// Removes a directory that is empty.
///
/// Cancellation, Throws: see mkdir
inline coro<> rmdir(detail::path_argument path) {
  return to_thread([path = path.take()] {
    if (::rmdir(path.c_str()) < 0) {
      detail::throw_file_error("remove the directory", path);
    }
  });
}

/// Removes a directory that is empty, then those above it as long as they are empty too.
///
/// Cancellation, Throws: see mkdir
inline coro<> removedirs(detail::path_argument path) {
  return to_thread([path = path.take()] {
    if (::rmdir(path.c_str()) < 0) {
      detail::throw_file_error("remove the directory", path);
    }
    for (std::string above = detail::parent_of(path);
         !above.empty() && above != "/" && ::rmdir(above.c_str()) == 0;) {
      above = detail::parent_of(above);
    }
  });
}

/// Removes a directory with all that is in it; symbolic links are not followed.
///
/// Cancellation: see mkdir
/// Throws:       file_error – the first of what could not be removed; the rest is gone
/// Like:         shutil.rmtree
inline coro<> rmtree(detail::path_argument path) {
  return to_thread([path = path.take()] { detail::remove_tree(path); });
}

/// Yields what is in a directory, in no order, without "." and "..".
///
/// Cancellation, Throws: see mkdir
inline coro<std::vector<directory_entry>> scandir(detail::path_argument path = ".") {
  return to_thread([path = path.take()] { return detail::scan_directory(path); });
}

/// The names alone.
///
/// Cancellation, Throws: see mkdir
inline coro<std::vector<std::string>> listdir(detail::path_argument path = ".") {
  return to_thread([path = path.take()] {
    std::vector<std::string> names;
    for (directory_entry& one : detail::scan_directory(path)) {
      names.push_back(std::move(one.name));
    }
    return names;
  });
}

}  // namespace aio::files
