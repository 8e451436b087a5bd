// SPDX-License-Identifier: BSL-1.0

#include "options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

#ifndef CHAT_PAGE
#define CHAT_PAGE "page"
#endif

namespace chat {
namespace {

struct option {
  const char* name;
  const char* value;  ///< what the usage calls it; null: there is none
  const char* help;
  std::function<void(std::string_view)> set;
};

template <class Number>
Number number(std::string_view text) {
  Number parsed{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, parsed);
  if (error != std::errc() || stop != end || !(parsed >= 0)) {
    throw std::invalid_argument(fmt::format("not a valid number: {}", text));
  }
  return parsed;
}

template <class Number>
auto into(Number& to) {
  return [&to](std::string_view text) { to = number<Number>(text); };
}

auto into(std::string& to) {
  return [&to](std::string_view text) { to = text; };
}

auto into(std::chrono::seconds& to) {
  return [&to](std::string_view text) {
    to = std::chrono::seconds(number<std::uint32_t>(text));
  };
}

log_level level(std::string_view text) {
  if (text == "debug") return log_level::debug;
  if (text == "info") return log_level::info;
  if (text == "warning") return log_level::warning;
  if (text == "error") return log_level::error;
  throw std::invalid_argument(fmt::format("no level of the log: {}", text));
}

std::vector<option> known_options(options& to) {
  return {
      {"--host", "HOST", "where to listen", into(to.host)},
      {"--web", "PORT", "for pages; 0: any that is free", into(to.web_port)},
      {"--line", "PORT", "for lines, as of nc", into(to.line_port)},
      {"--reuse-port", nullptr, "listen beside another server",
       [&to](std::string_view) { to.reuse_port = true; }},
      {"--redis", "URL", "share the rooms with other servers", into(to.redis)},
      {"--page", "FOLDER", "the files of the page", into(to.page)},
      {"--max-connections", "N", "clients at a time", into(to.max_connections)},
      {"--max-message", "BYTES", "of one message", into(to.max_message)},
      {"--max-unread", "BYTES", "that wait for a slow client", into(to.max_unread)},
      {"--max-rooms", "N", "rooms at a time", into(to.max_rooms)},
      {"--history", "N", "messages that a room keeps", into(to.history)},
      {"--rate", "N", "messages a second of one client; 0: any", into(to.rate)},
      {"--burst", "N", "messages of it at once", into(to.burst)},
      {"--idle-timeout", "SECONDS", "until a silent line is closed; 0: never",
       into(to.idle_timeout)},
      {"--join-timeout", "SECONDS", "until a page without a name is closed",
       into(to.join_timeout)},
      {"--heartbeat", "SECONDS", "between pings to a silent page", into(to.heartbeat)},
      {"--drain", "SECONDS", "that clients have at the end", into(to.drain)},
      {"--log", "LEVEL", "debug, info, warning or error",
       [&to](std::string_view text) { to.log = level(text); }},
  };
}

[[noreturn]] void exit_with_usage(std::FILE* to, const char* program, int code) {
  options defaults;
  fmt::print(to, "usage: {} [OPTION]...\n", program);
  for (const option& one : known_options(defaults)) {
    const std::string left =
        one.value ? fmt::format("{} {}", one.name, one.value) : one.name;
    fmt::print(to, "  {:<24} {}\n", left, one.help);
  }
  std::exit(code);
}

}  // namespace

options parse_options(int argc, char** argv) {
  options parsed;
  parsed.page = CHAT_PAGE;
  const std::vector<option> known = known_options(parsed);
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help" || name == "-h") exit_with_usage(stdout, argv[0], 0);
    const option* found = nullptr;
    for (const option& one : known) {
      if (name == one.name) found = &one;
    }
    if (!found || (found->value && i + 1 == argc)) {
      fmt::print(stderr, "{}: {}: {}\n", argv[0], name,
                 found ? "a value is missing" : "no such option");
      exit_with_usage(stderr, argv[0], 2);
    }
    try {
      found->set(found->value ? argv[++i] : "");
    } catch (const std::invalid_argument& error) {
      fmt::print(stderr, "{}: {}: {}\n", argv[0], name, error.what());
      std::exit(2);
    }
  }
  return parsed;
}

}  // namespace chat
