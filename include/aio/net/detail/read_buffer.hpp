// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Bytes that have arrived and not been taken. Knows no socket and no task.

#pragma once

#include <aio/core/config.hpp>
#include <aio/detail/frame_pool.hpp>
#include <aio/net/detail/block_stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

///     [ taken | data            | room             ]
///     0       begin             end                capacity
///
/// A receive goes into a block of the thread. Few bytes are then moved to memory of
/// their size, many keep the block; empty, the buffer owns nothing.
class read_buffer {
 public:
  read_buffer() noexcept = default;
  read_buffer(const read_buffer&) = delete;
  read_buffer& operator=(const read_buffer&) = delete;
  ~read_buffer() { release(); }

  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  std::string_view data() const noexcept { return {memory_ + begin_, size()}; }

  /// Lends out room for a receive, until commit() or any other call.
  std::span<char> prepare() {
    if (capacity_ - end_ >= least_room) return {memory_ + end_, capacity_ - end_};
    return {receive_blocks::top(), receive_blocks::size};
  }

  /// The first `n` bytes of the room are data.
  void commit(std::size_t n) {
    if (capacity_ - end_ >= least_room) {
      AIO_ASSERT(n <= capacity_ - end_);
      end_ += n;
    } else if (empty() && n >= worth_a_block) {
      adopt(receive_blocks::take(), n);
    } else {
      append({receive_blocks::top(), n});
    }
  }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    if (capacity_ - end_ < bytes.size()) make_room(bytes.size());
    std::memcpy(memory_ + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  void drop(std::size_t n) noexcept {
    AIO_ASSERT(n <= size());
    begin_ += n;
    if (empty()) release();
  }

  std::string take(std::size_t n) {
    std::string taken(data().substr(0, n));
    drop(taken.size());
    return taken;
  }

  std::size_t take_into(std::span<std::byte> to) noexcept {
    const std::size_t n = std::min(to.size(), size());
    if (n > 0) std::memcpy(to.data(), memory_ + begin_, n);
    drop(n);
    return n;
  }

  std::size_t capacity() const noexcept { return capacity_; }

 private:
  using receive_blocks = block_stack<64 * 1024, 16>;

  // With less a receive would often be cut in two.
  static constexpr std::size_t least_room = 16 * 1024;
  // To copy so much costs more than a block costs memory.
  static constexpr std::size_t worth_a_block = 8 * 1024;

  void make_room(std::size_t n) {
    const std::size_t held = size();
    if (capacity_ - held >= n && begin_ >= held) {  // no byte is moved often
      if (held > 0) std::memcpy(memory_, memory_ + begin_, held);
    } else {
      const std::size_t larger = std::max(held + n, held == 0 ? n : 2 * capacity_);
      char* const memory = static_cast<char*>(frame_pool::allocate(larger));
      if (held > 0) std::memcpy(memory, memory_ + begin_, held);
      release();
      memory_ = memory;
      capacity_ = larger;
    }
    begin_ = 0;
    end_ = held;
  }

  void adopt(char* block, std::size_t n) noexcept {
    release();
    memory_ = block;
    capacity_ = receive_blocks::size;
    is_block_ = true;
    end_ = n;
  }

  void release() noexcept {
    char* const memory = std::exchange(memory_, nullptr);
    if (std::exchange(is_block_, false)) {
      receive_blocks::give_back(memory);
    } else if (memory != nullptr) {
      frame_pool::deallocate(memory, capacity_);
    }
    capacity_ = begin_ = end_ = 0;
  }

  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool is_block_ = false;
};

}  // namespace aio::detail
