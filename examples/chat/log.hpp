// The log: a line of key=value pairs for each event, which people and programs can read.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <fmt/format.h>

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace chat {

enum class log_level : unsigned char { debug, info, warning, error };

struct log_field {
  log_field(std::string_view the_key, std::string_view text)
      : key(the_key), value(text) {}
  log_field(std::string_view the_key, std::integral auto number)
      : key(the_key), value(fmt::to_string(number)) {}

  std::string_view key;
  std::string value;
};

/// What is below this level is not written.
void set_log_level(log_level least);

/// Writes to stderr, as in
///
///     time=2026-01-31T12:00:00.123Z level=info event=joined client=7 room=lobby name="a b"
///
/// Values with spaces, quotes or control characters are quoted as in JSON: nobody can
/// write a line of the log by what he says.
void log(log_level level, std::string_view event,
         std::initializer_list<log_field> fields = {});

}  // namespace chat
