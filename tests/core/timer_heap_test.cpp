// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/timer_heap.hpp>  // first: proves the header stands alone

#include <aio/core/ready_node.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <random>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::detail::timer;
using aio::detail::timer_heap;

namespace {

struct bell final : aio::detail::ready_node {
  void run() override {}
  timer when{*this};
};

aio::time_point at(long n) { return aio::time_point(std::chrono::seconds(n)); }

}  // namespace

TEST_CASE("timer_heap: empty, its next deadline is never", "[core][timer_heap]") {
  timer_heap heap;
  CHECK(heap.empty());
  CHECK(heap.size() == 0);
  CHECK(heap.next_deadline() == aio::detail::never);
  bell a;
  CHECK_FALSE(a.when.is_armed());
  heap.disarm(a.when);  // of what is not armed: nothing
  CHECK(heap.empty());
}

TEST_CASE("timer_heap: pops by deadline, equal ones in the order of arming",
          "[core][timer_heap]") {
  timer_heap heap;
  std::deque<bell> bells(9);
  const int times[] = {5, 1, 5, 3, 5, 1, 3, 5, 1};
  for (std::size_t i = 0; i < 9; ++i) heap.arm(bells[i].when, at(times[i]));
  CHECK(heap.size() == 9);
  std::vector<std::ptrdiff_t> order;
  while (!heap.empty()) {
    auto& popped = static_cast<bell&>(heap.pop());
    CHECK_FALSE(popped.when.is_armed());
    for (std::size_t i = 0; i < 9; ++i) {
      if (&bells[i] == &popped) order.push_back(static_cast<std::ptrdiff_t>(i));
    }
  }
  CHECK(order == std::vector<std::ptrdiff_t>{1, 5, 8, 3, 6, 0, 2, 4, 7});
}

TEST_CASE("timer_heap: a timer can be armed again", "[core][timer_heap]") {
  timer_heap heap;
  bell a, b;
  heap.arm(a.when, at(1));
  heap.arm(b.when, at(2));
  heap.disarm(a.when);
  CHECK_FALSE(a.when.is_armed());
  CHECK(heap.next_deadline() == at(2));
  heap.arm(a.when, at(2));
  CHECK(a.when.is_armed());
  CHECK(&heap.pop() == &b);
  CHECK(&heap.pop() == &a);
}

TEST_CASE("timer_heap: does what a sorted map does", "[core][timer_heap]") {
  std::mt19937 random(20240501);
  auto below = [&](std::size_t n) { return random() % n; };

  using key = std::pair<aio::time_point, int>;  // deadline, order of arming
  timer_heap heap;
  std::map<key, bell*> model;
  std::map<bell*, key> armed;
  std::deque<bell> bells(300);
  int order = 0;
  std::size_t most = 0;
  for (int step = 0; step < 20000; ++step) {
    bell& a = bells[below(bells.size())];
    // Phases in which it rather grows and rather shrinks.
    const bool grow = step / 1000 % 2 == 0;
    if (below(10) < (grow ? 7U : 3U)) {
      if (a.when.is_armed()) {
        heap.disarm(a.when);
        model.erase(armed.at(&a));
        armed.erase(&a);
      }
      const key k{at(static_cast<long>(below(50))), ++order};
      heap.arm(a.when, k.first);
      model[k] = &a;
      armed[&a] = k;
    } else if (below(2) == 0) {
      heap.disarm(a.when);
      if (const auto found = armed.find(&a); found != armed.end()) {
        model.erase(found->second);
        armed.erase(found);
      }
    } else if (!model.empty()) {
      bell* const first = model.begin()->second;
      REQUIRE(&heap.pop() == first);
      model.erase(model.begin());
      armed.erase(first);
    }
    REQUIRE(heap.size() == model.size());
    REQUIRE(a.when.is_armed() == armed.contains(&a));
    REQUIRE(heap.next_deadline() ==
            (model.empty() ? aio::detail::never : model.begin()->first.first));
    most = std::max(most, model.size());
  }
  CHECK(most > 100);
  while (!model.empty()) {
    REQUIRE(&heap.pop() == model.begin()->second);
    model.erase(model.begin());
  }
  CHECK(heap.empty());
}
