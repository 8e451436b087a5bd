// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Files and directories that go when they are no longer needed.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/files/detail/path_argument.hpp>
#include <aio/files/directories.hpp>
#include <aio/files/file.hpp>
#include <aio/files/open.hpp>
#include <aio/io/threads.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio {
namespace files {

struct temporary_options {
  std::string_view mode = "w+b";
  std::string_view prefix = "tmp";
  std::string_view suffix = {};
  /// Where; if not given, in $TMPDIR, or /tmp.
  std::string_view dir = {};
};

}  // namespace files

namespace detail {

/// Removes a file in the end, in whatever thread that is.
class file_remover {
 public:
  explicit file_remover(std::string path) noexcept : path_(std::move(path)) {}
  file_remover(const file_remover&) = delete;
  file_remover& operator=(const file_remover&) = delete;
  ~file_remover() { ::unlink(path_.c_str()); }

 private:
  std::string path_;
};

/// The same for a directory and all in it.
class tree_remover {
 public:
  explicit tree_remover(std::string path) noexcept : path_(std::move(path)) {}
  tree_remover(const tree_remover&) = delete;
  tree_remover& operator=(const tree_remover&) = delete;
  ~tree_remover() {
    try {
      remove();
    } catch (const files::file_error&) {
      // Nobody is left to be told.
    }
  }

  const std::string& path() const noexcept { return path_; }
  /// Throws: files::file_error – some of it stays
  void remove() {
    if (!std::exchange(is_removed_, true)) remove_tree(path_);
  }

 private:
  std::string path_;
  bool is_removed_ = false;
};

/// The beginning of a name that ends with XXXXXX.
inline std::string temporary_name(std::string_view dir, std::string_view prefix) {
  const char* const usual = ::getenv("TMPDIR");
  std::string name(dir);
  if (name.empty()) name = usual != nullptr && *usual != '\0' ? usual : "/tmp";
  name += '/';
  name += prefix;
  return name += "XXXXXX";
}

struct made_file {
  std::shared_ptr<file_remover> remover;
  std::shared_ptr<file_core> core;
};

inline made_file make_temporary_file(std::string path, std::size_t suffix,
                                     file_mode mode) {
  const int fd =
      ::mkostemps(path.data(), static_cast<int>(suffix), mode.flags & ~O_ACCMODE);
  if (fd < 0) throw_file_error("make a temporary file like", path);
  made_file made;
  made.remover = std::make_shared<file_remover>(path);
  made.core = std::make_shared<file_core>(fd, std::move(path), std::move(mode),
                                          files::open_options{});
  return made;
}

}  // namespace detail

namespace files {

/// A file that has a name as long as it is open, so that others can open it too.
///
/// Like: aiofiles.tempfile.NamedTemporaryFile
class named_file {
 public:
  named_file() noexcept = default;
  explicit named_file(detail::made_file made)
      : file_(detail::file_ptr(new detail::file_state(std::move(made.core)))),
        remover_(std::move(made.remover)) {}

  files::file& file() noexcept { return file_; }
  const std::string& path() const { return file_.name(); }

  /// Closes it and removes it.
  ///
  /// Cancellation: it is removed all the same.
  coro<> close() {
    auto remover = std::move(remover_);
    co_await file_.close();
    auto remove = [gone = std::move(remover)]() mutable { gone.reset(); };
    co_await to_thread(std::move(remove));
  }

  /// For aio::with, whose block gets this object.
  ///
  /// Cancellation: none: it does not wait
  coro<named_file&> enter() { co_return *this; }
  /// Cancellation: see close
  coro<> exit(const std::exception_ptr&) { return close(); }

 private:
  files::file file_;
  std::shared_ptr<detail::file_remover> remover_;
};

/// A directory that is removed in the end with all that is in it: by cleanup(), or by
/// the destructor in the loop's own thread.
///
/// Like: aiofiles.tempfile.TemporaryDirectory
class scratch_directory {
 public:
  scratch_directory() noexcept = default;
  explicit scratch_directory(std::shared_ptr<detail::tree_remover> of) noexcept
      : of_(std::move(of)) {}

  const std::string& path() const noexcept { return of_->path(); }
  /// The path of something in it.
  std::string operator/(std::string_view name) const {
    return path() + "/" + std::string(name);
  }

  /// Removes it.
  ///
  /// Cancellation: it is removed all the same.
  /// Throws:       file_error – the first of what could not be removed
  coro<> cleanup() {
    auto remove = [of = of_] { of->remove(); };
    return to_thread(std::move(remove));
  }

  /// For aio::with, whose block gets this object.
  ///
  /// Cancellation: none: it does not wait
  coro<scratch_directory&> enter() { co_return *this; }
  /// Cancellation: see cleanup
  coro<> exit(const std::exception_ptr&) { return cleanup(); }

 private:
  std::shared_ptr<detail::tree_remover> of_;
};

}  // namespace files

namespace detail {

inline coro<files::file> open_unnamed(std::string path, std::size_t suffix,
                                      file_mode mode) {
  auto call = [path = std::move(path), suffix, mode = std::move(mode)]() mutable {
    return make_temporary_file(std::move(path), suffix, std::move(mode)).core;
  };
  std::shared_ptr<file_core> core = co_await to_thread(std::move(call));
  co_return files::file(file_ptr(new file_state(std::move(core))));
}

inline coro<files::named_file> open_named(std::string path, std::size_t suffix,
                                          file_mode mode) {
  auto call = [path = std::move(path), suffix, mode = std::move(mode)]() mutable {
    return make_temporary_file(std::move(path), suffix, std::move(mode));
  };
  made_file made = co_await to_thread(std::move(call));
  co_return files::named_file(std::move(made));
}

inline coro<files::scratch_directory> make_temporary_directory(std::string path) {
  auto call = [path = std::move(path)]() mutable {
    if (::mkdtemp(path.data()) == nullptr) {
      throw_file_error("make a temporary directory like", path);
    }
    return std::make_shared<tree_remover>(std::move(path));
  };
  auto made = co_await to_thread(std::move(call));
  co_return files::scratch_directory(std::move(made));
}

}  // namespace detail

namespace files {

/// Opens a new file that has no name and is gone when it is closed.
///
///     auto f = co_await aio::files::temporary_file();
///
/// Cancellation: no file stays.
/// Throws:       file_error; std::invalid_argument – not a mode; cancelled_error
/// Like:         aiofiles.tempfile.TemporaryFile
inline detail::opening<file> temporary_file(const temporary_options& options = {}) {
  std::string name = detail::temporary_name(options.dir, options.prefix);
  name += options.suffix;
  return detail::opening<file>(detail::open_unnamed(
      std::move(name), options.suffix.size(), detail::file_mode(options.mode)));
}

/// Makes and opens a new file with a name; it is removed when it is closed, or when the
/// last handle goes.
///
///     auto block = [](aio::files::named_file& f) -> aio::coro<> { ... };
///     co_await aio::with(aio::files::named_temporary_file(), block);
///
/// Cancellation: no file stays.
/// Throws:       see temporary_file
inline detail::opening<named_file> named_temporary_file(
    const temporary_options& options = {}) {
  std::string name = detail::temporary_name(options.dir, options.prefix);
  name += options.suffix;
  return detail::opening<named_file>(detail::open_named(
      std::move(name), options.suffix.size(), detail::file_mode(options.mode)));
}

/// Makes a new directory, and removes it in the end with all that is in it.
///
///     auto block = [](aio::files::scratch_directory& d) -> aio::coro<> { ... };
///     co_await aio::with(aio::files::temporary_directory(), block);
///
/// Cancellation: no directory stays.
/// Throws:       file_error; cancelled_error
/// Like:         aiofiles.tempfile.TemporaryDirectory
inline detail::opening<scratch_directory> temporary_directory(
    const temporary_options& options = {}) {
  return detail::opening<scratch_directory>(detail::make_temporary_directory(
      detail::temporary_name(options.dir, options.prefix)));
}

}  // namespace files
}  // namespace aio
