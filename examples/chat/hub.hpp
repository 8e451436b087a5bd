// All rooms, and the way to those who are connected elsewhere.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "options.hpp"
#include "relay.hpp"
#include "room.hpp"
#include "stats.hpp"

namespace chat {

class hub final : public relay_listener {
 public:
  hub(relay& by, const options& with);

  const options& limits() const noexcept { return options_; }
  stats& counts() noexcept { return counts_; }
  /// "connections=2 rooms=1 …"
  std::string stats_line() const;
  /// A number for each client, for the log.
  std::size_t next_client() noexcept { return ++clients_; }

  /// The room of that name, which is made if there is none. Null if there are too many
  /// with people in them.
  room* find(const std::string& name);

  void introduce(room& in, member& who, const std::string& name);
  void leave(room& from, member& who) noexcept;

  /// False if it cannot be taken now.
  bool say(message said);

  /// Whether another client may come.
  bool is_full() const noexcept {
    return is_ending_ || counts_.connections >= options_.max_connections;
  }
  /// Lets everybody go.
  void dismiss_all() noexcept;

  // What the relay tells.
  void on_message(const message& said) override;
  void on_arrival(const std::string& room, const std::string& name) override;
  void on_departure(const std::string& room, const std::string& name) override;

 private:
  relay& relay_;
  const options& options_;
  stats counts_;
  std::unordered_map<std::string, std::unique_ptr<room>> rooms_;
  std::size_t clients_ = 0;
  aio::time_point start_;
  bool is_ending_ = false;
};

}  // namespace chat
