// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Turns in another order, the same one for the same seed.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/coro/task_state.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/sync/detail/line.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace aio::detail {

/// Numbers that depend on the seed alone, not on the standard library.
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) noexcept : state_(seed) {}

  /// Zero or more, less than `bound`.
  std::size_t below(std::size_t bound) noexcept {
    return static_cast<std::size_t>(next() % bound);
  }

 private:
  // SplitMix64: any seed is as good as another, also neighbours.
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

/// Shuffles the tasks and the timers of each turn. Callbacks keep their order among
/// themselves, which asyncio promises; tasks may come before, between and after them.
class shuffled_turns final : public turn_order {
 public:
  /// Lifetime: `of` must outlive it
  shuffled_turns(std::uint64_t seed, loop_core& of) noexcept
      : random_(seed), loop_(of) {}

  void arrange(intrusive_list<ready_node>& ready,
               intrusive_list<ready_node>& due) override {
    places_.clear();
    in_order_.clear();
    find_second_looks();
    ready.for_each([&](ready_node& one) {
      const bool is_task = is_step_of_task(one);
      places_.push_back(is_task ? &one : nullptr);
      if (!is_task) in_order_.push_back(&one);
    });
    due.for_each([&](ready_node& one) { places_.push_back(&one); });

    for (std::size_t left = places_.size(); left > 1; --left) {
      std::swap(places_[left - 1], places_[random_.below(left)]);
    }
    auto next = in_order_.begin();
    for (ready_node* const one : places_) {
      ready_node& node = one != nullptr ? *one : **next++;
      node.unlink();
      ready.push_back(node);
    }
  }

 private:
  bool is_step_of_task(const ready_node& node) const noexcept {
    return dynamic_cast<const suspension*>(&node) != nullptr ||
           dynamic_cast<const task_state*>(&node) != nullptr || is_second_look(node);
  }

  // Who waits in a queue or for a condition is resumed by another node, which is a part
  // of the await and known to nobody else.
  void find_second_looks() {
    places_with_second_look_.clear();
    loop_.tasks().for_each([&](resident& one) {
      const auto* place = dynamic_cast<const line::patient_place*>(
          static_cast<const task_state&>(one).parked);
      if (place != nullptr) places_with_second_look_.push_back(address_of(place));
    });
    std::sort(places_with_second_look_.begin(), places_with_second_look_.end());
  }

  bool is_second_look(const ready_node& node) const noexcept {
    const std::uintptr_t at = address_of(&node);
    const auto behind = std::upper_bound(places_with_second_look_.begin(),
                                         places_with_second_look_.end(), at);
    return behind != places_with_second_look_.begin() &&
           at - *(behind - 1) < sizeof(line::patient_place);
  }

  static std::uintptr_t address_of(const void* object) noexcept {
    return reinterpret_cast<std::uintptr_t>(object);
  }

  random_numbers random_;
  loop_core& loop_;
  std::vector<std::uintptr_t> places_with_second_look_;
  std::vector<ready_node*> places_;  ///< null: the next of those in order
  std::vector<ready_node*> in_order_;
};

}  // namespace aio::detail
