// The stream of messages as Redis tells it.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../message.hpp"
#include "value.hpp"

namespace chat::redis {

/// One entry. Anybody can write to a stream, so there may be no message in it.
struct entry {
  struct content {
    std::string from;  ///< the process that sent it
    std::uint64_t number = 0;
    message said;
  };

  message_id id;
  std::optional<content> holds;
};

/// The entries of a list as XRANGE and XREVRANGE answer it.
///
/// Throws: error – it is something else
std::vector<entry> read_entries(const value& answer);

/// Those of XREAD of one stream: none if there is nothing new.
///
/// Throws: error – it is something else
std::vector<entry> read_news(const value& answer);

struct stream_state {
  message_id last;   ///< the latest that it has given; 0-0 if there is no stream
  message_id first;  ///< that it still has
};

/// As XINFO STREAM answers.
///
/// Throws: refused, if that is the answer – but not if there is just no stream; error –
///         it is something else
stream_state read_state(const value& answer);

/// The smallest that is larger.
message_id after(message_id id);

}  // namespace chat::redis
