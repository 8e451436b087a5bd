// port_scanner: which ports of a machine take connections. A hundred are tried at once,
// each for a second at most.
//
//   $ port_scanner HOST [FIRST] [LAST]        (1 to 1024 unless said otherwise)
//   22 open
//   80 open
//   2 of 1024 ports are open
//
// Scan your own machines only.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "support/program.hpp"

using namespace std::chrono_literals;

aio::coro<bool> connects(std::string address, std::uint16_t port) {
  try {
    co_await aio::wait_for(aio::open_connection(address, port), 1s);
  } catch (const boost::system::system_error&) {  // a timeout is one, too
    co_return false;
  }
  co_return true;
}

aio::coro<bool> is_open(aio::semaphore& places, const std::set<std::string>& addresses,
                        std::uint16_t port) {
  auto place = co_await places.scoped();
  for (const std::string& address : addresses) {
    const bool is_taken = co_await connects(address, port);
    if (is_taken) co_return true;
  }
  co_return false;
}

aio::coro<int> scan(std::string host, std::uint16_t first, std::uint16_t last) {
  // A name is looked up once; it may have addresses of both families.
  std::set<std::string> addresses;
  const auto found = co_await aio::getaddrinfo(host, first);
  for (const auto& one : found) addresses.insert(one.endpoint.address());

  aio::semaphore places(100);
  std::vector<aio::coro<bool>> attempts;
  for (int port = first; port <= last; ++port) {
    attempts.push_back(is_open(places, addresses, static_cast<std::uint16_t>(port)));
  }
  const std::vector<bool> results = co_await aio::gather(std::move(attempts));

  int open = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) continue;
    fmt::print("{} open\n", first + i);
    ++open;
  }
  fmt::print("{} of {} ports are open\n", open, results.size());
  co_return 0;
}

int main(int argc, char** argv) {
  std::uint16_t range[] = {1, 1024};
  bool is_valid = argc >= 2 && argc <= 4 && argv[1][0] != '-';
  for (int i = 2; is_valid && i < argc; ++i) {
    const auto port = support::parse_port(argv[i]);
    is_valid = port.has_value();
    range[i - 2] = port.value_or(0);
  }
  if (!is_valid || range[0] == 0 || range[0] > range[1]) {
    support::exit_with_usage(argv[0], "HOST [FIRST] [LAST]");
  }
  return support::run("port_scanner", scan(argv[1], range[0], range[1]));
}
