// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/detail/ring.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

using aio::detail::ring;

namespace {

/// Counts those that live, and throws at the given copy.
struct counted {
  explicit counted(int of) : value(of) { ++living; }
  counted(const counted& other) : value(other.value) {
    if (copies_left-- == 0) throw std::runtime_error("no more copies");
    ++living;
  }
  counted& operator=(const counted&) = delete;
  ~counted() { --living; }

  int value;
  static inline int living = 0;
  static inline int copies_left = -1;
};

}  // namespace

TEST_CASE("ring: does what a deque does", "[detail][ring]") {
  std::mt19937 random(7);
  ring<std::unique_ptr<int>> tested;
  std::deque<int> expected;
  for (int i = 0; i < 20'000; ++i) {
    // It grows to some thousand, runs empty, and starts again.
    const bool takes = i % 4000 > 3000 || random() % 3 == 0;
    if (!takes) {
      tested.push_back(std::make_unique<int>(i));
      expected.push_back(i);
    } else if (!expected.empty()) {
      REQUIRE(*tested.front() == expected.front());
      REQUIRE(*tested.pop_front() == expected.front());
      expected.pop_front();
    }
    REQUIRE(tested.size() == expected.size());
    REQUIRE(tested.empty() == expected.empty());
  }
}

TEST_CASE("ring: what is left goes with it, and what was moved out does not",
          "[detail][ring]") {
  counted::living = 0;
  counted::copies_left = -1;
  {
    ring<counted> from;
    for (int i = 0; i < 20; ++i) from.push_back(counted(i));
    CHECK(from.pop_front().value == 0);
    CHECK(counted::living == 19);
    ring<counted> to(std::move(from));
    CHECK(from.empty());
    CHECK(to.size() == 19);
    from.push_back(counted(100));
    from = std::move(to);
    CHECK(from.front().value == 1);
  }
  CHECK(counted::living == 0);
}

TEST_CASE("ring: an item that cannot be copied to a larger block changes nothing",
          "[detail][ring]") {
  counted::living = 0;
  counted::copies_left = -1;
  {
    ring<counted> tested;
    for (int i = 0; i < 8; ++i) tested.push_back(counted(i));
    counted::copies_left = 3;
    CHECK_THROWS_AS(tested.push_back(counted(8)), std::runtime_error);
    counted::copies_left = -1;
    CHECK(counted::living == 8);
    for (int i = 0; i < 8; ++i) CHECK(tested.pop_front().value == i);
    CHECK(tested.empty());
  }
  CHECK(counted::living == 0);
}
