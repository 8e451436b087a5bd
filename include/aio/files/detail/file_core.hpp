// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// An open file and its buffers: the part that threads work on.

#pragma once

#include <aio/files/detail/text.hpp>
#include <aio/files/file_error.hpp>
#include <aio/files/open_options.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// The descriptor, what was read ahead and what is to be written. Never both at once.
///
/// One thread at a time uses it: the loop's, or the one that works for the operation
/// whose turn it is. What blocks is for the latter, and leaves all it did in here, so
/// that nothing is lost when the operation was called off meanwhile.
class file_core {
 public:
  /// Opens `path`.
  ///
  /// Throws: files::file_error
  file_core(std::string path, file_mode mode, files::open_options options)
      : file_core(-1, std::move(path), std::move(mode), options) {
    do {
      fd_ = ::open(name_.c_str(), mode_.flags, options_.permissions);
    } while (fd_ < 0 && errno == EINTR);
    if (fd_ < 0) throw_file_error("open", name_);
    adopted();
  }

  /// Takes over a descriptor.
  file_core(int fd, std::string name, file_mode mode, files::open_options options)
      : fd_(fd), name_(std::move(name)), mode_(std::move(mode)), options_(options) {
    if (options_.buffering == 0 && !mode_.binary) {
      throw std::invalid_argument(
          "a text cannot be without a buffer: open it as binary");
    }
    options_.universal_newlines = options_.universal_newlines && !mode_.binary;
    options_.strict_utf8 = options_.strict_utf8 && !mode_.binary;
    writes_lines_ = options_.buffering == 1 && !mode_.binary;
    if (options_.buffering >= 0 && !writes_lines_) {
      room_ = static_cast<std::size_t>(options_.buffering);
    }
  }
  file_core(const file_core&) = delete;
  file_core& operator=(const file_core&) = delete;
  ~file_core() {
    try {
      close();
    } catch (const files::file_error&) {
      // Nobody is left to be told.
    }
  }

  int fd() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ >= 0; }
  const std::string& name() const noexcept { return name_; }
  const file_mode& mode() const noexcept { return mode_; }
  const files::open_options& options() const noexcept { return options_; }

  // ----- without waiting -----

  /// What was read ahead.
  std::string_view unread() const noexcept {
    return std::string_view(ahead_).substr(begin_);
  }
  bool is_at_end() const noexcept { return is_at_end_; }

  /// The first line in what was read ahead, if it is there whole; at the end of the file
  /// all that is left.
  std::optional<std::size_t> line_size() noexcept {
    auto size = find_line(unread(), scanned_, options_.universal_newlines, is_at_end_);
    if (!size && is_at_end_) return unread().size();
    if (!size) scanned_ = unread().size() - (unread().ends_with('\r') ? 1 : 0);
    return size;
  }

  /// Takes so much of what was read ahead.
  ///
  /// Throws: files::decode_error – then it stays
  std::string take(std::size_t size) {
    if (options_.strict_utf8) check_utf8(unread().substr(0, size));
    std::string taken;
    if (begin_ == 0 && size == ahead_.size() && size > room_) {
      taken.swap(ahead_);
    } else {
      taken = unread().substr(0, size);
    }
    drop(size);
    if (options_.universal_newlines) normalise_newlines(taken);
    return taken;
  }

  /// Whether write() would have to move the position first.
  bool has_read_ahead() const noexcept { return begin_ < ahead_.size(); }

  /// Keeps `bytes` to be written. True if they should be written out now.
  bool put(std::string bytes) {
    const bool ends_line = writes_lines_ && bytes.find('\n') != bytes.npos;
    if (unwritten_.empty()) {
      unwritten_ = std::move(bytes);
    } else {
      unwritten_ += bytes;
    }
    return ends_line || unwritten_.size() > room_;
  }
  bool has_unwritten() const noexcept { return !unwritten_.empty(); }

  // ----- waiting -----

  /// Reads until `size` bytes are there, or the end.
  void fill(std::size_t size) {
    write_out();
    is_at_end_ = false;
    while (unread().size() < size && !is_at_end_) {
      read_some(std::max(size - unread().size(), room_));
    }
  }

  void fill_line() {
    write_out();
    is_at_end_ = false;
    while (!line_size()) read_some(std::max<std::size_t>(room_, 1));
  }

  counted_text count(std::size_t characters) const noexcept {
    return count_characters(unread(), characters, options_.universal_newlines,
                            is_at_end_);
  }

  void fill_characters(std::size_t wanted) {
    write_out();
    is_at_end_ = false;
    std::size_t there = count(wanted).characters;
    while (there < wanted && !is_at_end_) {
      read_some(std::max(wanted - there, room_));
      there = count(wanted).characters;
    }
  }

  void fill_to_end() {
    write_out();
    is_at_end_ = false;
    while (!is_at_end_) read_some(std::max(left_in_file() + 1, room_));
  }

  /// Throws: files::file_error – what could not be written stays
  void write_out() {
    std::size_t written = 0;
    while (written < unwritten_.size()) {
      const ssize_t n =
          ::write(fd_, unwritten_.data() + written, unwritten_.size() - written);
      if (n >= 0) {
        written += static_cast<std::size_t>(n);
      } else if (!wait_if_full(POLLOUT)) {
        unwritten_.erase(0, written);
        throw_file_error("write to", name_);
      }
    }
    if (unwritten_.capacity() > 2 * room_) {
      unwritten_ = std::string();
    } else {
      unwritten_.clear();
    }
  }

  /// Moves the position back to where the reader is.
  void forget_read_ahead() {
    const auto size = static_cast<off_t>(unread().size());
    if (size > 0 && ::lseek(fd_, -size, SEEK_CUR) < 0 && errno != ESPIPE) {
      throw_file_error("seek in", name_);
    }
    drop(unread().size());
  }

  std::int64_t seek(std::int64_t offset, int whence) {
    write_out();
    forget_read_ahead();
    const off_t at = ::lseek(fd_, offset, whence);
    if (at < 0) throw_file_error("seek in", name_);
    is_at_end_ = false;
    return at;
  }

  std::int64_t tell() {
    if (mode_.appends) write_out();
    const off_t at = ::lseek(fd_, 0, SEEK_CUR);
    if (at < 0) throw_file_error("tell the position in", name_);
    return at - static_cast<off_t>(unread().size()) +
           static_cast<off_t>(unwritten_.size());
  }

  std::int64_t truncate(std::optional<std::int64_t> size) {
    write_out();
    forget_read_ahead();
    if (!size) size = tell();
    int result = 0;
    do {
      result = ::ftruncate(fd_, *size);
    } while (result < 0 && errno == EINTR);
    if (result < 0) throw_file_error("truncate", name_);
    return *size;
  }

  void sync() {
    write_out();
    if (::fsync(fd_) < 0) throw_file_error("sync", name_);
  }

  /// Closes it in any case.
  ///
  /// Throws: files::file_error – something could not be written
  void close() {
    if (fd_ < 0) return;
    struct closing {
      ~closing() {
        const int fd = std::exchange(of.fd_, -1);
        if (of.options_.closefd) ::close(fd);
        of.unwritten_ = of.ahead_ = std::string();
        of.begin_ = 0;
      }
      file_core& of;
    };
    const closing at_last{*this};
    write_out();
  }

 private:
  void adopted() {
    struct ::stat about {};
    if (::fstat(fd_, &about) == 0 && S_ISDIR(about.st_mode)) {
      ::close(std::exchange(fd_, -1));
      errno = EISDIR;
      throw_file_error("open", name_);
    }
    if (mode_.appends) ::lseek(fd_, 0, SEEK_END);
  }

  void read_some(std::size_t size) {
    ahead_.erase(0, begin_);
    begin_ = 0;
    const std::size_t had = ahead_.size();
    ahead_.resize(had + size);
    ssize_t n = -1;
    do {
      n = ::read(fd_, ahead_.data() + had, size);
    } while (n < 0 && wait_if_full(POLLIN));
    ahead_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0) throw_file_error("read", name_);
    is_at_end_ = n == 0;
  }

  /// After an error: whether it is worth trying again.
  bool wait_if_full(short what) const noexcept {
    if (errno == EINTR) return true;
    if (errno != EAGAIN) return false;
    ::pollfd ready{fd_, what, 0};
    return ::poll(&ready, 1, -1) >= 0 || errno == EINTR;
  }

  std::size_t left_in_file() const noexcept {
    struct ::stat about {};
    if (::fstat(fd_, &about) < 0 || !S_ISREG(about.st_mode)) return 0;
    const off_t at = ::lseek(fd_, 0, SEEK_CUR);
    return at >= 0 && at < about.st_size ? static_cast<std::size_t>(about.st_size - at)
                                         : 0;
  }

  void drop(std::size_t size) noexcept {
    scanned_ = 0;
    begin_ += size;
    if (begin_ < ahead_.size()) return;
    ahead_.clear();
    begin_ = 0;
    if (ahead_.capacity() > 2 * room_ + 64) ahead_ = std::string();
  }

  void check_utf8(std::string_view text) const {
    const auto bad = find_bad_utf8(text);
    if (!bad) return;
    throw files::decode_error(
        "'" + name_ + "' is not UTF-8: byte " +
            std::to_string(static_cast<unsigned char>(text[*bad])) + " at position " +
            std::to_string(*bad) + " of what was to be read",
        *bad);
  }

  int fd_ = -1;
  std::string name_;
  file_mode mode_;
  files::open_options options_;
  std::size_t room_ = 64 * 1024;
  bool writes_lines_ = false;

  std::string ahead_;  // read, and from begin_ on not taken
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;  // so much of what is unread has no end of a line
  bool is_at_end_ = false;   // the last read came to it
  std::string unwritten_;
};

}  // namespace aio::detail
