// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What is due next: arm in O(log n), disarm in O(1) on average.

#pragma once

#include <aio/core/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
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

  bool is_armed() const noexcept { return slot_ < fired; }

  /// It was due; true until it is armed again or forgotten.
  bool has_fired() const noexcept { return slot_ == fired; }
  void forget() noexcept { slot_ = nowhere; }

 private:
  friend class timer_heap;
  static constexpr std::uint32_t nowhere = static_cast<std::uint32_t>(-1);
  static constexpr std::uint32_t fired = nowhere - 1;

  ready_node& node_;
  std::uint32_t slot_ = nowhere;
};

/// A 4-ary heap of (deadline, order of arming): equal deadlines come out in the order
/// they went in.
///
/// An entry knows its timer by a slot, so that sifting touches nothing but the heap: the
/// timers of many tasks are in no cache. One that is disarmed leaves an entry without a
/// timer behind, but never at the front; when half of the entries are such, they go.
class timer_heap {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return armed_; }
  time_point next_deadline() const noexcept {
    return heap_.empty() ? never : heap_.front().when;
  }

  /// Throws: std::length_error – more than four billion of them
  void arm(timer& t, time_point when) {
    if (free_ == slots_.size()) add_slot();
    heap_.push_back({when, order_, free_});
    t.slot_ = free_;
    free_ = static_cast<std::uint32_t>(slots_[free_].next_free);
    slots_[t.slot_].owner = &t;
    ++order_;
    ++armed_;
    sift_up(heap_.size() - 1);
  }

  void disarm(timer& t) noexcept {
    if (!t.is_armed()) return;
    const std::uint32_t slot = std::exchange(t.slot_, timer::nowhere);
    slots_[slot].owner = nullptr;
    --armed_;
    if (heap_.back().slot == slot) {  // as of a short time limit
      heap_.pop_back();
      give_back(slot);
    } else if (heap_.front().slot == slot) {
      clear_front();
    } else if (heap_.size() > few && armed_ < heap_.size() / 2) {
      sweep();
    }
  }

  /// Disarms the earliest timer and returns what it makes ready.
  ready_node& pop() noexcept {
    timer& first = *slots_[heap_.front().slot].owner;
    first.slot_ = timer::fired;
    --armed_;
    drop_front();
    clear_front();
    return first.node_;
  }

 private:
  // Four of them, the children of one, in a cache line's space.
  struct entry {
    time_point when;
    std::uint32_t order;
    std::uint32_t slot;

    bool before(const entry& other) const noexcept {
      if (when != other.when) return when < other.when;
      return static_cast<std::int32_t>(order - other.order) < 0;  // it wraps around
    }
  };

  union timer_slot {
    timer* owner;             ///< null: disarmed
    std::uint64_t next_free;  ///< of a free one
  };

  static constexpr std::size_t few = 64;

  static std::size_t parent(std::size_t i) noexcept { return (i - 1) / 4; }

  bool is_dead(const entry& e) const noexcept {
    return slots_[e.slot].owner == nullptr;
  }

  [[gnu::noinline]] void add_slot() {
    if (slots_.size() >= timer::fired) throw std::length_error("too many timers");
    slots_.push_back({.next_free = slots_.size() + 1});
  }

  void give_back(std::uint32_t slot) noexcept {
    slots_[slot].next_free = std::exchange(free_, slot);
  }

  void drop_front() noexcept {
    give_back(heap_.front().slot);
    const entry last = heap_.back();
    heap_.pop_back();
    if (heap_.empty()) return;
    heap_.front() = last;
    sift_down(0);
  }

  void clear_front() noexcept {
    while (!heap_.empty() && is_dead(heap_.front())) drop_front();
  }

  [[gnu::noinline]] void sweep() noexcept {
    std::erase_if(heap_, [this](const entry& e) {
      if (!is_dead(e)) return false;
      give_back(e.slot);
      return true;
    });
    for (std::size_t i = heap_.size() / 4 + 1; i-- > 0;) sift_down(i);
  }

  void sift_up(std::size_t i) noexcept {
    const entry e = heap_[i];
    while (i > 0 && e.before(heap_[parent(i)])) {
      heap_[i] = heap_[parent(i)];
      i = parent(i);
    }
    heap_[i] = e;
  }

  void sift_down(std::size_t i) noexcept {
    if (i >= heap_.size()) return;
    const entry e = heap_[i];
    for (;;) {
      const std::size_t first = 4 * i + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t c = first + 1; c < first + 4 && c < heap_.size(); ++c) {
        if (heap_[c].before(heap_[least])) least = c;
      }
      if (!heap_[least].before(e)) break;
      heap_[i] = heap_[least];
      i = least;
    }
    heap_[i] = e;
  }

  std::vector<entry> heap_;
  std::vector<timer_slot> slots_;
  std::uint32_t free_ = 0;  ///< the first free slot; as many as there are if none is
  std::uint32_t order_ = 0;
  std::size_t armed_ = 0;
};

}  // namespace aio::detail
