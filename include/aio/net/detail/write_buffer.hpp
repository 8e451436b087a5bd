// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Bytes to go. Knows no socket.

#pragma once

#include <aio/core/config.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// A queue of chunks: small writes share one, large ones keep theirs. Idle, it owns no
/// memory.
class write_buffer {
 public:
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    if (!chunks_) chunks_ = std::make_unique<std::deque<std::string>>();
    if (chunks_->empty() || chunks_->back().size() + bytes.size() > shared_chunk) {
      chunks_->emplace_back();
      if (bytes.size() < shared_chunk) chunks_->back().reserve(first_reserve);
    }
    chunks_->back().append(bytes);
    size_ += bytes.size();
  }

  /// Calls `visit(std::string_view)` for the chunks in order, at most `count` times.
  template <class Visit>
  void for_each_chunk(std::size_t count, Visit visit) const {
    if (!chunks_) return;
    std::size_t skip = sent_of_first_;
    for (const std::string& chunk : *chunks_) {
      if (count-- == 0) return;
      visit(std::string_view(chunk).substr(std::exchange(skip, 0)));
    }
  }

  /// The first `n` bytes have gone.
  void consume(std::size_t n) noexcept {
    AIO_ASSERT(n <= size_);
    size_ -= n;
    while (n > 0) {
      const std::size_t rest = chunks_->front().size() - sent_of_first_;
      if (n < rest) {
        sent_of_first_ += n;
        return;
      }
      n -= rest;
      sent_of_first_ = 0;
      chunks_->pop_front();
    }
    if (empty()) chunks_.reset();
  }

  void clear() noexcept {
    chunks_.reset();
    size_ = sent_of_first_ = 0;
  }

 private:
  static constexpr std::size_t shared_chunk = 16 * 1024;
  static constexpr std::size_t first_reserve = 512;

  std::unique_ptr<std::deque<std::string>> chunks_;
  std::size_t size_ = 0;
  std::size_t sent_of_first_ = 0;
};

}  // namespace aio::detail
