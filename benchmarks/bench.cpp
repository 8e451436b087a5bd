// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Measures the servers beside it against each other, and the library's own operations.
// What each scenario measures and how is told in benchmarks/README.md.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "contenders.hpp"
#include "load_run.hpp"
#include "other_runs.hpp"
#include "report_files.hpp"
#include "scenarios.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr const char* usage =
    "usage: bench [SCENARIO...] [--rounds N] [--seconds S] [--json FILE]\n"
    "             [--markdown FILE] [--report FOLDER] [--list]\n"
    "  --rounds N       how often each server is measured (default 5)\n"
    "  --seconds S      how long each time (default 1.0)\n"
    "  --json FILE      write the results there as well, for programs\n"
    "  --markdown FILE  the same as tables\n"
    "  --report FOLDER  results.json, results.md and drawings of them\n"
    "  --list           show the scenarios and exit\n";

void print_conditions(const session& in) {
  if (in.cpus) {
    std::printf("servers on CPU %d, load generator on CPU %d\n", in.cpus->servers,
                in.cpus->generator);
  } else {
    std::printf("only one CPU: nothing is pinned, and latencies include waiting\n");
  }
#ifndef __OPTIMIZE__
  std::printf("warning: this is not a release build; do not use its numbers\n");
#endif
}

seconds duration_of(const session& in, const std::string& name) {
  if (name == "idle") return duration_of_idle();
  if (name == "http") return duration_of_http(in);
  if (name == "chat") return duration_of_chat(in);
  if (name == "micro") return duration_of_micro(in);
  if (name == "scale") return duration_of_scale(in);
  const load_scenario s = *parse_load(name);
  return duration_of(in, s, contenders_of(s));
}

void run(session& in, const std::string& name) {
  if (name == "idle") return run_idle(in);
  if (name == "http") return run_http(in);
  if (name == "chat") return run_chat(in);
  if (name == "micro") return run_micro(in);
  if (name == "scale") return run_scale(in);
  run_load(in, name, *parse_load(name));
}

/// Returns: whether everything could be measured
bool run_all(session& in) {
  print_conditions(in);
  for (const std::string& name : in.wanted.scenarios) {
    in.shown.plan(duration_of(in, name));
  }
  for (const std::string& name : in.wanted.scenarios) {
    run(in, name);
    std::fflush(stdout);
  }
  write_files(in);
  return !in.failed;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--list") return bench::print_list(), 0;
    if (arg == "--help" || arg == "-h") return std::printf("%s", bench::usage), 0;
  }
  try {
    const auto self = std::filesystem::read_symlink("/proc/self/exe");
    bench::session session(bench::parse_arguments(argc, argv), self.parent_path());
    return bench::run_all(session) ? 0 : 1;
  } catch (const bench::usage_error& e) {
    std::fprintf(stderr, "bench: %s\n%s", e.what(), bench::usage);
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    return 1;
  }
}
