// SPDX-License-Identifier: BSL-1.0

#include "news.hpp"

#include <fmt/format.h>

#include "member.hpp"
#include "wire.hpp"

namespace chat {

std::string line_of(const message& said) {
  return fmt::format("{}: {}\n", said.name, said.text);
}

void news::add(const message& said) {
  frames_.add_text(wire::to_text(said));
  lines_.push_back({line_of(said), said.mark, nullptr});
  ++messages_;
}

void news::add_arrival(std::string_view name, std::size_t people, const member* who) {
  frames_.add_text(wire::arrived(name, people));
  lines_.push_back({fmt::format("* {} has joined\n", name), {}, who});
}

void news::add_departure(std::string_view name, std::size_t people) {
  frames_.add_text(wire::left(name, people));
  lines_.push_back({fmt::format("* {} has left\n", name), {}, nullptr});
}

void news::add_count(std::size_t people) { frames_.add_text(wire::count(people)); }

void news::clear() noexcept {
  frames_.clear();
  lines_.clear();
  messages_ = 0;
}

std::string news::lines_for(const member& to) const {
  std::string text;
  for (const line& one : lines_) {
    if (one.who == &to || to.has_said(one.mark)) continue;
    text += one.text;
  }
  return text;
}

}  // namespace chat
