// A room: who is in it, and what was said.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "member.hpp"
#include "message.hpp"
#include "news.hpp"
#include "stats.hpp"
#include "wire.hpp"

namespace chat {

class room {
 public:
  /// `history` is how many messages are kept.
  room(std::string name, std::size_t history, stats& counts);
  room(const room&) = delete;
  room& operator=(const room&) = delete;
  ~room();

  const std::string& name() const noexcept { return name_; }

  // ----- those who are connected here -----

  /// From now on `who` hears what is said; not what was said before, which is in recall().
  void enter(member& who);
  /// Gives him a name, or another one, as free_name().
  void introduce(member& who, const std::string& name);
  void leave(member& who) noexcept;
  const std::vector<member*>& members() const noexcept { return members_; }

  // ----- people, here and elsewhere -----

  void arrive(const std::string& name, const member* who = nullptr);
  void depart(const std::string& name);
  std::size_t people() const noexcept { return people_count_; }
  /// At most so many of them.
  std::vector<std::string_view> names(std::size_t most) const;
  /// `wanted`, or "wanted (2)" and so on if somebody has it.
  std::string free_name(const std::string& wanted) const;

  // ----- what is said -----

  /// False if a message with this mark was heard lately.
  bool hear(const message& said);

  /// What was said after `since`, or last if that is empty: at most so many messages.
  struct memory {
    std::vector<const message*> messages;
    bool has_gap = false;  ///< there was more that is forgotten
  };
  memory recall(std::optional<message_id> since, std::size_t most) const;

  /// Nobody is in it.
  bool is_empty() const noexcept { return members_.empty() && people_.empty(); }
  message_id last() const noexcept {
    return history_.empty() ? message_id{} : history_.back().id;
  }

 private:
  // In larger rooms people would hear of nothing but who comes and goes: they are told
  // the number, now and then.
  static constexpr std::size_t few_people = 200;
  static constexpr std::size_t remembered_marks = 1'000;

  bool is_new(const std::string& mark);
  void tell_all_soon();
  void tell_all();
  void count_soon();

  std::string name_;
  std::size_t history_size_;
  stats& counts_;
  std::vector<member*> members_;
  std::unordered_map<std::string, int> people_;
  std::size_t people_count_ = 0;
  std::deque<message> history_;
  message_id forgotten_;  ///< the last that the history has lost
  // For longer than the history, as one who was away for that long says things again.
  std::unordered_set<std::string> marks_;
  std::deque<std::string> marks_in_order_;
  news news_;
  aio::handle telling_;
  aio::timer_handle counting_;
  bool is_telling_ = false;
  bool is_counting_ = false;
};

}  // namespace chat
