// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The load generator for connections: connect, one echo, close, again.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "load.hpp"
#include "unique_fd.hpp"

namespace bench {

/// Clients of an echo server that leave after one request. A "request" of its report is
/// a connection, from its connect to the end that the server sends after the client's.
///
/// The client ends first, so that the connections linger in the kernel on its side; and
/// it takes turns with the addresses of the loopback network, so that no local ports
/// run out. For the server every connection is the same: it begins, one request comes,
/// and it ends in order.
class churn_clients {
 public:
  /// Takes:  host – an IPv4 address of the loopback network; count – how many
  ///         connections are under way
  /// Throws: load_error
  churn_clients(const std::string& host, std::uint16_t port, std::size_t count);
  ~churn_clients();

  /// Throws: load_error – a wrong byte, no connection, five seconds of silence
  load_report run(const load_options& options);

 private:
  struct client {
    unique_fd fd{};
    std::uint64_t number = 0;
    std::uint64_t started = 0;
    std::size_t received = 0;
  };

  void run_for(seconds duration);
  void run_to_the_end();
  void turn();
  void start_if_wanted(std::size_t index);
  void start(std::size_t index);
  void receive(std::size_t index);
  [[noreturn]] void fail(const std::string& why) const;

  std::string host_;
  std::uint16_t port_;
  unique_fd epoll_;
  std::unique_ptr<const byte_pattern> pattern_;
  std::vector<char> buffer_;
  std::vector<client> clients_;

  load_options options_;
  load_report report_;
  std::uint64_t connections_ = 0;  // started so far
  std::uint64_t most_ = 0;         // to start
  std::uint64_t last_end_ = 0;
  std::size_t under_way_ = 0;
  bool stopping_ = false;
};

}  // namespace bench
