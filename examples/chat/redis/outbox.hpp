// The messages of this process that have not come back from the stream.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "../message.hpp"

namespace chat::redis {

/// Numbers them, from 1 on. They are sent in the order of their numbers, and all of them
/// again after rewind().
class outbox {
 public:
  struct item {
    std::uint64_t number;
    message said;
  };

  explicit outbox(std::size_t limit) : limit_(limit) {}

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }

  /// False if it is full.
  bool put(message said) {
    if (items_.size() >= limit_) return false;
    items_.push_back({++last_number_, std::move(said)});
    return true;
  }

  /// The next one to send, which counts as sent from then on; null if there is none.
  const item* next() { return sent_ < items_.size() ? &items_[sent_++] : nullptr; }

  /// It is not known which of them have arrived.
  void rewind() { sent_ = 0; }

  /// The highest number on its way; 0 if none is.
  std::uint64_t last_sent() const { return sent_ > 0 ? items_[sent_ - 1].number : 0; }

  /// Whether one with this number, or a lower one, is still here.
  bool holds_up_to(std::uint64_t number) const {
    return !items_.empty() && items_.front().number <= number;
  }

  /// This one has come back. False if it never had such a number.
  ///
  /// What it has overtaken was deleted from the stream before it was read. It goes again,
  /// with a new number: nobody listens to the old one after a higher one.
  bool take_back(std::uint64_t number) {
    if (number == 0 || number > last_number_) return false;
    while (!items_.empty() && items_.front().number < number) {
      item overtaken = std::move(items_.front());
      pop();
      overtaken.number = ++last_number_;
      items_.push_back(std::move(overtaken));
    }
    if (!items_.empty() && items_.front().number == number) pop();
    return true;
  }

 private:
  void pop() {
    items_.pop_front();
    if (sent_ > 0) --sent_;
  }

  std::size_t limit_;
  std::deque<item> items_;
  std::size_t sent_ = 0;  ///< how many of them, from the front
  std::uint64_t last_number_ = 0;
};

}  // namespace chat::redis
