// What goes over the WebSocket of a page: JSON texts.
//
//   from a page                                   to a page
//   {"type":"join","room":…,"name":…,             {"type":"welcome","room":…,"name":…,
//    "key":…,"since":…}                            "me":…,"people":…,"history":…,…}
//   {"type":"say","text":…,"mark":…}              {"type":"message","id":…,"name":…,…}
//                                                 {"type":"arrived","name":…,"count":…}
//                                                 {"type":"left","name":…,"count":…}
//                                                 {"type":"count","count":…}
//                                                 {"type":"refused","mark":…,"reason":…}
//                                                 {"type":"error","reason":…}
//
// A page chooses a mark for what it says, and finds it as ME-MARK in the message that comes
// back, where ME was in the welcome. It is made of the key, which nobody else knows: so a
// page can say again, over another connection or to another server, what was perhaps
// said already, and nobody can take its marks.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "message.hpp"

namespace chat::wire {

struct join {
  std::string room;
  std::string name;
  std::string key;
  std::optional<message_id> since;  ///< the last message that the page has
};

struct say {
  std::string text;
  std::string mark;
};

using request = std::variant<join, say>;

/// Throws: std::invalid_argument – it is none, with the reason for the people
request parse(std::string_view text);

struct welcome {
  std::string_view room;
  std::string_view name;
  std::string_view me;
  std::size_t count = 0;
  std::vector<std::string_view> people = {};
  std::vector<const message*> history = {};
  bool has_gap = false;  ///< between what the page has and the history
};

std::string to_text(const welcome& to);
std::string to_text(const message& said);
std::string arrived(std::string_view name, std::size_t count);
std::string left(std::string_view name, std::size_t count);
std::string count(std::size_t people);
std::string refused(std::string_view mark, std::string_view reason);
std::string error(std::string_view reason);

}  // namespace chat::wire
