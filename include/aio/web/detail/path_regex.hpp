// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Matches paths with the regular expressions of routes.

#pragma once

#include <regex.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace aio::web::detail {

/// What POSIX does not know is translated: \d \w \s and their opposites, (?:…).
///
/// Throws: std::invalid_argument – look-around, lazy and possessive repetition, \b
inline std::string to_posix_pattern(std::string_view pattern) {
  const auto refuse = [&](const char* what) {
    throw std::invalid_argument("bad pattern '" + std::string(pattern) + "': " + what);
  };
  const auto class_of = [](char letter) -> std::string_view {
    switch (letter) {
      case 'd':
        return "0-9";
      case 'w':
        return "0-9A-Za-z_";
      case 's':
        return " \t\n\v\f\r";
      default:
        return {};
    }
  };
  std::string posix;
  bool in_brackets = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '\\') {
      ++i;
      if (next == '\0') refuse("it ends in a backslash");
      const char small = static_cast<char>(next | 0x20);
      const bool is_opposite = next >= 'A' && next <= 'Z';
      const std::string_view members = class_of(small);
      const bool is_letter = small >= 'a' && small <= 'z';
      if (members.empty()) {
        if (is_letter || (next >= '0' && next <= '9')) refuse("an unknown escape");
        if (in_brackets) {
          if (next == '\\' || next == ']' || next == '-' || next == '^') {
            refuse("an escape between brackets");
          }
          posix += next;
        } else {
          posix.append({'\\', next});
        }
      } else if (in_brackets) {
        if (is_opposite) refuse("an opposite between brackets");
        posix += members;
      } else {
        posix.append(is_opposite ? "[^" : "[").append(members).append("]");
      }
    } else if (in_brackets) {
      in_brackets = c != ']';
      posix += c;
    } else if (c == '[') {
      in_brackets = true;
      posix += c;
      if (next == '^') posix += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') posix += pattern[++i];
    } else if (c == '(' && next == '?') {
      if (pattern.substr(i, 3) != "(?:") refuse("only (?:…) may begin with (?");
      posix += c;
      i += 2;
    } else {
      if ((c == '*' || c == '+' || c == '?' || c == '}') &&
          (next == '?' || next == '+')) {
        refuse("repetition is always greedy");
      }
      posix += c;
    }
  }
  return posix;
}

/// A compiled pattern that must match all of a text.
class path_regex {
 public:
  /// Throws: std::invalid_argument – a bad pattern
  explicit path_regex(const std::string& posix_pattern) {
    const std::string whole = "^(" + posix_pattern + ")$";
    auto made = std::make_unique<regex_t>();
    const int error = ::regcomp(made.get(), whole.c_str(), REG_EXTENDED);
    if (error != 0) {
      char text[128];
      ::regerror(error, made.get(), text, sizeof text);
      throw std::invalid_argument("bad pattern '" + posix_pattern + "': " + text);
    }
    compiled_.reset(made.release());
  }

  /// How many groups it has.
  std::size_t groups() const noexcept { return compiled_->re_nsub - 1; }

  /// The groups, of which some may be empty; false if it does not match.
  bool match(std::string_view text, std::vector<std::string_view>& found) const {
    std::vector<regmatch_t> places(compiled_->re_nsub + 1);
    places[0].rm_so = 0;
    places[0].rm_eo = static_cast<regoff_t>(text.size());
    if (::regexec(compiled_.get(), text.data(), places.size(), places.data(),
                  REG_STARTEND) != 0) {
      return false;
    }
    found.clear();
    for (std::size_t i = 2; i < places.size(); ++i) {
      const auto [from, to] = places[i];
      found.push_back(from < 0 ? std::string_view()
                               : text.substr(static_cast<std::size_t>(from),
                                             static_cast<std::size_t>(to - from)));
    }
    return true;
  }

 private:
  struct freed {
    void operator()(regex_t* one) const noexcept {
      ::regfree(one);
      delete one;
    }
  };

  std::unique_ptr<regex_t, freed> compiled_;
};

}  // namespace aio::web::detail
