// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "other_runs.hpp"
#include "results.hpp"

namespace bench {
namespace {

/// Some of the operations, and how they are measured. Those whose name ends with /NUMBER
/// work on so many tasks: that is a matter of scale.
struct selection {
  const char* filter;
  const char* repetitions;
  seconds each;  ///< of all repetitions, with what finds their length
};

constexpr selection usual{"--benchmark_filter=-/[0-9]+$", "--benchmark_repetitions=5",
                          seconds(0.4)};
constexpr selection growing{"--benchmark_filter=/[0-9]+$", "--benchmark_repetitions=3",
                            seconds(2.5)};

std::filesystem::path program(const session& in) { return in.folder / "micro"; }

seconds duration_of(const session& in, const selection& some) {
  seconds all{0};
  if (!std::filesystem::exists(program(in))) return all;
  child_process micro(program(in), {some.filter, "--benchmark_list_tests"},
                      child_process::errors::hidden);
  while (micro.read_line()) all += some.each;
  return all;
}

/// Calls `take` with the median of each operation as it comes.
template <class Take>
void run_operations(session& in, const selection& some, Take take) {
  if (!std::filesystem::exists(program(in))) {
    std::printf("not built (it needs Google Benchmark: libbenchmark-dev)\n");
    return;
  }
  in.shown.step("micro", some.each);
  // Google Benchmark describes the machine on standard error, which `bench` has done.
  child_process micro = in.on_servers_cpu([&] {
    return child_process(program(in),
                         {some.filter, some.repetitions, "--benchmark_format=csv",
                          "--benchmark_min_time=0.05"},
                         child_process::errors::hidden);
  });
  double bytes = 0;  // of the last repetition: medians are of times alone
  while (const auto line = micro.read_line()) {
    auto row = parse_micro(*line);
    if (!row) continue;
    if (row->bytes > 0) bytes = row->bytes;
    constexpr std::string_view suffix = "_median";
    if (!row->name.ends_with(suffix)) continue;
    row->name.erase(row->name.size() - suffix.size());
    row->bytes = std::exchange(bytes, 0);
    in.shown.clear();
    take(*row);
    std::fflush(stdout);
    in.shown.step("micro: after " + row->name, some.each);
  }
  // The step after the last row does not take place.
  in.shown.plan(some.each);
  in.shown.clear();
  if (const std::string fate = micro.join(); fate != "exit code 0") {
    in.fail("micro", fate + "; run it by itself to see why");
  }
}

/// Splits `NAME/NUMBER`.
std::optional<std::pair<std::string, std::size_t>> split(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  if (slash == name.npos) return {};
  std::size_t number = 0;
  std::from_chars(name.data() + slash + 1, name.data() + name.size(), number);
  return std::pair(name.substr(0, slash), number);
}

}  // namespace

seconds duration_of_micro(const session& in) { return duration_of(in, usual); }
seconds duration_of_task_scale(const session& in) { return duration_of(in, growing); }

void run_micro(session& in) {
  std::printf("\nmicro: one loop, no sockets\n");
  std::printf("%-50s CPU ns\n", "operation");
  run_operations(in, usual, [&](const micro_row& row) {
    std::printf("%-48s %8.1f\n", row.name.c_str(), row.ns);
    in.report.add("micro", {row.name, {{"ns", row.ns}}});
  });
}

void run_task_scale(session& in) {
  std::printf("\n%-24s %12s %8s %15s\n", "many tasks", "tasks", "CPU ns",
              "bytes of each");
  std::map<std::string, std::map<std::size_t, double>> curves;
  run_operations(in, growing, [&](const micro_row& row) {
    const auto name = split(row.name);
    if (!name) return;
    const auto& [what, tasks] = *name;
    std::printf("%-24s %12zu %8.1f", what.c_str(), tasks, row.ns);
    row.bytes > 0 ? std::printf(" %15.0f\n", row.bytes) : std::printf(" %15s\n", "-");
    json_row out{what, {{"tasks", static_cast<double>(tasks)}, {"ns", row.ns}}};
    if (row.bytes > 0) out.numbers.push_back({"bytes", row.bytes});
    in.report.add("tasks", std::move(out));
    curves[what][tasks] = row.ns;
  });
  for (const auto& [what, curve] : curves) {
    const auto& [least, first] = *curve.begin();
    const auto& [most, last] = *curve.rbegin();
    std::printf("%s: x%.2f from %zu to %zu tasks\n", what.c_str(), last / first, least,
                most);
  }
}

}  // namespace bench
