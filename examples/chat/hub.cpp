// SPDX-License-Identifier: BSL-1.0

#include "hub.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

namespace chat {

hub::hub(relay& by, const options& with)
    : relay_(by), options_(with), start_(aio::get_running_loop().time()) {}

std::string hub::stats_line() const {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
      aio::get_running_loop().time() - start_);
  std::size_t people = 0;
  for (const auto& [name, one] : rooms_) people += one->people();
  return fmt::format(
      "uptime={} connections={} people={} rooms={} messages={} delivered={} "
      "repeated={} "
      "throttled={} refused={} slow={} idle={} relay={}",
      uptime.count(), counts_.connections, people, rooms_.size(), counts_.messages,
      counts_.delivered, counts_.repeated, counts_.throttled, counts_.refused,
      counts_.slow, counts_.idle, relay_.state());
}

room* hub::find(const std::string& name) {
  const auto found = rooms_.find(name);
  if (found != rooms_.end()) return found->second.get();
  if (rooms_.size() >= options_.max_rooms) {
    // The one that has been silent the longest is forgotten.
    auto oldest = rooms_.end();
    for (auto one = rooms_.begin(); one != rooms_.end(); ++one) {
      if (!one->second->is_empty()) continue;
      if (oldest == rooms_.end() || one->second->last() < oldest->second->last()) {
        oldest = one;
      }
    }
    if (oldest == rooms_.end()) return nullptr;
    rooms_.erase(oldest);
  }
  auto made = std::make_unique<room>(name, options_.history, counts_);
  return rooms_.emplace(name, std::move(made)).first->second.get();
}

void hub::introduce(room& in, member& who, const std::string& name) {
  if (!who.name().empty()) relay_.depart(in.name(), who.name());
  in.introduce(who, in.free_name(name));
  relay_.arrive(in.name(), who.name());
}

void hub::leave(room& from, member& who) noexcept {
  if (!who.name().empty()) relay_.depart(from.name(), who.name());
  from.leave(who);
}

bool hub::say(message said) {
  const bool is_taken = relay_.say(std::move(said));
  if (!is_taken) ++counts_.refused;
  return is_taken;
}

void hub::dismiss_all() noexcept {
  is_ending_ = true;
  for (const auto& [name, one] : rooms_) {
    for (member* who : one->members()) who->dismiss();
  }
}

void hub::on_message(const message& said) {
  if (room* const in = find(said.room)) in->hear(said);
}

void hub::on_arrival(const std::string& in, const std::string& name) {
  if (room* const where = find(in)) where->arrive(name);
}

void hub::on_departure(const std::string& in, const std::string& name) {
  const auto found = rooms_.find(in);
  if (found != rooms_.end()) found->second->depart(name);
}

}  // namespace chat
