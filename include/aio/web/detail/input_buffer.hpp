// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What a connection has received and not used yet.

#pragma once

#include <aio/core/config.hpp>
#include <aio/net/detail/block_stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace aio::web::detail {

///     [ head of the request | used | data | room ]
///     0                     kept   begin  end    capacity
///
/// A receive goes into a block of the thread; empty, it owns nothing. What stands before
/// `kept` stays where it is: the views of a request point there.
class input_buffer {
 public:
  input_buffer() noexcept = default;
  input_buffer(const input_buffer&) = delete;
  input_buffer& operator=(const input_buffer&) = delete;
  ~input_buffer() { release(); }

  std::string_view data() const noexcept { return {memory_ + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  /// Whether there is no room, and none can be made while a head is kept.
  bool is_full() const noexcept { return memory_ != nullptr && end_ == capacity_; }

  /// At least one byte, if nothing is kept or it is not full.
  std::span<char> room() {
    if (memory_ == nullptr) return {blocks::top(), blocks::size};
    if (end_ == capacity_) make_room();
    return {memory_ + end_, capacity_ - end_};
  }
  void commit(std::size_t n) {
    if (memory_ == nullptr) {
      memory_ = blocks::take();
      capacity_ = blocks::size;
    }
    end_ += n;
  }

  void consume(std::size_t n) noexcept {
    AIO_ASSERT(n <= end_ - begin_);
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = kept_;
  }

  /// Sees to it that a receive finds room behind the first `n` bytes. Returns whether
  /// they have moved.
  bool make_room_behind(std::size_t n) {
    if (capacity_ - begin_ - n >= least_room) return false;
    enlarge();
    return true;
  }

  /// Moves what is there into memory of just its size, for one who keeps it for long.
  /// Returns whether it has moved.
  bool shrink() {
    AIO_ASSERT(kept_ == 0);
    const std::size_t size = end_ - begin_;
    if (size == 0 || capacity_ != blocks::size) return false;
    char* const memory = new char[size];
    std::memcpy(memory, memory_ + begin_, size);
    release();
    memory_ = memory;
    capacity_ = end_ = size;
    return true;
  }

  /// Takes the first bytes for a head, which keeps its place until let_go().
  void keep(std::size_t n) noexcept {
    begin_ += n;
    kept_ = begin_;
  }
  void let_go() noexcept {
    kept_ = 0;
    if (begin_ == end_) release();
  }

 private:
  static constexpr std::size_t least_room = 4 * 1024;

  using blocks = aio::detail::block_stack<16 * 1024, 64>;

  void make_room() {
    if (kept_ == 0 && begin_ > 0) {
      std::memmove(memory_, memory_ + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
      return;
    }
    enlarge();
  }

  void enlarge() {
    AIO_ASSERT(kept_ == 0);
    const std::size_t larger = 2 * capacity_;
    char* const memory = new char[larger];
    std::memcpy(memory, memory_, end_);
    const std::size_t begin = begin_;
    const std::size_t end = end_;
    release();
    memory_ = memory;
    capacity_ = larger;
    begin_ = begin;
    end_ = end;
  }

  void release() noexcept {
    if (memory_ != nullptr) {
      if (capacity_ == blocks::size) {
        blocks::give_back(memory_);
      } else {
        delete[] memory_;
      }
    }
    memory_ = nullptr;
    capacity_ = kept_ = begin_ = end_ = 0;
  }

  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t kept_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace aio::web::detail
