// The command line of the terminal client.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <string>

namespace chat::terminal {

struct options {
  std::string url;  ///< of the WebSocket
  std::string name;
  std::string room;
};

/// Ends the program with the usage, and the code 2 if the arguments are wrong.
options parse_options(int argc, char** argv);

}  // namespace chat::terminal
