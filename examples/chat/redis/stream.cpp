// SPDX-License-Identifier: BSL-1.0

#include "stream.hpp"

#include <charconv>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

namespace chat::redis {
namespace {

[[noreturn]] void throw_strange() {
  throw error("Redis gave an answer that does not belong to the question");
}

const value::list& list_in(const value& of) {
  const value::list* const several = of.several();
  if (several == nullptr) throw_strange();
  return *several;
}

const value& part(const value& of, std::size_t at) {
  const value::list& several = list_in(of);
  if (at >= several.size()) throw_strange();
  return several[at];
}

const std::string& text_in(const value& of) {
  const std::string* const text = of.text();
  if (text == nullptr) throw_strange();
  return *text;
}

message_id id_in(const value& of) {
  const auto id = parse_id(text_in(of));
  if (!id) throw_strange();
  return *id;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number == 0) return std::nullopt;
  return number;
}

// Fields that are not ours are passed over: a later version may have more.
std::optional<entry::content> read_content(const value::list& fields) {
  const std::string* room = nullptr;
  const std::string* name = nullptr;
  const std::string* text = nullptr;
  const std::string* mark = nullptr;
  const std::string* from = nullptr;
  const std::string* number = nullptr;
  const std::pair<std::string_view, const std::string**> wanted[] = {
      {"room", &room}, {"name", &name}, {"text", &text},
      {"mark", &mark}, {"from", &from}, {"number", &number}};
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string& field = text_in(fields[i]);
    for (const auto& [key, place] : wanted) {
      if (field == key) *place = &text_in(fields[i + 1]);
    }
  }
  if (room == nullptr || name == nullptr || text == nullptr || from == nullptr ||
      number == nullptr || from->empty() || from->size() > 64)
    return std::nullopt;
  const auto place = parse_number(*number);
  if (!place) return std::nullopt;
  entry::content made{*from, *place, {}};
  made.said.room = *room;
  made.said.name = *name;
  made.said.text = *text;
  if (mark != nullptr) made.said.mark = *mark;
  return made;
}

}  // namespace

std::vector<entry> read_entries(const value& answer) {
  std::vector<entry> found;
  for (const value& one : list_in(answer)) {
    // An entry that was deleted meanwhile has no fields.
    const value& fields = part(one, 1);
    found.push_back({id_in(part(one, 0)),
                     fields.is_nil() ? std::nullopt : read_content(list_in(fields))});
  }
  return found;
}

std::vector<entry> read_news(const value& answer) {
  if (answer.is_nil()) return {};
  return read_entries(part(part(answer, 0), 1));
}

stream_state read_state(const value& answer) {
  if (const std::string* const why = answer.error()) {
    if (*why == "ERR no such key") return {};
    throw refused(*why);
  }
  stream_state state;
  const value::list& fields = list_in(answer);
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string& field = text_in(fields[i]);
    if (field == "last-generated-id") {
      state.last = id_in(fields[i + 1]);
    } else if (field == "first-entry" && !fields[i + 1].is_nil()) {
      state.first = id_in(part(fields[i + 1], 0));
    }
  }
  return state;
}

message_id after(message_id id) {
  if (id.number < std::numeric_limits<std::uint64_t>::max()) {
    ++id.number;
  } else {
    id = {id.time + 1, 0};
  }
  return id;
}

}  // namespace chat::redis
