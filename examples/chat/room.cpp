// SPDX-License-Identifier: BSL-1.0

#include "room.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace chat {

using namespace std::chrono_literals;

room::room(std::string name, std::size_t history, stats& counts)
    : name_(std::move(name)), history_size_(history), counts_(counts) {}

room::~room() {
  telling_.cancel();
  counting_.cancel();
}

void room::enter(member& who) {
  tell_all();  // he is to hear what comes from now on, and only that
  who.place_ = members_.size();
  members_.push_back(&who);
}

void room::introduce(member& who, const std::string& name) {
  if (!who.name_.empty()) depart(who.name_);
  who.name_ = name;
  arrive(name, &who);
}

void room::leave(member& who) noexcept {
  members_.back()->place_ = who.place_;
  std::swap(members_[who.place_], members_.back());
  members_.pop_back();
  if (!who.name_.empty()) depart(std::exchange(who.name_, {}));
}

void room::arrive(const std::string& name, const member* who) {
  ++people_[name];
  ++people_count_;
  if (people_count_ > few_people) return count_soon();
  news_.add_arrival(name, people_count_, who);
  tell_all_soon();
}

void room::depart(const std::string& name) {
  const auto found = people_.find(name);
  if (found == people_.end()) return;
  if (--found->second == 0) people_.erase(found);
  --people_count_;
  if (people_count_ >= few_people) return count_soon();
  news_.add_departure(name, people_count_);
  tell_all_soon();
}

std::vector<std::string_view> room::names(std::size_t most) const {
  std::vector<std::string_view> all;
  for (const auto& [name, count] : people_) {
    for (int i = 0; i < count && all.size() < most; ++i) all.push_back(name);
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::string room::free_name(const std::string& wanted) const {
  if (!people_.contains(wanted)) return wanted;
  for (int i = 2; i < 10; ++i) {
    std::string other = fmt::format("{} ({})", wanted, i);
    if (!people_.contains(other)) return other;
  }
  static std::minstd_rand random{std::random_device{}()};
  for (;;) {
    std::string other = fmt::format("{} ({})", wanted, random());
    if (!people_.contains(other)) return other;
  }
}

bool room::hear(const message& said) {
  if (!is_new(said.mark)) {
    ++counts_.repeated;
    return false;
  }
  ++counts_.messages;
  history_.push_back(said);
  if (history_.size() > history_size_) {
    forgotten_ = history_.front().id;
    history_.pop_front();
  }
  if (members_.empty()) return true;
  news_.add(said);
  tell_all_soon();
  return true;
}

bool room::is_new(const std::string& mark) {
  if (mark.empty()) return true;
  if (!marks_.insert(mark).second) return false;
  marks_in_order_.push_back(mark);
  if (marks_in_order_.size() > std::max(remembered_marks, history_size_)) {
    marks_.erase(marks_in_order_.front());
    marks_in_order_.pop_front();
  }
  return true;
}

room::memory room::recall(std::optional<message_id> since, std::size_t most) const {
  const auto later = [&](const message& one) { return !since || one.id > *since; };
  memory found;
  found.has_gap = since && *since < forgotten_;
  auto from = std::partition_point(history_.begin(), history_.end(),
                                   [&](const message& one) { return !later(one); });
  const auto count = static_cast<std::size_t>(history_.end() - from);
  if (count > most) {
    found.has_gap = since.has_value();
    from += static_cast<std::ptrdiff_t>(count - most);
  }
  for (; from != history_.end(); ++from) found.messages.push_back(&*from);
  return found;
}

void room::tell_all_soon() {
  if (std::exchange(is_telling_, true)) return;
  telling_ = aio::get_running_loop().call_soon([this] { tell_all(); });
}

void room::tell_all() {
  if (std::exchange(is_telling_, false)) telling_.cancel();
  if (news_.empty()) return;
  for (member* one : members_) one->hear(news_);
  counts_.delivered += news_.messages() * members_.size();
  news_.clear();
}

void room::count_soon() {
  if (std::exchange(is_counting_, true)) return;
  counting_ = aio::get_running_loop().call_later(1s, [this] {
    is_counting_ = false;
    news_.add_count(people_count_);
    tell_all_soon();
  });
}

}  // namespace chat
