// Who is connected to which process: what the processes of a chat tell each other about
// it. Knows no connection and no clock.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../relay.hpp"

namespace chat::redis {

/// Each process numbers the changes that it tells, and all it says carries the last
/// number: who misses one, or hears of a process for the first time, asks for everything.
///
///     {"from": "5f..", "seq": 7, "kind": "change", "people": [["+", "lobby", "Ann"]]}
///     {"from": "5f..", "seq": 7, "kind": "alive"}
///     {"from": "a0..", "seq": 2, "kind": "ask", "whom": "5f.."}     no "whom": everybody
///     {"from": "5f..", "seq": 7, "kind": "state", "part": 0, "last": true,
///                                         "people": [["lobby", "Ann"]]}
///     {"from": "5f..", "seq": 7, "kind": "gone"}
class presence {
 public:
  /// Takes: the id of this process; how many people a message names at most
  explicit presence(std::string id, std::size_t people_per_message = 500)
      : id_(std::move(id)), people_per_message_(people_per_message) {}

  /// Null: nobody is told.
  void tell(relay_listener* to) { to_ = to; }

  // ----- this process -----

  /// A name may come several times, and then goes as often.
  void arrive(const std::string& room, const std::string& name);
  void depart(const std::string& room, const std::string& name);

  /// The others can be reached from now on; what was said meanwhile is unknown.
  void connected(aio::time_point now);
  void disconnected();

  /// The others are to hear that we live.
  void beat();

  /// What is to be told to the others now.
  std::vector<std::string> take_messages();
  std::string goodbye() const;

  // ----- the others -----

  void receive(std::string_view text, aio::time_point now);
  /// Processes that were not heard since then are dead.
  void expire(aio::time_point since);

 private:
  struct person {
    std::string room;
    std::string name;
    auto operator<=>(const person&) const = default;
  };
  using people = std::multiset<person>;
  struct change {
    bool is_arrival;
    person who;
  };
  struct process {
    people here;
    std::uint64_t seq = 0;
    bool is_known = false;  ///< that `here` is what it was at `seq`
    bool is_asked = false;
    aio::time_point heard;
    people collected;  ///< of a state in parts
    std::uint64_t next_part = 0;
  };
  struct incoming;

  void on_change(process& of, const incoming& got);
  void on_state(process& of, const incoming& got);
  void ask(const std::string& whom, process& of);
  void make_known(process& of, people now);
  void depart_all(const process& of);
  void tell_arrival(const person& who);
  void tell_departure(const person& who);
  void put_changes(std::vector<std::string>& to);
  void put_state(std::vector<std::string>& to);

  std::string id_;
  std::size_t people_per_message_;
  relay_listener* to_ = nullptr;

  people here_;
  std::uint64_t seq_ = 0;
  bool is_connected_ = false;
  std::vector<change> changes_;      ///< not told yet
  std::set<std::string> questions_;  ///< whom to ask; "": everybody
  bool is_state_wanted_ = false;
  bool is_beat_due_ = false;

  std::map<std::string, process> others_;
};

}  // namespace chat::redis
