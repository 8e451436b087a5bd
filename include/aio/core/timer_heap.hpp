// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What is due next; arm and disarm in O(log n).

#pragma once

#include <aio/core/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace aio::detail {

class ready_node;

/// One deadline of somebody. Must be disarmed before it is destroyed.
class timer {
 public:
  explicit timer(ready_node& when_due) noexcept : node_(when_due) {}
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  bool is_armed() const noexcept { return place_ < fired; }

  /// It was due; true until it is armed again or forgotten.
  bool has_fired() const noexcept { return place_ == fired; }
  void forget() noexcept { place_ = nowhere; }

 private:
  friend class timer_heap;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  static constexpr std::size_t fired = nowhere - 1;

  ready_node& node_;
  std::size_t place_ = nowhere;
};

/// A 4-ary heap of (deadline, order of arming): equal deadlines come out in the
/// order they went in. The key stands in the heap, so that sifting touches no
/// timer but to tell it its new place.
class timer_heap {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }
  time_point next_deadline() const noexcept {
    return heap_.empty() ? never : heap_.front().when;
  }

  void arm(timer& t, time_point when) {
    heap_.push_back({when, ++armed_, &t});
    sift_up(heap_.size() - 1);
  }

  void disarm(timer& t) noexcept {
    if (!t.is_armed()) return;
    const std::size_t hole = std::exchange(t.place_, timer::nowhere);
    const entry last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size()) return;
    put(hole, last);
    if (hole > 0 && last.before(heap_[parent(hole)])) {
      sift_up(hole);
    } else {
      sift_down(hole);
    }
  }

  /// Disarms the earliest timer and returns what it makes ready.
  ready_node& pop() noexcept {
    timer& first = *heap_.front().owner;
    disarm(first);
    first.place_ = timer::fired;
    return first.node_;
  }

 private:
  struct entry {
    time_point when;
    std::uint64_t order;
    timer* owner;

    bool before(const entry& other) const noexcept {
      return when != other.when ? when < other.when : order < other.order;
    }
  };

  static std::size_t parent(std::size_t i) noexcept { return (i - 1) / 4; }

  void put(std::size_t i, const entry& e) noexcept {
    heap_[i] = e;
    e.owner->place_ = i;
  }

  void sift_up(std::size_t i) noexcept {
    const entry e = heap_[i];
    while (i > 0 && e.before(heap_[parent(i)])) {
      put(i, heap_[parent(i)]);
      i = parent(i);
    }
    put(i, e);
  }

  void sift_down(std::size_t i) noexcept {
    const entry e = heap_[i];
    for (;;) {
      const std::size_t first = 4 * i + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t c = first + 1; c < first + 4 && c < heap_.size(); ++c) {
        if (heap_[c].before(heap_[least])) least = c;
      }
      if (!heap_[least].before(e)) break;
      put(i, heap_[least]);
      i = least;
    }
    put(i, e);
  }

  std::vector<entry> heap_;
  std::uint64_t armed_ = 0;
};

}  // namespace aio::detail
