// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The files that a run of `bench` leaves behind, if any are wanted.

#pragma once

#include "session.hpp"

namespace bench {

/// Writes JSON, and has plot.py make tables and drawings of it.
///
/// Throws: std::runtime_error – a file cannot be written
void write_files(session& in);

}  // namespace bench
