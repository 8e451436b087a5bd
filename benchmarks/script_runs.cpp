// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Scenarios whose generators or servers are other programs: scripts run them.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "other_runs.hpp"

namespace bench {
namespace {

int whole_seconds(const session& in) {
  return std::max(1, static_cast<int>(in.wanted.window));
}

void run_script(session& in, const std::string& name) {
  in.shown.clear();
  std::fflush(stdout);
  const std::filesystem::path script =
      std::filesystem::path(BENCH_SOURCE) / "benchmarks/net" / name / "run.py";
  const std::string command = "python3 '" + script.string() + "' '" +
                              in.folder.string() + "' --rounds " +
                              std::to_string(in.wanted.rounds) + " --seconds " +
                              std::to_string(whole_seconds(in));
  if (std::system(command.c_str()) != 0) in.fail(name, "the script has failed");
}

}  // namespace

seconds duration_of_http(const session& in) {
  constexpr double servers = 6;
  return seconds(servers * in.wanted.rounds * (whole_seconds(in) + 0.2));
}

void run_http(session& in) { run_script(in, "http"); }

seconds duration_of_chat(const session& in) {
  constexpr double servers = 2;
  constexpr double joining = 4;
  return seconds(servers * in.wanted.rounds * (whole_seconds(in) + joining));
}

void run_chat(session& in) { run_script(in, "chat"); }

}  // namespace bench
