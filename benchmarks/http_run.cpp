// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "other_runs.hpp"

namespace bench {
namespace {

constexpr double servers = 6;

int whole_seconds(const session& in) {
  return in.wanted.window < 1 ? 1 : static_cast<int>(in.wanted.window);
}

}  // namespace

seconds duration_of_http(const session& in) {
  return seconds(servers * in.wanted.rounds * (whole_seconds(in) + 0.2));
}

// The generator is wrk and some of the servers are other people's programs, so a script
// runs them.
void run_http(session& in) {
  in.shown.clear();
  std::fflush(stdout);
  const std::filesystem::path script =
      std::filesystem::path(BENCH_SOURCE) / "benchmarks/net/http/run.py";
  const std::string command = "python3 '" + script.string() + "' '" +
                              in.folder.string() + "' --rounds " +
                              std::to_string(in.wanted.rounds) + " --seconds " +
                              std::to_string(whole_seconds(in));
  if (std::system(command.c_str()) != 0) in.fail("http", "the script has failed");
}

}  // namespace bench
