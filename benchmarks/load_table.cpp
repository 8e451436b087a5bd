// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "load_table.hpp"

#include <cstdarg>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

namespace bench {
namespace {

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
std::string
text(const char* format, ...) {
  char made[64];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(made, sizeof made, format, arguments);
  va_end(arguments);
  return made;
}

const char* plural(std::size_t n) { return n == 1 ? "" : "s"; }

void print_title(const std::string& name, const load_scenario& s) {
  std::printf("\n%s: ", name.c_str());
  if (s.what == subject::churn) {
    std::printf("connect, one echo of %zu bytes, close; %zu at a time\n", s.size,
                s.connections);
    std::printf("(a request is such a connection, from its connect to its end)\n");
    return;
  }
  std::printf("%zu connection%s, %s%zu bytes, %zu request%s under way on each\n",
              s.connections, plural(s.connections),
              s.what == subject::lines ? "lines of " : "", s.size, s.depth,
              plural(s.depth));
}

std::string range(const std::optional<ratio>& r) {
  return r ? text("%.2f-%.2f", r->least, r->most) : "-";
}

void print_times(const std::vector<named_record>& records) {
  std::printf(
      "                  requests/s          p50    p99  p99.9  CPU µs    CPU / epoll\n"
      "server                     / epoll     µs     µs     µs  /req.  median     range"
      "  busy\n");
  const record& first = records.front().measured;
  for (const auto& [name, r] : records) {
    if (r.rounds.empty()) continue;
    const auto rate = ratio_of(r, first, &measurement::requests_per_second);
    const auto cpu = ratio_of(r, first, &measurement::cpu);
    std::printf("%-17s %9.0f %7s %6.0f %6.0f %6.0f %7.2f %7s %10s %4.0f%%\n", name,
                r.median_of(&measurement::requests_per_second),
                rate ? text("%.2f", rate->median).c_str() : "-",
                r.median_of(&measurement::p50), r.median_of(&measurement::p99),
                r.median_of(&measurement::p999), r.median_of(&measurement::cpu),
                cpu ? text("%.3f", cpu->median).c_str() : "-", range(cpu).c_str(),
                100 * r.median_of(&measurement::busy));
  }
}

void print_calls(const std::vector<named_record>& records) {
  bool any = false;
  for (const auto& [name, r] : records) any = any || r.calls || r.memory;
  if (!any) return;
  std::printf(
      "\n                    calls per request                                      "
      "bytes per\n"
      "server            receive  (in vain)   send   wait   ctl  timer  allocs  "
      "connection\n");
  for (const auto& [name, r] : records) {
    if (r.rounds.empty()) continue;
    const auto rate = [&](call kind) {
      return r.calls ? text("%.2f", (*r.calls)[kind]) : std::string("-");
    };
    std::printf("%-17s %7s %10s %6s %6s %5s %6s %7s %11s\n", name,
                rate(call::receive).c_str(), rate(call::refused).c_str(),
                rate(call::send).c_str(), rate(call::wait).c_str(),
                rate(call::control).c_str(), rate(call::timer).c_str(),
                r.calls && r.calls->memory ? rate(call::allocate).c_str() : "-",
                r.memory ? text("%.0f", *r.memory).c_str() : "-");
  }
}

void compare_threads_with_streams(const std::vector<named_record>& records) {
  const record *left = nullptr, *right = nullptr;
  for (const auto& [name, r] : records) {
    if (std::string_view(name) == "threads") left = &r;
    if (std::string_view(name) == "aio streams") right = &r;
  }
  if (left == nullptr || right == nullptr) return;
  if (const auto r = ratio_of(*left, *right, &measurement::cpu)) {
    std::printf("thread-per-connection costs %.2f x the CPU of aio streams\n",
                r->median);
  }
}

}  // namespace

void print_load(const std::string& name, const load_scenario& s,
                const std::vector<named_record>& records) {
  print_title(name, s);
  print_times(records);
  print_calls(records);
  compare_threads_with_streams(records);
}

std::vector<json_row> rows_of(const std::vector<named_record>& records) {
  std::vector<json_row> rows;
  const record& first = records.front().measured;
  for (const auto& [name, r] : records) {
    if (r.rounds.empty()) continue;
    json_row row{name, {}};
    const auto add = [&](const char* key, double value) {
      row.numbers.push_back({key, value});
    };
    add("requests_per_second", r.median_of(&measurement::requests_per_second));
    add("p50_us", r.median_of(&measurement::p50));
    add("p99_us", r.median_of(&measurement::p99));
    add("p999_us", r.median_of(&measurement::p999));
    add("cpu_us", r.median_of(&measurement::cpu));
    add("busy", r.median_of(&measurement::busy));
    if (const auto cpu = ratio_of(r, first, &measurement::cpu)) {
      add("cpu_ratio", cpu->median);
      add("cpu_ratio_least", cpu->least);
      add("cpu_ratio_most", cpu->most);
    }
    if (const auto rate = ratio_of(r, first, &measurement::requests_per_second)) {
      add("rate_ratio", rate->median);
    }
    if (r.memory) add("bytes_per_connection", *r.memory);
    if (r.calls) {
      add("receives", (*r.calls)[call::receive]);
      add("receives_in_vain", (*r.calls)[call::refused]);
      add("sends", (*r.calls)[call::send]);
      add("waits", (*r.calls)[call::wait]);
      add("epoll_ctls", (*r.calls)[call::control]);
      add("timer_calls", (*r.calls)[call::timer]);
      if (r.calls->memory) add("allocations", (*r.calls)[call::allocate]);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace bench
