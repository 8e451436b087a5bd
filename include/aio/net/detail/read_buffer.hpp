// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Bytes that have arrived and not been taken. Knows no socket and no task.

#pragma once

#include <aio/core/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace aio::detail {

///     [ taken | data            | room             ]
///     0       begin             end                capacity
///
/// While prepared room is lent out (to a receive that is under way), the memory stays
/// where it is: taking only moves `begin`.
class read_buffer {
 public:
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  std::string_view data() const noexcept { return {memory_.get() + begin_, size()}; }

  /// Lends out all the room there is, but at least `n` bytes. Ends a loan of which
  /// nothing was used.
  std::span<char> prepare(std::size_t n) {
    if (capacity_ - end_ < n) make_room(n);
    is_lent_ = true;
    return {memory_.get() + end_, capacity_ - end_};
  }

  /// Ends the loan: the first `n` bytes of the room are data.
  void commit(std::size_t n) noexcept {
    AIO_ASSERT(n <= capacity_ - end_);
    is_lent_ = false;
    end_ += n;
    if (empty()) begin_ = end_ = 0;
  }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
    commit(bytes.size());
  }

  void drop(std::size_t n) noexcept {
    AIO_ASSERT(n <= size());
    begin_ += n;
    if (!is_lent_ && empty()) begin_ = end_ = 0;
  }

  std::string take(std::size_t n) {
    std::string taken(data().substr(0, n));
    drop(taken.size());
    return taken;
  }

  std::size_t take_into(std::span<std::byte> to) noexcept {
    const std::size_t n = std::min(to.size(), size());
    if (n > 0) std::memcpy(to.data(), memory_.get() + begin_, n);
    drop(n);
    return n;
  }

  /// Before a loan: gives the memory back if it is larger than `n` and without data.
  void shrink(std::size_t n) noexcept {
    if (!empty() || capacity_ <= n) return;
    memory_.reset();
    capacity_ = begin_ = end_ = 0;
  }

  std::size_t capacity() const noexcept { return capacity_; }

 private:
  void make_room(std::size_t n) {
    const std::size_t held = size();
    if (capacity_ - held >= n && begin_ >= held) {  // no byte is moved often
      if (held > 0) std::memcpy(memory_.get(), memory_.get() + begin_, held);
    } else {
      const std::size_t larger = std::max(held + n, held == 0 ? n : 2 * capacity_);
      auto memory = std::make_unique_for_overwrite<char[]>(larger);
      if (held > 0) std::memcpy(memory.get(), memory_.get() + begin_, held);
      memory_ = std::move(memory);
      capacity_ = larger;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool is_lent_ = false;
};

}  // namespace aio::detail
