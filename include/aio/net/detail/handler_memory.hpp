// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Memory of one Asio operation inside the object that starts it.

#pragma once

#include <aio/detail/frame_pool.hpp>

#include <cstddef>

namespace aio::detail {

/// Room for one operation at a time; a larger or a second one comes from the pool.
template <std::size_t Size>
class handler_memory {
 public:
  handler_memory() noexcept = default;
  handler_memory(const handler_memory&) = delete;
  handler_memory& operator=(const handler_memory&) = delete;

  void* allocate(std::size_t size) {
    if (in_use_ || size > Size) return frame_pool::allocate(size);
    in_use_ = true;
    return storage_;
  }

  void deallocate(void* memory, std::size_t size) noexcept {
    if (memory == storage_) {
      in_use_ = false;
    } else {
      frame_pool::deallocate(memory, size);
    }
  }

  /// The associated allocator of the handler.
  template <class T = void>
  class allocator {
   public:
    using value_type = T;

    explicit allocator(handler_memory& memory) noexcept : memory_(&memory) {}
    template <class U>
    allocator(const allocator<U>& other) noexcept : memory_(other.memory_) {}

    T* allocate(std::size_t n) {
      return static_cast<T*>(memory_->allocate(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept {
      memory_->deallocate(p, n * sizeof(T));
    }

    friend bool operator==(const allocator&, const allocator&) = default;

   private:
    template <class>
    friend class allocator;
    handler_memory* memory_;
  };

 private:
  alignas(std::max_align_t) unsigned char storage_[Size];
  bool in_use_ = false;
};

}  // namespace aio::detail
