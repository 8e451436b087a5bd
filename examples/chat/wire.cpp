// SPDX-License-Identifier: BSL-1.0

#include "wire.hpp"

#include <boost/json.hpp>

#include <utility>

namespace chat::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t max_mark = 40;
constexpr std::size_t max_key = 100;

std::string text_of(const json::object& from, std::string_view key) {
  const json::value* const value = from.if_contains(key);
  if (!value || value->is_null()) return {};
  const json::string* const text = value->if_string();
  if (!text) throw std::invalid_argument(fmt::format("\"{}\" must be a text", key));
  return std::string(*text);
}

json::string_view as_json(std::string_view text) { return {text.data(), text.size()}; }

json::object parts_of(const message& said) {
  return {{"type", "message"},
          {"id", to_string(said.id)},
          {"name", said.name},
          {"text", said.text},
          {"mark", said.mark}};
}

json::object about(const char* type, std::string_view name, std::size_t people) {
  return {{"type", type}, {"name", as_json(name)}, {"count", people}};
}

}  // namespace

request parse(std::string_view text) {
  json::error_code failure;
  const json::value parsed = json::parse(as_json(text), failure);
  const json::object* const from = failure ? nullptr : parsed.if_object();
  if (!from) throw std::invalid_argument("a JSON object is wanted");
  const std::string type = text_of(*from, "type");
  if (type == "say") {
    say made{text_of(*from, "text"), text_of(*from, "mark")};
    if (made.mark.empty() || made.mark.size() > max_mark) {
      throw std::invalid_argument("\"mark\" must have 1 to 40 bytes");
    }
    return made;
  }
  if (type == "join") {
    join made{
        text_of(*from, "room"), text_of(*from, "name"), text_of(*from, "key"), {}};
    if (made.key.size() > max_key) throw std::invalid_argument("\"key\" is too long");
    const std::string since = text_of(*from, "since");
    if (!since.empty()) {
      made.since = parse_id(since);
      if (!made.since)
        throw std::invalid_argument("\"since\" must be the id of a message");
    }
    return made;
  }
  throw std::invalid_argument("\"type\" must be \"join\" or \"say\"");
}

std::string to_text(const welcome& to) {
  json::array people;
  for (const std::string_view name : to.people) people.emplace_back(as_json(name));
  json::array history;
  for (const message* one : to.history) history.emplace_back(parts_of(*one));
  return json::serialize(json::object{{"type", "welcome"},
                                      {"room", as_json(to.room)},
                                      {"name", as_json(to.name)},
                                      {"me", as_json(to.me)},
                                      {"count", to.count},
                                      {"people", std::move(people)},
                                      {"history", std::move(history)},
                                      {"gap", to.has_gap}});
}

std::string to_text(const message& said) { return json::serialize(parts_of(said)); }

std::string arrived(std::string_view name, std::size_t people) {
  return json::serialize(about("arrived", name, people));
}

std::string left(std::string_view name, std::size_t people) {
  return json::serialize(about("left", name, people));
}

std::string count(std::size_t people) {
  return json::serialize(json::object{{"type", "count"}, {"count", people}});
}

std::string refused(std::string_view mark, std::string_view reason) {
  return json::serialize(json::object{
      {"type", "refused"}, {"mark", as_json(mark)}, {"reason", as_json(reason)}});
}

std::string error(std::string_view reason) {
  return json::serialize(json::object{{"type", "error"}, {"reason", as_json(reason)}});
}

}  // namespace chat::wire
