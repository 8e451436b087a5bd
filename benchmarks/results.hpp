// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What was measured, and what is concluded from several rounds of it.

#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/call_counts.hpp"
#include "net/load.hpp"

namespace bench {

inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// What one server did in one round.
struct measurement {
  double requests_per_second;
  double p50, p99, p999;  // microseconds
  double cpu;             // microseconds of the server per request
  double busy;            // CPU time of the server in the measured time, 0 to 1
};

inline measurement summarize(const load_report& r) {
  const auto requests = static_cast<double>(r.requests);
  return {.requests_per_second = requests / r.wall_seconds,
          .p50 = r.latency.quantile(0.5) / 1e3,
          .p99 = r.latency.quantile(0.99) / 1e3,
          .p999 = r.latency.quantile(0.999) / 1e3,
          .cpu = r.cpu_seconds / requests * 1e6,
          .busy = r.cpu_seconds / r.wall_seconds};
}

/// Calls per request. What could not be counted is not there.
struct call_rates {
  std::array<double, call_kinds> of{};
  bool memory = false;  ///< whether allocations were seen

  double operator[](call kind) const { return of[static_cast<std::size_t>(kind)]; }
};

/// A server's rounds, and why it has no more of them.
struct record {
  std::map<int, measurement> rounds;
  std::string failure;
  std::optional<double> memory;  ///< bytes per connection
  std::optional<call_rates> calls;

  double median_of(double measurement::*field) const {
    std::vector<double> values;
    for (const auto& [round, m] : rounds) values.push_back(m.*field);
    return median(std::move(values));
  }
};

/// The median of the ratios of each round in which both were measured, and their range.
struct ratio {
  double median, least, most;
};

/// Returns: nothing when there is no such round
inline std::optional<ratio> ratio_of(const record& a, const record& b,
                                     double measurement::*field) {
  std::vector<double> all;
  for (const auto& [round, m] : a.rounds) {
    const auto other = b.rounds.find(round);
    if (other != b.rounds.end()) all.push_back(m.*field / (other->second.*field));
  }
  if (all.empty()) return {};
  const auto [least, most] = std::minmax_element(all.begin(), all.end());
  return ratio{median(all), *least, *most};
}

/// What Google Benchmark says in a line of its CSV.
struct micro_row {
  std::string name;  ///< with the suffix _median and such, if it is of all repetitions
  double ns = 0;     ///< of CPU time
  double bytes = 0;  ///< from a label such as "345 bytes"; 0 without one
};

/// Reads `"NAME",iterations,real_time,cpu_time,ns,,,"LABEL",...`.
///
/// Returns: nothing for any other line
inline std::optional<micro_row> parse_micro(const std::string& line) {
  const std::size_t end = line.find("\",");
  if (!line.starts_with('"') || end == line.npos) return {};
  micro_row row{.name = line.substr(1, end - 1)};
  std::size_t field = line.find(',', end);
  for (int number = 1; field != line.npos; ++number) {
    const char* const begin = line.data() + field + 1;
    const char* const last = line.data() + line.size();
    if (number == 3) std::from_chars(begin, last, row.ns);
    if (number == 7 && *begin == '"') std::from_chars(begin + 1, last, row.bytes);
    field = line.find(',', field + 1);
  }
  return row;
}

}  // namespace bench
