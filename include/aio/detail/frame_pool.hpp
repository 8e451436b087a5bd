// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Recycles the memory of frames, tasks and callbacks, per thread.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <utility>

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

/// A block that is kept, and what it costs to keep it and those behind it.
struct pool_block {
  pool_block* next;
  std::size_t kept;  ///< bytes from here to the end of the list
};

/// The lists of one thread. Constant at first and trivially destroyed, so that an access
/// costs no guard; never empty, so that it costs no test.
struct pool_lists {
  // The heap gives blocks of 16 n + 8 bytes without waste.
  static constexpr std::size_t step = 16;
  static constexpr std::size_t spare = 8;
  static constexpr std::size_t classes = 64;
  static constexpr std::size_t kept_bytes = 1024 * 1024;

  static constexpr std::size_t class_of(std::size_t size) noexcept {
    return (std::max(size, sizeof(pool_block)) + step - 1 - spare) / step;
  }
  static constexpr std::size_t size_of(std::size_t c) noexcept {
    return c * step + spare;
  }

  // What stands at the end of every list: while the thread keeps blocks, and before and
  // after, when it does not.
  static inline constinit pool_block end{nullptr, 0};
  static inline constinit pool_block closed{nullptr, kept_bytes};

  constexpr pool_lists() noexcept { first.fill(&closed); }

  std::array<pool_block*, classes> first{};
};

/// Free lists of blocks in steps of 16 bytes; larger blocks go to the heap.
///
/// A block may be freed on another thread than it came from: it then serves
/// that thread. Each list keeps at most `kept_bytes`, so memory of a burst goes
/// back to the heap.
class frame_pool {
 public:
  [[gnu::always_inline]] static void* allocate(std::size_t size) {
#if !defined(AIO_NO_FRAME_POOL)
    if (const std::size_t c = lists::class_of(size); c < lists::classes) {
      block*& first = local_.first[c];
      if (first->next != nullptr) return std::exchange(first, first->next);
      return ::operator new(lists::size_of(c));
    }
#endif
    return ::operator new(size);
  }

  [[gnu::always_inline]] static void deallocate(
      void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if !defined(AIO_NO_FRAME_POOL)
    if (const std::size_t c = lists::class_of(size); c < lists::classes) {
      block*& first = local_.first[c];
      const std::size_t kept = first->kept + lists::size_of(c);
      if (kept > lists::kept_bytes) return refuse(memory, c);
      first = new (memory) block{first, kept};
      return;
    }
#endif
    ::operator delete(memory);
  }

 private:
  using block = pool_block;
  using lists = pool_lists;

  // Lives from the first block that is freed to the end of the thread.
  struct kept_open {
    kept_open() noexcept { local_.first.fill(&lists::end); }
    ~kept_open() {
      for (block*& first : local_.first) {
        while (first->next != nullptr) {
          ::operator delete(std::exchange(first, first->next));
        }
        first = &lists::closed;
      }
    }
  };

  // Of a list that is full, or closed.
  [[gnu::noinline]] static void refuse(void* memory, std::size_t c) noexcept {
    // Told apart here: the other one may not even be passed by once it is destroyed.
    static thread_local bool was_open = false;
    if (local_.first[c]->next == nullptr && !std::exchange(was_open, true)) {
      static thread_local kept_open until_the_end;
    }
    ::operator delete(memory);
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
