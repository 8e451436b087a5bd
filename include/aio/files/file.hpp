// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// file: an open file whose calls do not hold up the loop.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/files/detail/file_operations.hpp>
#include <aio/files/detail/file_state.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::files {

/// An open file. A handle, cheap to copy; see open(). What blocks is done in the threads
/// of the loop's executor, one call of a file at a time and in the order of the awaits.
///
///     auto f = co_await aio::files::open("log.txt");
///     while (auto line = co_await f.next_line()) use(*line);
///     co_await f.close();
///
/// It reads ahead in blocks, and collects what is written until it is a block, flush(),
/// seek(), truncate() or close(). A position counts bytes, and so do sizes, but those of
/// read(n) count characters where the file is a text (opened without 'b').
///
/// Cancellation: of any call: the await ends at once. A thread that is at work goes on,
///               with buffers that belong to the file, and the next call waits for it:
///               what it reads is there for the next one that reads, what it writes is
///               written whole.
/// Throws:       of any call: file_error; usage_error – closed, or the mode does not
///               allow it; cancelled_error
/// Lifetime:     when the last handle of a file goes that was not closed, it is closed by
///               the loop's own thread, which may take long; debug mode reports it
/// Like:         the files of aiofiles
class file {
 public:
  file() noexcept = default;
  explicit file(detail::file_ptr of) noexcept : of_(std::move(of)) {}

  // ----- reading -----

  /// Yields all until the end of the file.
  ///
  /// Cancellation: see the class
  /// Throws:       decode_error – not UTF-8, if that was asked for; of all that read
  coro<std::string> read() const { return detail::read_all_from(of()); }

  /// Yields `size` bytes, of a text `size` characters; fewer only at the end.
  ///
  /// Cancellation: see the class
  coro<std::string> read(std::size_t size) const { return read_from(of(), size); }

  /// Yields a line with its '\n'; at the end of the file what is left, perhaps empty.
  ///
  /// Cancellation: see the class
  coro<std::string> readline() const { return detail::read_line_from(of()); }

  /// The same for a loop over the lines: none at the end of the file. Most lines come
  /// from what was read ahead and take no thread.
  ///
  ///     while (auto line = co_await f.next_line()) use(*line);
  ///
  /// Cancellation: see the class
  /// Like:         async for line in f
  coro<std::optional<std::string>> next_line() const {
    return detail::next_line_from(of());
  }

  /// Yields the lines that are left; with a `hint`, as soon as they have so many bytes.
  ///
  /// Cancellation: see the class; lines that it had taken are lost
  coro<std::vector<std::string>> readlines(std::size_t hint = 0) const {
    return read_lines_from(of(), hint);
  }

  /// Reads until `to` is full or the file ends, and yields how many bytes that were.
  ///
  /// Cancellation: see the class; `to` is not touched before the await ends
  coro<std::size_t> readinto(std::span<std::byte> to) const {
    return read_into_from(of(), to);
  }

  // ----- writing -----

  /// Writes all of it, and yields how many bytes that were.
  ///
  /// Cancellation: see the class; all of it was taken, or nothing
  /// Throws:       file_error – perhaps of what was written before; what could not be
  ///               written is tried again with the next call
  coro<std::size_t> write(std::string bytes) const {
    return write_to(of(), std::move(bytes));
  }
  coro<std::size_t> write(std::string_view bytes) const {
    return write_to(of(), std::string(bytes));
  }
  coro<std::size_t> write(const char* text) const {
    return write_to(of(), std::string(text));
  }
  coro<std::size_t> write(std::span<const std::byte> bytes) const {
    return write_to(
        of(), std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  /// write() for all of a range of strings, in one.
  ///
  /// Cancellation, Throws: see write
  template <std::ranges::input_range Lines>
  coro<std::size_t> writelines(Lines&& lines) const {
    std::string all;
    for (const auto& line : lines) all += line;
    return write_to(of(), std::move(all));
  }

  /// Hands what was written to the system, so that other programs see it.
  ///
  /// Cancellation: see the class
  coro<> flush() const { return flush_file(of()); }

  /// The same, and waits until it is on the disk.
  ///
  /// Cancellation: see the class
  /// Like:         os.fsync(f.fileno())
  coro<> sync() const { return sync_file(of()); }

  // ----- the position -----

  /// Moves the position and yields it, in bytes from the beginning.
  ///
  /// Takes:        whence: SEEK_SET, SEEK_CUR or SEEK_END
  /// Cancellation: see the class
  coro<std::int64_t> seek(std::int64_t offset, int whence = SEEK_SET) const {
    return seek_file(of(), offset, whence);
  }

  /// Cancellation: see the class
  coro<std::int64_t> tell() const { return tell_file(of()); }

  /// Makes the file end at `size`, if none is given at the position, and yields the
  /// size. The position stays.
  ///
  /// Cancellation: see the class
  coro<std::int64_t> truncate(std::optional<std::int64_t> size = {}) const {
    return truncate_file(of(), size);
  }

  // ----- the end -----

  /// Writes what was not yet written and closes the file; does nothing the second time.
  ///
  /// Cancellation: see the class: it is closed all the same
  /// Throws:       file_error – something could not be written; it is closed nonetheless
  coro<> close() const { return close_file(of()); }

  /// For aio::with, which closes the file: `aio::with(std::move(f), block)`.
  ///
  /// Cancellation: none: it does not wait
  coro<file&> enter() {
    of()->check_open();
    co_return *this;
  }
  /// Cancellation: see close
  coro<> exit(const std::exception_ptr&) const { return close(); }

  // ----- what is known without waiting -----

  bool closed() const { return !of()->core().is_open(); }
  /// The path it was opened with.
  const std::string& name() const { return of()->core().name(); }
  const std::string& mode() const { return of()->core().mode().text; }
  bool readable() const { return of()->core().mode().reads; }
  bool writable() const { return of()->core().mode().writes; }
  bool seekable() const { return ::lseek(fileno(), 0, SEEK_CUR) >= 0; }
  bool isatty() const { return ::isatty(fileno()) == 1; }
  /// Throws: usage_error – closed
  int fileno() const {
    of()->check_open();
    return of()->core().fd();
  }
  /// The same under Asio's name, for loop.sendfile() and others. (flush() first.)
  int native_handle() const { return fileno(); }

  /// Whether it refers to a file at all.
  explicit operator bool() const noexcept { return static_cast<bool>(of_); }

 private:
  const detail::file_ptr& of() const {
    if (!of_) throw usage_error("an empty file: it was never opened, or moved from");
    return of_;
  }

  detail::file_ptr of_;
};

}  // namespace aio::files
