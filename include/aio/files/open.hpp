// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// open(): a file from its path, or from a descriptor.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/files/detail/file_core.hpp>
#include <aio/files/detail/path_argument.hpp>
#include <aio/files/file.hpp>
#include <aio/files/open_options.hpp>
#include <aio/io/threads.hpp>

#include <unistd.h>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio {
namespace detail {

/// `fileno` and others may be used while a thread works: they read what it never writes
/// but in close().
inline coro<files::file> open_file(std::string path, file_mode mode,
                                   files::open_options options) {
  auto call = [path = std::move(path), mode = std::move(mode), options]() mutable {
    return std::make_shared<file_core>(std::move(path), std::move(mode), options);
  };
  std::shared_ptr<file_core> core = co_await to_thread(std::move(call));
  co_return files::file(file_ptr(new file_state(std::move(core))));
}

/// What open() returns: `co_await` it for a file, or give it to aio::with.
template <class Made>
class [[nodiscard]] opening {
 public:
  explicit opening(coro<Made> open) noexcept : open_(std::move(open)) {}

  auto operator co_await() && { return std::move(open_).operator co_await(); }

  /// For aio::with.
  ///
  /// Cancellation: see the function that made it
  coro<Made&> enter() {
    made_ = co_await std::move(open_);
    co_return made_;
  }
  /// Cancellation: see Made::exit
  auto exit(const std::exception_ptr& error) { return made_.exit(error); }

 private:
  coro<Made> open_;
  Made made_;
};

}  // namespace detail

namespace files {

/// Opens a file in a thread of the loop's executor.
///
///     auto f = co_await aio::files::open("notes.txt", "w");
///     co_await f.write("remember the milk\n");
///     co_await f.close();
///
///     co_await aio::with(aio::files::open("notes.txt"), [](auto& f) -> aio::coro<> {
///       fmt::print("{}", co_await f.read());
///     });
///
/// The modes are Python's: "r" to read, "w" to write from nothing, "a" to write behind
/// what is there, "x" to make a file that must not be there; with '+' to do both, with
/// 'b' for bytes instead of UTF-8 text (they differ in read(n) and in open_options).
///
/// Takes:        path: a string or a std::filesystem::path
/// Cancellation: the await ends at once; a file that is then opened is closed again, but
///               may have been made, or emptied.
/// Throws:       file_error – with the path; std::invalid_argument – not a mode;
///               cancelled_error
/// Like:         aiofiles.open
inline detail::opening<file> open(detail::path_argument path,
                                  std::string_view mode = "r",
                                  const open_options& options = {}) {
  return detail::opening<file>(
      detail::open_file(path.take(), detail::file_mode(mode), options));
}

/// The same for a descriptor that is open already; its name is "<fd N>".
///
/// Returns: a file at once: there is nothing to wait for
/// Throws:  std::invalid_argument – not a mode
inline file from_fd(int fd, std::string_view mode = "r",
                    const open_options& options = {}) {
  return file(
      detail::file_ptr(new detail::file_state(std::make_shared<detail::file_core>(
          fd, "<fd " + std::to_string(fd) + ">", detail::file_mode(mode), options))));
}

/// Standard input, output and error as files; each call makes one with buffers of its
/// own, and none closes the descriptor.
///
/// A thread that waits for input cannot be called off: the program then ends after the
/// next line. Where that matters, take aio::stdin_reader().
///
/// Like: aiofiles.stdin, stdout, stderr
inline file in() { return from_fd(STDIN_FILENO, "r", {.closefd = false}); }
inline file out() {
  return from_fd(STDOUT_FILENO, "w", {.buffering = 1, .closefd = false});
}
inline file err() {
  return from_fd(STDERR_FILENO, "w", {.buffering = 1, .closefd = false});
}

}  // namespace files
}  // namespace aio
