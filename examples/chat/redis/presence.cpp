// SPDX-License-Identifier: BSL-1.0

#include "presence.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <stdexcept>

#include "../log.hpp"

namespace chat::redis {
namespace {

namespace json = boost::json;

json::object make_message(const std::string& from, std::uint64_t seq,
                          std::string_view kind) {
  json::object made;
  made["from"] = from;
  made["seq"] = seq;
  made["kind"] = kind;
  return made;
}

std::string text_in(const json::value& of) { return std::string(of.as_string()); }

}  // namespace

/// What another process has said.
struct presence::incoming {
  std::string from;
  std::string kind;
  std::uint64_t seq = 0;
  std::string whom;
  std::uint64_t part = 0;
  bool is_last = false;
  std::vector<change> changes;
  people everybody;

  /// Throws: std::exception – it is not of ours
  explicit incoming(std::string_view text) {
    json::parse_options options;
    options.allow_invalid_utf8 = true;  // names are bytes here
    const json::value parsed = json::parse(text, {}, options);
    const json::object& all = parsed.as_object();
    from = text_in(all.at("from"));
    kind = text_in(all.at("kind"));
    seq = all.at("seq").to_number<std::uint64_t>();
    if (from.empty() || from.size() > 64) throw std::runtime_error("a strange process");
    if (kind == "ask") {
      if (const json::value* const one = all.if_contains("whom")) whom = text_in(*one);
    } else if (kind == "change") {
      for (const json::value& one : all.at("people").as_array()) {
        const json::array& words = one.as_array();
        changes.push_back({words.at(0).as_string() == "+",
                           {text_in(words.at(1)), text_in(words.at(2))}});
      }
    } else if (kind == "state") {
      part = all.at("part").to_number<std::uint64_t>();
      is_last = all.at("last").as_bool();
      for (const json::value& one : all.at("people").as_array()) {
        const json::array& words = one.as_array();
        everybody.insert({text_in(words.at(0)), text_in(words.at(1))});
      }
    }
  }
};

// ----- this process -----

void presence::arrive(const std::string& room, const std::string& name) {
  here_.insert({room, name});
  if (is_connected_) changes_.push_back({true, {room, name}});
}

void presence::depart(const std::string& room, const std::string& name) {
  const auto found = here_.find({room, name});
  if (found == here_.end()) return;
  here_.erase(found);
  if (is_connected_) changes_.push_back({false, {room, name}});
}

void presence::connected(aio::time_point now) {
  is_connected_ = true;
  is_state_wanted_ = true;
  ++seq_;  // so that who does not hear it notices
  questions_.insert("");
  // Nobody is dead because Redis was.
  for (auto& [id, one] : others_) one.heard = now;
}

void presence::disconnected() {
  is_connected_ = false;
  changes_.clear();  // the whole state follows
  questions_.clear();
}

void presence::beat() {
  is_beat_due_ = true;
  for (auto& [id, one] : others_) one.is_asked = false;  // the question may be lost
}

std::vector<std::string> presence::take_messages() {
  std::vector<std::string> all;
  for (const std::string& whom : std::exchange(questions_, {})) {
    json::object question = make_message(id_, seq_, "ask");
    if (!whom.empty()) question["whom"] = whom;
    all.push_back(json::serialize(question));
  }
  const bool is_beat_due = std::exchange(is_beat_due_, false);
  if (std::exchange(is_state_wanted_, false)) {
    put_state(all);
  } else if (!changes_.empty()) {
    put_changes(all);
  } else if (is_beat_due) {
    all.push_back(json::serialize(make_message(id_, seq_, "alive")));
  }
  return all;
}

void presence::put_changes(std::vector<std::string>& to) {
  const std::vector<change> changes = std::exchange(changes_, {});
  for (std::size_t i = 0; i < changes.size();) {
    json::array several;
    for (; i < changes.size() && several.size() < people_per_message_; ++i) {
      const change& one = changes[i];
      several.push_back(
          json::array{one.is_arrival ? "+" : "-", one.who.room, one.who.name});
    }
    json::object message = make_message(id_, ++seq_, "change");
    message["people"] = std::move(several);
    to.push_back(json::serialize(message));
  }
}

void presence::put_state(std::vector<std::string>& to) {
  if (!std::exchange(changes_, {}).empty()) ++seq_;
  std::uint64_t part = 0;
  auto next = here_.begin();
  do {
    json::array several;
    for (; next != here_.end() && several.size() < people_per_message_; ++next)
      several.push_back(json::array{next->room, next->name});
    json::object message = make_message(id_, seq_, "state");
    message["part"] = part++;
    message["last"] = next == here_.end();
    message["people"] = std::move(several);
    to.push_back(json::serialize(message));
  } while (next != here_.end());
}

std::string presence::goodbye() const {
  return json::serialize(make_message(id_, seq_, "gone"));
}

// ----- the others -----

void presence::receive(std::string_view text, aio::time_point now) {
  try {
    const incoming got(text);
    if (got.from == id_) return;
    if (got.kind == "gone") {
      const auto found = others_.find(got.from);
      if (found == others_.end()) return;
      const process former = std::move(found->second);
      others_.erase(found);
      return depart_all(former);
    }
    process& from = others_[got.from];
    from.heard = now;
    if (got.kind == "ask" && (got.whom.empty() || got.whom == id_))
      is_state_wanted_ = true;
    if (got.kind == "state") {
      on_state(from, got);
    } else if (got.kind == "change" && from.is_known && got.seq == from.seq + 1) {
      on_change(from, got);
    } else if (!from.is_known || got.seq > from.seq) {
      ask(got.from, from);
    }
  } catch (const std::exception& failure) {
    log(log_level::warning, "redis_strange_presence", {{"reason", failure.what()}});
  }
}

void presence::on_change(process& of, const incoming& got) {
  of.seq = got.seq;
  for (const change& one : got.changes) {
    if (one.is_arrival) {
      of.here.insert(one.who);
      tell_arrival(one.who);
    } else if (const auto found = of.here.find(one.who); found != of.here.end()) {
      of.here.erase(found);
      tell_departure(one.who);
    }
  }
}

void presence::on_state(process& of, const incoming& got) {
  if (got.part == 0) {
    of.collected.clear();
  } else if (got.part != of.next_part) {
    return;  // one is missing: the next heartbeat makes us ask again
  }
  of.next_part = got.part + 1;
  of.collected.insert(got.everybody.begin(), got.everybody.end());
  if (!got.is_last) return;
  of.seq = got.seq;
  of.is_known = true;
  of.is_asked = false;
  of.next_part = 0;
  questions_.erase(got.from);
  make_known(of, std::exchange(of.collected, {}));
}

void presence::make_known(process& of, people now) {
  const people before = std::exchange(of.here, std::move(now));
  std::vector<person> differ;
  std::set_difference(before.begin(), before.end(), of.here.begin(), of.here.end(),
                      std::back_inserter(differ));
  for (const person& one : differ) tell_departure(one);
  differ.clear();
  std::set_difference(of.here.begin(), of.here.end(), before.begin(), before.end(),
                      std::back_inserter(differ));
  for (const person& one : differ) tell_arrival(one);
}

void presence::ask(const std::string& whom, process& of) {
  if (std::exchange(of.is_asked, true)) return;
  questions_.insert(whom);
}

void presence::expire(aio::time_point since) {
  for (auto at = others_.begin(); at != others_.end();) {
    if (at->second.heard >= since) {
      ++at;
      continue;
    }
    log(log_level::warning, "process_lost", {{"process", at->first}});
    const process former = std::move(at->second);
    at = others_.erase(at);
    depart_all(former);
  }
}

void presence::depart_all(const process& of) {
  for (const person& one : of.here) tell_departure(one);
}

void presence::tell_arrival(const person& who) {
  if (to_ != nullptr) to_->on_arrival(who.room, who.name);
}

void presence::tell_departure(const person& who) {
  if (to_ != nullptr) to_->on_departure(who.room, who.name);
}

}  // namespace chat::redis
