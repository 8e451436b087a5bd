// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Turns in another order, the same one for the same seed.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/detail/intrusive_list.hpp>

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
  explicit shuffled_turns(std::uint64_t seed) noexcept : random_(seed) {}

  void arrange(intrusive_list<ready_node>& ready,
               intrusive_list<ready_node>& due) override {
    places_.clear();
    in_order_.clear();
    ready.for_each([&](ready_node& one) {
      const bool is_task = one.is_task_step();
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
  random_numbers random_;
  std::vector<ready_node*> places_;  ///< null: the next of those in order
  std::vector<ready_node*> in_order_;
};

}  // namespace aio::detail
