// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "other_runs.hpp"
#include "results.hpp"

namespace bench {
namespace {

constexpr seconds each{0.37};  // of five repetitions, with what finds their length

std::vector<std::string> operations(const session& in) {
  std::vector<std::string> names;
  const std::filesystem::path program = in.folder / "micro";
  if (!std::filesystem::exists(program)) return names;
  child_process micro(program, {"--benchmark_list_tests"},
                      child_process::errors::hidden);
  while (auto line = micro.read_line()) names.push_back(std::move(*line));
  return names;
}

/// The same operation with different numbers of what it works on.
using growth = std::map<std::size_t, double>;

/// Reads `NAME/NUMBER`.
void note_growth(std::map<std::string, growth>& of, const std::string& name,
                 double ns) {
  const std::size_t slash = name.rfind('/');
  if (slash == name.npos) return;
  std::size_t number = 0;
  const char* const end = name.data() + name.size();
  if (std::from_chars(name.data() + slash + 1, end, number).ptr != end) return;
  of[name.substr(0, slash)][number] = ns;
}

}  // namespace

seconds duration_of_micro(const session& in) {
  return each * static_cast<double>(operations(in).size());
}

void run_micro(session& in) {
  std::printf("\nmicro: one loop, no sockets\n");
  const std::filesystem::path program = in.folder / "micro";
  if (!std::filesystem::exists(program)) {
    std::printf("not built (it needs Google Benchmark: libbenchmark-dev)\n");
    return;
  }
  in.shown.step("micro", each);
  // Google Benchmark describes the machine on standard error, which `bench` has done.
  child_process micro = in.on_servers_cpu([&] {
    return child_process(program,
                         {"--benchmark_format=csv", "--benchmark_min_time=0.05",
                          "--benchmark_repetitions=5"},
                         child_process::errors::hidden);
  });
  bool header = false;
  std::map<std::string, growth> curves;
  while (const auto line = micro.read_line()) {
    if (const auto row = parse_micro_median(*line)) {
      in.shown.clear();
      if (!std::exchange(header, true)) std::printf("%-44s CPU ns\n", "operation");
      std::printf("%-42s %8.1f\n", row->first.c_str(), row->second);
      in.report.add("micro", {row->first, {{"ns", row->second}}});
      note_growth(curves, row->first, row->second);
      in.shown.step("micro: after " + row->first, each);
    }
  }
  in.shown.clear();
  for (const auto& [name, curve] : curves) {
    if (curve.size() < 3) continue;
    const auto& [least, first] = *curve.begin();
    const auto& [most, last] = *curve.rbegin();
    std::printf("%s: x%.2f from %zu to %zu\n", name.c_str(), last / first, least, most);
  }
  if (const std::string fate = micro.join(); fate != "exit code 0") {
    in.fail("micro", fate + "; run it by itself to see why");
  }
}

}  // namespace bench
