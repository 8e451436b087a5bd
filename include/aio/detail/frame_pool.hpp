// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Recycles the memory of frames, tasks and callbacks, per thread.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

// A recycled frame hides a use after free from the address sanitizer.
#if !defined(AIO_NO_FRAME_POOL)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AIO_NO_FRAME_POOL 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AIO_NO_FRAME_POOL 1
#endif
#endif
#endif

namespace aio::detail {

/// Free lists of blocks in steps of 16 bytes; larger blocks go to the heap.
///
/// A block may be freed on another thread than it came from: it then serves
/// that thread. Each list keeps at most `kept_blocks`, so memory of a burst goes
/// back to the heap.
class frame_pool {
 public:
  [[gnu::always_inline]] static void* allocate(std::size_t size) {
#if !defined(AIO_NO_FRAME_POOL)
    if (const std::size_t c = class_of(size); c < classes) {
      bucket& b = local_.buckets[c];
      if (b.first != nullptr) {
        block* taken = b.first;
        b.first = taken->next;
        --b.count;
        return taken;
      }
      return ::operator new(c* step + spare);
    }
#endif
    return ::operator new(size);
  }

  [[gnu::always_inline]] static void deallocate(
      void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if !defined(AIO_NO_FRAME_POOL)
    if (const std::size_t c = class_of(size); c < classes) {
      bucket& b = local_.buckets[c];
      if (b.count < local_.limit) {
        b.first = new (memory) block{b.first};
        ++b.count;
        return;
      }
      if (local_.limit == 0) open();
    }
#endif
    ::operator delete(memory);
  }

 private:
  // The heap gives blocks of 16 n + 8 bytes without waste.
  static constexpr std::size_t step = 16;
  static constexpr std::size_t spare = 8;
  static constexpr std::size_t classes = 64;
  static constexpr std::uint32_t kept_blocks = 512;

  struct block {
    block* next;
  };
  struct bucket {
    block* first;
    std::uint32_t count;
  };

  // Trivially constructed and destroyed (all zero), so that an access costs no guard.
  struct lists {
    std::array<bucket, classes> buckets;
    std::uint32_t limit;  // 0: nothing was freed on this thread yet, or it ends
    bool ended;
  };

  struct thread_end {
    ~thread_end() {
      local_.limit = 0;
      local_.ended = true;
      for (bucket& b : local_.buckets) {
        while (b.first != nullptr) {
          block* taken = b.first;
          b.first = taken->next;
          ::operator delete(taken);
        }
      }
    }
    bool armed = false;
  };

  static std::size_t class_of(std::size_t size) noexcept {
    return (size + step - 1 - spare) / step;
  }

  // Begins to keep blocks, and sees to it that they are freed with the thread.
  [[gnu::noinline]] static void open() noexcept {
    if (local_.ended) return;
    thread_local thread_end at_exit;
    at_exit.armed = true;
    local_.limit = kept_blocks;
  }

  static inline thread_local constinit lists local_{};
};

/// Base of objects whose memory comes from the pool.
struct pooled {
  // Both or none of them inlined, or g++ takes one for the wrong partner of the other.
  [[gnu::always_inline]] static void* operator new(std::size_t size) {
    return frame_pool::allocate(size);
  }
  [[gnu::always_inline]] static void operator delete(void* memory,
                                                     std::size_t size) noexcept {
    frame_pool::deallocate(memory, size);
  }
};

}  // namespace aio::detail
