// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/detail/frame_pool.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

using aio::detail::frame_pool;

#if defined(AIO_NO_FRAME_POOL)
constexpr bool recycles = false;  // for the sanitizers' sake
#else
constexpr bool recycles = true;
#endif

struct object final : aio::detail::pooled {
  std::byte bytes[100]{};
};

}  // namespace

TEST_CASE("frame_pool: gives back what was freed last, per class of size",
          "[detail][frame_pool]") {
  void* const a = frame_pool::allocate(100);
  void* const b = frame_pool::allocate(100);
  CHECK(a != b);
  frame_pool::deallocate(a, 100);
  frame_pool::deallocate(b, 100);
  if (recycles) {
    void* const other_class = frame_pool::allocate(300);
    void* const again_b = frame_pool::allocate(89);  // the same class: up to 104
    void* const again_a = frame_pool::allocate(104);
    CHECK(again_b == b);
    CHECK(again_a == a);
    CHECK(other_class != a);
    CHECK(other_class != b);
    frame_pool::deallocate(again_a, 104);
    frame_pool::deallocate(again_b, 89);
    frame_pool::deallocate(other_class, 300);
  }
}

TEST_CASE("frame_pool: blocks are aligned, as large as asked for, and apart",
          "[detail][frame_pool]") {
  std::mt19937 random(7);
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  const auto fill = [](auto& block, std::size_t i) {
    std::memset(block.first, static_cast<int>(i % 251), block.second);
  };
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 500; ++i) {
      const std::size_t size = 1 + random() % 2000;
      blocks.emplace_back(static_cast<unsigned char*>(frame_pool::allocate(size)),
                          size);
      CHECK(reinterpret_cast<std::uintptr_t>(blocks.back().first) %
                __STDCPP_DEFAULT_NEW_ALIGNMENT__ ==
            0);
      fill(blocks.back(), i);
    }
    bool intact = true;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      for (std::size_t k = 0; k < blocks[i].second; ++k) {
        intact = intact && blocks[i].first[k] == i % 251;
      }
      frame_pool::deallocate(blocks[i].first, blocks[i].second);
    }
    CHECK(intact);
    blocks.clear();
  }
}

#if defined(__GLIBC__)
TEST_CASE("frame_pool: more than it keeps goes back to the heap",
          "[detail][frame_pool]") {
  constexpr std::size_t count = 10'000, size = 400;
  std::vector<void*> blocks;
  blocks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    blocks.push_back(frame_pool::allocate(size));
  }
  const std::size_t before = mallinfo2().uordblks;
  for (void* one : blocks) frame_pool::deallocate(one, size);
  const std::size_t after = mallinfo2().uordblks;
  if (recycles) CHECK(before - after > count / 2 * size);
}
#endif

TEST_CASE(
    "frame_pool: a block may be freed on another thread, and thread ends leak none",
    "[detail][frame_pool][thread]") {
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(frame_pool::allocate(200));
  std::thread([&] {
    for (void* one : blocks) frame_pool::deallocate(one, 200);
    if (recycles) {
      void* const mine = frame_pool::allocate(200);
      CHECK(mine == blocks.back());
      frame_pool::deallocate(mine, 200);
    }
  }).join();
}

TEST_CASE("frame_pool: serves objects that are freed while their thread ends",
          "[detail][frame_pool][thread]") {
  std::thread([] {
    // Made before the pool of the thread opens, so destroyed after it has closed.
    static thread_local std::unique_ptr<object> late;
    late = std::make_unique<object>();
    delete new object;
  }).join();
}

TEST_CASE("pooled: objects come from the pool", "[detail][frame_pool]") {
  auto* const first = new object;
  delete first;
  auto* const second = new object;
  if (recycles) CHECK(first == second);
  delete second;
}
