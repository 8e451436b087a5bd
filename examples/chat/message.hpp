// What is said, and its place in the order that everybody sees.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <fmt/format.h>

#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace chat {

/// As Redis gives them to the entries of a stream: later ones are larger, also those of a
/// later run of the server.
struct message_id {
  std::uint64_t time = 0;    ///< milliseconds since 1970
  std::uint64_t number = 0;  ///< among those of one millisecond

  auto operator<=>(const message_id&) const = default;
};

inline std::string to_string(message_id id) {
  return fmt::format("{}-{}", id.time, id.number);
}

/// "1700000000000-0"; none if the text is something else.
inline std::optional<message_id> parse_id(std::string_view text) {
  message_id id;
  const char* const end = text.data() + text.size();
  const auto time = std::from_chars(text.data(), end, id.time);
  if (time.ec != std::errc() || time.ptr == end || *time.ptr != '-')
    return std::nullopt;
  const auto number = std::from_chars(time.ptr + 1, end, id.number);
  if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
  return id;
}

struct message {
  message_id id;  ///< given by the relay
  std::string room;
  std::string name;  ///< who said it
  std::string text;
  /// What the sender gave it, to know it again. A room hears a mark once, so that what is
  /// sent again after a broken connection is not said twice.
  std::string mark;
};

}  // namespace chat
