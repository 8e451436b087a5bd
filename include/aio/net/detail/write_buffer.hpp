// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Bytes to go. Knows no socket.

#pragma once

#include <aio/core/config.hpp>
#include <aio/net/detail/block_stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace aio::detail {

/// A queue of chunks: small writes share one, large ones get one of their own. Idle, it
/// owns no memory.
class write_buffer {
 public:
  write_buffer() noexcept = default;
  write_buffer(const write_buffer&) = delete;
  write_buffer& operator=(const write_buffer&) = delete;
  ~write_buffer() { clear(); }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  void append(std::string_view bytes) {
    if (last_ != nullptr) {
      const std::size_t n = std::min(bytes.size(), last_->capacity - last_->end);
      fill(bytes.substr(0, n));
      bytes.remove_prefix(n);
    }
    if (bytes.empty()) return;
    add_chunk(bytes.size());
    fill(bytes);
  }

  /// The first chunk; there is one.
  std::string_view front() const noexcept {
    return {first_->data() + first_->begin, first_->size()};
  }

  /// Calls `visit(std::string_view)` for the chunks in order, at most `count` times.
  template <class Visit>
  void for_each_chunk(std::size_t count, Visit visit) const {
    for (const chunk* c = first_; c != nullptr && count > 0; c = c->next, --count) {
      visit(std::string_view(c->data() + c->begin, c->size()));
    }
  }

  /// The first `n` bytes have gone.
  void consume(std::size_t n) noexcept {
    AIO_ASSERT(n <= size_);
    size_ -= n;
    while (first_ != nullptr) {
      const std::size_t gone = std::min(n, first_->size());
      first_->begin += gone;
      n -= gone;
      if (first_->size() > 0) return;
      drop_first();
    }
  }

  void clear() noexcept {
    while (first_ != nullptr) drop_first();
    size_ = 0;
  }

 private:
  using blocks = block_stack<4 * 1024, 64>;

  /// In front of its bytes.
  struct chunk {
    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
    const char* data() const noexcept {
      return reinterpret_cast<const char*>(this + 1);
    }
    std::size_t size() const noexcept { return end - begin; }

    chunk* next;
    std::size_t capacity;
    std::size_t begin;
    std::size_t end;
  };
  static constexpr std::size_t in_block = blocks::size - sizeof(chunk);

  void fill(std::string_view bytes) noexcept {
    if (bytes.empty()) return;
    std::memcpy(last_->data() + last_->end, bytes.data(), bytes.size());
    last_->end += bytes.size();
    size_ += bytes.size();
  }

  void add_chunk(std::size_t n) {
    void* const memory =
        n <= in_block ? blocks::take() : ::operator new(sizeof(chunk) + n);
    chunk* const added = new (memory) chunk{nullptr, std::max(n, in_block), 0, 0};
    (last_ == nullptr ? first_ : last_->next) = added;
    last_ = added;
  }

  void drop_first() noexcept {
    chunk* const dropped = std::exchange(first_, first_->next);
    if (first_ == nullptr) last_ = nullptr;
    if (dropped->capacity == in_block) {
      blocks::give_back(reinterpret_cast<char*>(dropped));
    } else {
      ::operator delete(dropped);
    }
  }

  chunk* first_ = nullptr;
  chunk* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace aio::detail
