// What the network programs of this folder share: HOST and PORT on the command line,
// errors as one line on stderr, and a server's life from its announcement to Ctrl-C.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace support {

/// The number in `text` as a port, if it is one.
inline std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  return port;
}

[[noreturn]] inline void exit_with_usage(const char* program, const char* arguments) {
  fmt::print(stderr, "usage: {} {}\n", program, arguments);
  std::exit(2);
}

struct address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8888;
};

/// The first arguments as `[HOST] [PORT]`; a number alone is the port. Others end the
/// program with the usage line and exit code 2.
inline address parse_address(int argc, char** argv, const char* usage = "[HOST] [PORT]",
                             int at_most = 3) {
  address parsed;
  bool is_valid = argc <= at_most;
  if (argc == 2 && parse_port(argv[1])) {
    parsed.port = *parse_port(argv[1]);
  } else if (argc >= 2) {
    parsed.host = argv[1];
    is_valid = is_valid && !parsed.host.empty() && parsed.host[0] != '-';
  }
  if (argc >= 3) {
    const auto port = parse_port(argv[2]);
    is_valid = is_valid && port;
    parsed.port = port.value_or(0);
  }
  if (!is_valid) exit_with_usage(argv[0], usage);
  return parsed;
}

/// aio::run() with an exit code: 1 and a line on stderr after an error, 130 after
/// Ctrl-C.
inline int run(const char* program, aio::coro<int>&& main) {
  try {
    return aio::run(std::move(main));
  } catch (const aio::keyboard_interrupt&) {
    return 130;
  } catch (const aio::exception_group& errors) {
    fmt::print(stderr, "{}: {}\n", program, errors.to_string());
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return 1;
  }
}

/// Says where `server` listens, and ends it in order when Ctrl-C or SIGTERM comes.
inline aio::coro<int> serve_until_signal(aio::server server) {
  // Signals are taken before the line is out: who reads it may send one at once.
  auto serving = aio::serve_until_signal(server, {.grace = std::chrono::seconds(1)});
  fmt::print("Serving on {}\n", fmt::join(server.endpoints(), ", "));
  std::fflush(stdout);
  co_await std::move(serving);
  co_return 0;
}

}  // namespace support
