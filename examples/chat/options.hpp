// The command line of the server.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "log.hpp"

namespace chat {

struct options {
  std::string host = "127.0.0.1";
  std::uint16_t web_port = 8080;   ///< 0: any that is free
  std::uint16_t line_port = 8888;  ///< the same
  /// Others may listen at the same ports: the next server starts before this one ends.
  bool reuse_port = false;
  std::string redis;  ///< URL of the Redis that joins servers; empty: none
  std::string page;   ///< the folder of the page

  // What one client may do to the others, and to us.
  std::size_t max_connections = 20'000;
  std::size_t max_message = 4'000;      ///< bytes
  std::size_t max_unread = 256 * 1024;  ///< bytes that wait for one who does not read
  std::size_t max_rooms = 1'000;
  std::size_t history = 100;  ///< messages that a room keeps
  double rate = 10;           ///< messages a second, of one client; 0: any
  double burst = 30;          ///< messages that may come at once
  std::chrono::seconds idle_timeout{3'600};  ///< for a line; 0: any
  std::chrono::seconds join_timeout{30};     ///< for the name of a page
  std::chrono::seconds heartbeat{30};        ///< between pings to a silent page
  std::chrono::seconds drain{5};             ///< for clients to take what is theirs

  log_level log = log_level::info;
};

/// Ends the program with the usage, and the code 2 if the arguments are wrong.
options parse_options(int argc, char** argv);

}  // namespace chat
