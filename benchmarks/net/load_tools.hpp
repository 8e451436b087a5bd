// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the load generators share: clocks, addresses, and bytes that can be checked.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "load.hpp"

namespace bench {

inline constexpr std::size_t chunk = 65536;  // most bytes of a send or a receive
inline constexpr int patience = 5;           // seconds without any reply

inline std::string error_text(int error) {
  return std::generic_category().message(error);
}

inline std::uint64_t nanoseconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

inline std::uint64_t ticks() { return nanoseconds(CLOCK_MONOTONIC); }

inline std::uint64_t ticks_of(seconds duration) {
  return static_cast<std::uint64_t>(std::max(0.0, duration.count()) * 1e9);
}

/// Returns: nanoseconds that all threads of the process have used; 0 for nobody's
inline std::uint64_t cpu_time_of(pid_t process) {
  clockid_t clock{};
  if (process == 0) return 0;
  if (const int error = clock_getcpuclockid(process, &clock)) {
    throw load_error("cannot read the CPU time of process " + std::to_string(process) +
                     ": " + error_text(error));
  }
  return nanoseconds(clock);
}

inline sockaddr_in address_of(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
    throw load_error(std::string("not an IPv4 address: ") + host);
  }
  return address;
}

template <class Value>
void set_option(int fd, int level, int name, const Value& value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

/// The bytes that each client sends and expects back.
///
/// Client c has the byte bytes[(c * stride + position) % period]. Both numbers are prime
/// and no message size divides them, so a byte that was lost, doubled, moved or sent to
/// another client cannot look right for long. Lines are as random, and each ends with
/// the only newline in it.
class byte_pattern {
 public:
  /// Takes: line – the size of a line with its newline; 0: bytes without lines
  explicit byte_pattern(std::size_t line = 0) {
    std::mt19937 random(1);
    const std::size_t lines = line > 0 ? std::max<std::size_t>(61, 65521 / line) : 0;
    period_ = line > 0 ? lines * line : 65521;
    stride_ = line > 0 ? 7 * line : 7919;
    bytes_.resize(period_ + chunk);  // a chunk can be taken from anywhere
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      bytes_[i] = i < period_ ? static_cast<char>(random()) : bytes_[i - period_];
      if (line == 0 || i >= period_) continue;
      const bool last = i % line == line - 1;
      if (last || bytes_[i] == '\n') bytes_[i] = last ? '\n' : '.';
    }
  }

  /// Returns: the bytes of a client from a position on, a chunk at least
  const char* at(std::size_t client, std::uint64_t position) const {
    return bytes_.data() + (client * stride_ + position) % period_;
  }

 private:
  std::size_t period_;
  std::size_t stride_;
  std::vector<char> bytes_;
};

}  // namespace bench
