// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include "contenders.hpp"
#include "net/load.hpp"
#include "other_runs.hpp"

namespace bench {
namespace {

constexpr std::size_t idle_connections = 10'000;
constexpr seconds each{1.5};

void measure_memory(session& in, server& s, std::size_t count) {
  const std::size_t before = private_memory(s.pid());
  // The first echo is a line, for a server that reads lines.
  const echo_clients clients("127.0.0.1", s.port(), count, socket_kind::stream, 64);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::size_t after = private_memory(s.pid());
  in.shown.clear();
  const double growth = static_cast<double>(after) - static_cast<double>(before);
  const double bytes = growth / static_cast<double>(count);
  std::printf("%-17s %16.0f %13zu %12zu\n", s.name(), bytes, before / 1024,
              after / 1024);
  in.report.add("idle", {s.name(), {{"bytes", bytes}}});
}

}  // namespace

seconds duration_of_idle() { return each * static_cast<double>(idle_servers().size()); }

void run_idle(session& in) {
  std::printf("\nidle: 10,000 connections, each after one echo\n");
  const std::size_t count = in.within_limit(idle_connections);
  std::printf("server            bytes/connection   before, KiB   after, KiB\n");
  for (server& s : in.start_servers(idle_servers())) {
    in.shown.step(std::string("idle: ") + s.name(), each);
    try {
      measure_memory(in, s, count);
    } catch (const std::exception& e) {
      in.shown.clear();
      in.fail(s.name(), s.explain(e.what()));
    }
  }
}

}  // namespace bench
