// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Scenarios with load: all servers of one, measured by turns.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "contenders.hpp"
#include "load_table.hpp"
#include "scenarios.hpp"
#include "session.hpp"

namespace bench {

/// Returns: how long measuring these will take
seconds duration_of(const session& in, const load_scenario& s,
                    std::span<const contender> contenders);

/// Returns: the scenario with no more connections than there are descriptors for, and
///          says so when these are fewer
load_scenario fitting(session& in, const load_scenario& s,
                      std::span<const contender> contenders);

/// Measures these servers A B C, A B C, ..., then counts their calls.
std::vector<named_record> measure(session& in, const std::string& name,
                                  const load_scenario& s,
                                  std::span<const contender> contenders);

/// Measures the contenders of a scenario and shows the result.
void run_load(session& in, const std::string& name, const load_scenario& wanted);

}  // namespace bench
