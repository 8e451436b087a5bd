// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The scenarios of `bench`, and its command line.

#pragma once

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace bench {

struct standard_scenario {
  const char* name;
  bool by_default;
  const char* text;
};

inline constexpr standard_scenario standard_scenarios[] = {
    {"1x64", false, "one client, 64 bytes: the time of a wake-up"},
    {"50x64", true, "50 clients, 64 bytes: requests and replies"},
    {"1000x64", true, "1000 clients, 64 bytes: many connections"},
    {"50x64x16", false, "50 clients, 64 bytes, 16 requests under way on each"},
    {"50x16384", false, "50 clients, 16 KiB: data"},
    {"udp50x64", false, "50 clients, 64 bytes, over UDP"},
    {"proxy50x16384x4", false, "50 clients, 16 KiB, through a TCP proxy"},
    {"idle", true, "memory per connection of 10,000 idle clients"},
    {"micro", true, "nanoseconds of the library's own operations"},
};

/// What is put under load: an echo server over TCP or UDP, or a proxy before one.
enum class subject { echo, udp, proxy };

struct load_scenario {
  subject what = subject::echo;
  std::size_t connections = 1;
  std::size_t size = 64;
  std::size_t depth = 1;
};

struct options {
  std::vector<std::string> scenarios;
  int rounds = 5;
  double window = 1.0;
  std::string json;  ///< where to write the results for programs; empty: nowhere
};

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class Number>
bool parse_positive(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && last == end && value > 0;
}

inline bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Reads [udp|proxy]CONNECTIONSxSIZE[xDEPTH].
inline std::optional<load_scenario> parse_load(std::string_view text) {
  load_scenario s;
  if (take_prefix(text, "udp")) s.what = subject::udp;
  if (take_prefix(text, "proxy")) s.what = subject::proxy;
  std::size_t* const fields[] = {&s.connections, &s.size, &s.depth};
  std::size_t count = 0;
  for (;; ++count) {
    const std::size_t x = text.find('x');
    if (count == 3 || !parse_positive(text.substr(0, x), *fields[count])) return {};
    if (x == text.npos) break;
    text.remove_prefix(x + 1);
  }
  if (count == 0) return {};
  return s;
}

inline void print_list() {
  for (const standard_scenario& s : standard_scenarios) {
    std::printf("%-15s %s %s\n", s.name, s.by_default ? "*" : " ", s.text);
  }
  std::printf(
      "\n* runs when no scenario is named. Any CONNECTIONSxBYTES[xREQUESTS_UNDER_WAY]\n"
      "is a scenario too, such as 200x1024x4; with udp or proxy before it, over UDP "
      "or\n"
      "through a proxy.\n");
}

inline options parse_arguments(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--json") {
      if (value.empty()) throw usage_error("--json takes the name of a file");
      o.json = value;
      ++i;
    } else if (arg == "--rounds" || arg == "--seconds") {
      ++i;
      if (arg == "--rounds" ? !parse_positive(value, o.rounds)
                            : !parse_positive(value, o.window)) {
        throw usage_error(arg + " takes a positive number");
      }
    } else if (arg == "idle" || arg == "micro" || parse_load(arg)) {
      o.scenarios.push_back(arg);
    } else {
      throw usage_error("unknown scenario or option: " + arg);
    }
  }
  if (o.scenarios.empty()) {
    for (const standard_scenario& s : standard_scenarios) {
      if (s.by_default) o.scenarios.push_back(s.name);
    }
  }
  return o;
}

}  // namespace bench
