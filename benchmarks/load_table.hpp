// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The two tables of a scenario with load: times, and calls.

#pragma once

#include <string>
#include <vector>

#include "json_report.hpp"
#include "results.hpp"
#include "scenarios.hpp"

namespace bench {

/// A server's name and what was measured.
struct named_record {
  const char* name;
  record measured;
};

/// Prints the tables; the first server is the one that the others are compared with.
void print_load(const std::string& name, const load_scenario& s,
                const std::vector<named_record>& records);

/// Returns: the same for programs; nothing for a server that was never measured
std::vector<json_row> rows_of(const std::vector<named_record>& records);

}  // namespace bench
