// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Room for what was decrypted, on its way to a protocol.

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace aio::detail {

/// One per thread, so that a connection at rest has none. It is lent, because who gets
/// the plaintext may decrypt it once more.
class plaintext_room {
 public:
  plaintext_room() : memory_(std::exchange(spare_, nullptr)) {
    if (!memory_) memory_ = std::make_unique_for_overwrite<char[]>(size);
  }
  plaintext_room(const plaintext_room&) = delete;
  plaintext_room& operator=(const plaintext_room&) = delete;
  ~plaintext_room() { spare_ = std::move(memory_); }

  std::span<char> all() const noexcept { return {memory_.get(), size}; }

 private:
  static constexpr std::size_t size = 64 * 1024;

  static inline thread_local std::unique_ptr<char[]> spare_;

  std::unique_ptr<char[]> memory_;
};

}  // namespace aio::detail
