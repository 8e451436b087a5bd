// What the server has done so far, in one line.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chat {

struct stats {
  // Now.
  std::size_t connections = 0;

  // Since the start.
  std::uint64_t messages = 0;   ///< that were said, here or elsewhere
  std::uint64_t delivered = 0;  ///< of these, to the clients of this server
  std::uint64_t repeated = 0;   ///< that came a second time, and were dropped
  std::uint64_t throttled = 0;  ///< that came faster than is allowed, and had to wait
  std::uint64_t refused = 0;    ///< messages and clients that were not taken
  std::uint64_t slow = 0;       ///< clients dropped because they did not read
  std::uint64_t idle = 0;       ///< clients dropped because they said nothing
};

}  // namespace chat
