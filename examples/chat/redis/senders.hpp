// How far each process has got, to hear each of its messages once.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace chat::redis {

/// A process numbers what it sends, and sends what may have been lost again, from there
/// on: so the first message with a number comes after those with lower ones, and what
/// does not grow was here before.
///
/// What it forgets depends on the stream alone: all who read it drop the same.
class senders {
 public:
  /// Takes: of how many processes it knows; those silent for longest are forgotten
  explicit senders(std::size_t limit = 10'000) : limit_(limit) {}

  bool is_new(const std::string& from, std::uint64_t number) {
    const auto known = places_.find(from);
    if (known == places_.end()) {
      recent_.push_front({from, number});
      places_.emplace(from, recent_.begin());
      if (recent_.size() > limit_) forget_one();
      return true;
    }
    recent_.splice(recent_.begin(), recent_, known->second);
    if (number <= known->second->number) return false;
    known->second->number = number;
    return true;
  }

  std::size_t size() const { return recent_.size(); }

 private:
  struct sender {
    std::string id;
    std::uint64_t number;
  };

  void forget_one() {
    places_.erase(recent_.back().id);
    recent_.pop_back();
  }

  std::size_t limit_;
  std::list<sender> recent_;  ///< who sent last stands first
  std::unordered_map<std::string, std::list<sender>::iterator> places_;
};

}  // namespace chat::redis
