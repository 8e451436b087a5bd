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
#include <utility>
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
    {"1000x16384x16", false, "1000 clients, 16 KiB, 16 under way: bulk data"},
    {"lines50x64x16", false, "50 clients, lines of 64 bytes, 16 under way on each"},
    {"churn16", false, "connect, one echo, close; 16 at a time"},
    {"tls50x64", false, "50 clients, 64 bytes, in TLS"},
    {"tls50x16384", false, "50 clients, 16 KiB, in TLS"},
    {"udp50x64", false, "50 clients, 64 bytes, over UDP"},
    {"proxy50x16384x4", false, "50 clients, 16 KiB, through a TCP proxy"},
    {"scale", false, "1 to 5,000 clients, 1 to 1,000,000 tasks: what growth costs"},
    {"idle", true, "memory per connection of 10,000 idle clients"},
    {"http", false, "web servers that say hello, with wrk; memory of idle clients"},
    {"chat", false,
     "10,000 pages of the chat, of which 500 talk; every message checked"},
    {"micro", true, "nanoseconds of the library's own operations"},
};

/// What is put under load.
enum class subject {
  echo,   ///< an echo server over TCP
  lines,  ///< one that answers line by line
  churn,  ///< an echo server whose clients leave after one request
  tls,    ///< an echo server in TLS
  udp,    ///< an echo server over UDP
  proxy,  ///< a TCP proxy before an echo server
};

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
  std::string json;      ///< where to write the results for programs; empty: nowhere
  std::string markdown;  ///< where to write them as tables
  std::string report;    ///< the folder for all of that, with drawings
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

/// Reads [lines|churn|tls|udp|proxy]CONNECTIONSxSIZE[xDEPTH], and churnCONNECTIONS.
inline std::optional<load_scenario> parse_load(std::string_view text) {
  load_scenario s;
  const std::pair<const char*, subject> prefixes[] = {{"lines", subject::lines},
                                                      {"churn", subject::churn},
                                                      {"tls", subject::tls},
                                                      {"udp", subject::udp},
                                                      {"proxy", subject::proxy}};
  for (const auto& [prefix, what] : prefixes) {
    if (take_prefix(text, prefix)) {
      s.what = what;
      break;
    }
  }
  const bool churn = s.what == subject::churn;
  std::size_t* const fields[] = {&s.connections, &s.size, &s.depth};
  const std::size_t most = churn ? 2 : 3;
  std::size_t count = 0;
  for (;; ++count) {
    const std::size_t x = text.find('x');
    if (count == most || !parse_positive(text.substr(0, x), *fields[count])) return {};
    if (x == text.npos) break;
    text.remove_prefix(x + 1);
  }
  if (count == 0 && !churn) return {};
  return s;
}

inline bool is_scenario(std::string_view name) {
  return name == "idle" || name == "http" || name == "chat" || name == "micro" ||
         name == "scale" || parse_load(name);
}

inline void print_list() {
  for (const standard_scenario& s : standard_scenarios) {
    std::printf("%-15s %s %s\n", s.name, s.by_default ? "*" : " ", s.text);
  }
  std::printf(
      "\n* runs when no scenario is named; `all` names all of them. Any\n"
      "CONNECTIONSxBYTES[xREQUESTS_UNDER_WAY] is a scenario too, such as 200x1024x4;\n"
      "with lines, tls, udp or proxy before it: line by line, in TLS, over UDP, or\n"
      "through a proxy. So is churnCONNECTIONS[xBYTES].\n");
}

inline options parse_arguments(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--json" || arg == "--markdown" || arg == "--report") {
      if (value.empty()) throw usage_error(arg + " takes a name");
      (arg == "--json" ? o.json : arg == "--markdown" ? o.markdown : o.report) = value;
      ++i;
    } else if (arg == "--rounds" || arg == "--seconds") {
      ++i;
      if (arg == "--rounds" ? !parse_positive(value, o.rounds)
                            : !parse_positive(value, o.window)) {
        throw usage_error(arg + " takes a positive number");
      }
    } else if (arg == "all") {
      for (const standard_scenario& s : standard_scenarios) {
        o.scenarios.push_back(s.name);
      }
    } else if (is_scenario(arg)) {
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
