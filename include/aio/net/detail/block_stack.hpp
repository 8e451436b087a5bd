// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Large blocks of memory that are needed for a short time.

#pragma once

#include <aio/detail/frame_pool.hpp>

#include <array>
#include <cstddef>

namespace aio::detail {

/// Blocks of `Size` bytes, of which each thread keeps up to `Kept`. What was used last
/// is used next, as it is still in the cache of the processor.
template <std::size_t Size, std::size_t Kept>
class block_stack {
 public:
  static constexpr std::size_t size = Size;

  /// The one that take() will give: room for what may turn out not to need it.
  static char* top() {
    if (local_.count == 0) [[unlikely]] {
      add();
    }
    return local_.blocks[local_.count - 1U];
  }

  static char* take() {
    char* const block = top();
    --local_.count;
    return block;
  }

  static void give_back(char* block) noexcept {
    if (local_.count < local_.limit) {
      local_.blocks[local_.count++] = block;
    } else {
      delete[] block;
    }
  }

 private:
#if defined(AIO_NO_FRAME_POOL)
  static constexpr std::size_t kept = 1;
#else
  static constexpr std::size_t kept = Kept;
#endif

  // Trivially constructed and destroyed (all zero), so that an access costs no guard.
  struct stack {
    std::array<char*, kept> blocks;
    std::size_t count;
    std::size_t limit;  // 0: no block was made on this thread yet, or it ends
    bool ended;
  };

  struct thread_end {
    ~thread_end() {
      local_.limit = 0;
      local_.ended = true;
      while (local_.count > 0) delete[] local_.blocks[--local_.count];
    }
    bool armed = false;
  };

  [[gnu::noinline]] static void add() {
    if (!local_.ended) {
      thread_local thread_end at_exit;
      at_exit.armed = true;
      local_.limit = kept;
    }
    local_.blocks[0] = new char[size];
    local_.count = 1;
  }

  static inline thread_local constinit stack local_{};
};

}  // namespace aio::detail
