// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <cstddef>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "load_run.hpp"
#include "other_runs.hpp"
#include "results.hpp"

namespace bench {
namespace {

// There may be fewer: see fitting().
constexpr std::size_t steps[] = {1, 10, 100, 1000, 5000};

std::vector<contender> scaled_servers() {
  std::vector<contender> some;
  for (const contender& c : echo_servers()) {
    if (is_scaled(c)) some.push_back(c);
  }
  return some;
}

/// What was measured of one server, by the number of connections.
struct curve {
  const char* name;
  std::map<std::size_t, double> cpu;
  std::map<std::size_t, double> ratio_to_epoll;
  std::map<std::size_t, double> memory;
};

curve& curve_of(std::vector<curve>& all, const char* name) {
  for (curve& one : all) {
    if (std::string_view(one.name) == name) return one;
  }
  return all.emplace_back(
      curve{.name = name, .cpu = {}, .ratio_to_epoll = {}, .memory = {}});
}

void print_table(const char* title, const char* format, const std::vector<curve>& all,
                 std::map<std::size_t, double> curve::*field) {
  std::printf("\n%-28s", title);
  std::set<std::size_t> measured;
  for (const curve& one : all) {
    for (const auto& [n, value] : one.cpu) measured.insert(n);
  }
  for (const std::size_t n : measured) std::printf(" %9zu", n);
  std::printf("  clients\n");
  for (const curve& one : all) {
    std::printf("%-28s", one.name);
    for (const std::size_t n : measured) {
      const auto found = (one.*field).find(n);
      if (found == (one.*field).end()) {
        std::printf(" %9s", "-");
      } else {
        char text[32];
        std::snprintf(text, sizeof text, format, found->second);
        std::printf(" %9s", text);
      }
    }
    std::printf("\n");
  }
}

// With one client it is the wake-up that costs, not the number of clients.
void print_growth(const std::vector<curve>& all) {
  std::printf("\n");
  for (const curve& one : all) {
    const auto ten = one.cpu.find(10);
    if (ten == one.cpu.end() || one.cpu.rbegin()->first == 10) continue;
    const auto& [most, cpu] = *one.cpu.rbegin();
    std::printf("%-17s x%.2f CPU per request from 10 to %zu clients", one.name,
                cpu / ten->second, most);
    const auto then = one.ratio_to_epoll.find(10);
    const auto now = one.ratio_to_epoll.find(most);
    if (then != one.ratio_to_epoll.end() && now != one.ratio_to_epoll.end()) {
      std::printf("; beside epoll x%.2f", now->second / then->second);
    }
    std::printf("\n");
  }
}

}  // namespace

seconds duration_of_scale(const session& in) {
  seconds all = duration_of_task_scale(in);
  for (const std::size_t n : steps) {
    all += duration_of(in, {.connections = n}, scaled_servers());
  }
  return all;
}

void run_scale(session& in) {
  std::printf("\nscale: 64 bytes, one request under way on each connection\n");
  std::vector<curve> curves;
  const std::vector<contender> servers = scaled_servers();
  for (const std::size_t step : steps) {
    const load_scenario s = fitting(in, {.connections = step}, servers);
    const std::size_t n = s.connections;
    const auto records = measure(in, "scale " + std::to_string(n), s, servers);
    for (const auto& [who, r] : records) {
      if (!r.failure.empty()) in.fail(who, r.failure);
      if (r.rounds.empty()) continue;
      curve& of = curve_of(curves, who);
      const double cpu = of.cpu[n] = r.median_of(&measurement::cpu);
      json_row row{who, {{"connections", static_cast<double>(n)}, {"cpu_us", cpu}}};
      if (const auto ratio = ratio_of(r, records[0].measured, &measurement::cpu)) {
        of.ratio_to_epoll[n] = ratio->median;
        row.numbers.push_back({"cpu_ratio", ratio->median});
        row.numbers.push_back({"cpu_ratio_least", ratio->least});
        row.numbers.push_back({"cpu_ratio_most", ratio->most});
      }
      if (r.memory) {
        of.memory[n] = *r.memory;
        row.numbers.push_back({"bytes_per_connection", *r.memory});
      }
      in.report.add("scale", std::move(row));
    }
  }
  print_table("CPU µs per request", "%.2f", curves, &curve::cpu);
  print_table("CPU / epoll", "%.3f", curves, &curve::ratio_to_epoll);
  print_table("bytes per connection", "%.0f", curves, &curve::memory);
  print_growth(curves);
  std::fflush(stdout);
  run_task_scale(in);
}

}  // namespace bench
