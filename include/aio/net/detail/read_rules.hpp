// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// When a read is satisfied, and what it takes: the framing, without tasks or sockets.

#pragma once

#include <aio/core/error.hpp>
#include <aio/net/detail/reader_state.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::detail {

/// Something, at most `n` bytes.
struct read_up_to {
  std::size_t n;

  bool is_satisfied(const reader_state& s) const noexcept {
    return n == 0 || !s.buffer.empty() || s.is_ended;
  }
  std::string take(reader_state& s) const { return s.buffer.take(n); }
};

/// Something, into memory of the caller.
struct read_into {
  std::span<std::byte> to;

  bool is_satisfied(const reader_state& s) const noexcept {
    return to.empty() || !s.buffer.empty() || s.is_ended;
  }
  std::size_t take(reader_state& s) const noexcept { return s.buffer.take_into(to); }
};

/// All until the end of the stream.
struct read_to_end {
  bool is_satisfied(const reader_state& s) const noexcept { return s.is_ended; }
  std::string take(reader_state& s) const { return s.buffer.take(s.buffer.size()); }
};

/// Exactly `n` bytes.
struct read_exactly {
  std::size_t n;

  bool is_satisfied(const reader_state& s) const noexcept {
    return s.buffer.size() >= n || s.is_ended;
  }
  std::string take(reader_state& s) const {
    if (s.buffer.size() < n) {
      throw incomplete_read_error(s.buffer.take(s.buffer.size()), n);
    }
    return s.buffer.take(n);
  }
};

/// Up to and including the first of some separators. No byte is searched twice.
class read_until {
 public:
  explicit read_until(std::vector<std::string> separators)
      : separators_(std::move(separators)) {
    if (separators_.empty()) {
      throw std::invalid_argument("readuntil: at least one separator is needed");
    }
    for (const std::string& one : separators_) {
      if (one.empty()) throw std::invalid_argument("readuntil: an empty separator");
      longest_ = std::max(longest_, one.size());
    }
  }

  bool is_satisfied(const reader_state& s) {
    search(s.buffer.data());
    return match_ || searched_ > s.limit || s.is_ended;
  }

  std::string take(reader_state& s) {
    // More may have come since it was satisfied.
    search(s.buffer.data());
    if (match_) {
      if (match_->begin > s.limit) {
        throw limit_overrun_error("separator is found, but chunk is longer than limit",
                                  match_->begin);
      }
      return s.buffer.take(match_->end);
    }
    if (searched_ > s.limit) {
      throw limit_overrun_error("separator is not found, and chunk exceeds the limit",
                                searched_);
    }
    throw incomplete_read_error(s.buffer.take(s.buffer.size()), std::nullopt);
  }

  void restart() noexcept {
    searched_ = 0;
    match_.reset();
  }

 private:
  struct match {
    std::size_t begin;
    std::size_t end;
  };

  void search(std::string_view data) {
    if (match_) return;
    for (const std::string& one : separators_) {
      const std::size_t at = data.find(one, searched_);
      if (at == std::string_view::npos) continue;
      const std::size_t end = at + one.size();
      if (!match_ || end < match_->end) match_ = match{at, end};
    }
    // A separator may have begun at the end.
    if (!match_ && data.size() + 1 > longest_) searched_ = data.size() + 1 - longest_;
  }

  std::vector<std::string> separators_;
  std::size_t longest_ = 0;
  std::size_t searched_ = 0;
  std::optional<match> match_;
};

/// One line with its newline; what is left at the end of the stream; a line that is too
/// long is dropped.
class read_line {
 public:
  bool is_satisfied(const reader_state& s) {
    search(s.buffer.data());
    return newline_ || searched_ > s.limit || s.is_ended;
  }

  std::string take(reader_state& s) {
    search(s.buffer.data());
    if (newline_ && *newline_ <= s.limit) return s.buffer.take(*newline_ + 1);
    if (newline_ || searched_ > s.limit) {
      s.buffer.drop(newline_ ? *newline_ + 1 : s.buffer.size());
      s.bytes_taken();
      throw std::invalid_argument(
          "readline: the line is longer than the limit of " + std::to_string(s.limit) +
          " bytes and was dropped; give the stream a larger one");
    }
    return s.buffer.take(s.buffer.size());
  }

  void restart() noexcept {
    searched_ = 0;
    newline_.reset();
  }

 private:
  void search(std::string_view data) noexcept {
    if (newline_) return;
    const std::size_t at = data.find('\n', searched_);
    if (at != std::string_view::npos) {
      newline_ = at;
    } else {
      searched_ = data.size();
    }
  }

  std::size_t searched_ = 0;
  std::optional<std::size_t> newline_;
};

/// The same for a loop over the lines: none at the end of the stream.
class read_next_line : public read_line {
 public:
  std::optional<std::string> take(reader_state& s) {
    std::string line = read_line::take(s);
    if (line.empty()) return std::nullopt;
    return line;
  }
};

}  // namespace aio::detail
