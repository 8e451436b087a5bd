// SPDX-License-Identifier: BSL-1.0

#include "options.hpp"

#include <fmt/format.h>
#include <boost/url.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "../text.hpp"

namespace chat::terminal {
namespace {

constexpr const char* usage =
    "[URL] [--name NAME] [--room ROOM]\n"
    "  URL          of the page of the chat: http://127.0.0.1:8080/\n"
    "  --name NAME  of yours\n"
    "  --room ROOM  where to talk: that of the URL, or lobby\n";

[[noreturn]] void exit_with_usage(const char* program, std::string_view what) {
  fmt::print(stderr, "{}: {}\nusage: {} {}", program, what, program, usage);
  std::exit(2);
}

/// The room of http://…/?room=tea or http://…/#tea, as people copy it from the page.
std::string room_of(boost::urls::url_view page) {
  if (page.has_fragment()) return page.fragment();
  for (const auto& one : page.params()) {
    if (one.key == "room") return one.value;
  }
  return {};
}

}  // namespace

options parse_options(int argc, char** argv) {
  std::string address;
  std::string name;
  std::string room;
  for (int i = 1; i < argc; ++i) {
    const std::string_view one = argv[i];
    if (one == "--help" || one == "-h") {
      fmt::print("usage: {} {}", argv[0], usage);
      std::exit(0);
    }
    if (one == "--name" || one == "--room") {
      if (i + 1 == argc) exit_with_usage(argv[0], fmt::format("{} of what?", one));
      std::string& to = one == "--name" ? name : room;
      to = clean_name(argv[++i]);
      if (to.empty()) exit_with_usage(argv[0], fmt::format("{} is empty", one));
    } else if (one.starts_with('-') || one.empty() || !address.empty()) {
      exit_with_usage(argv[0], fmt::format("not understood: {}", one));
    } else {
      address = one;
    }
  }
  if (address.empty()) address = "http://127.0.0.1:8080/";
  if (address.find("://") == address.npos) address = "http://" + address;

  const auto parsed = boost::urls::parse_uri(address);
  const std::string_view scheme =
      parsed ? std::string_view(parsed->scheme().data(), parsed->scheme().size()) : "";
  const bool is_known =
      scheme == "http" || scheme == "https" || scheme == "ws" || scheme == "wss";
  if (!is_known || parsed->encoded_host().empty()) {
    exit_with_usage(argv[0], fmt::format("not a URL of a chat: {}", address));
  }
  boost::urls::url page(*parsed);
  if (room.empty()) room = clean_name(room_of(page));
  if (room.empty()) room = "lobby";
  const char* const user = std::getenv("USER");
  if (name.empty() && user) name = clean_name(user);
  if (name.empty()) name = "guest";
  page.remove_fragment();
  page.remove_query();
  if (page.encoded_path().empty() || page.encoded_path() == "/") page.set_path("/ws");
  return {std::string(page.buffer()), name, room};
}

}  // namespace chat::terminal
