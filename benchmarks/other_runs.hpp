// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The scenarios that are no plain load: how cost grows, memory, and the library's own
/// operations.

#pragma once

#include "net/load.hpp"
#include "session.hpp"

namespace bench {

/// 64 bytes to and fro, with more and more clients; and more and more tasks.
void run_scale(session& in);
seconds duration_of_scale(const session& in);

/// The memory of clients that made one echo and stay.
void run_idle(session& in);
seconds duration_of_idle();

/// Web servers that say hello; see net/http/run.py.
void run_http(session& in);
seconds duration_of_http(const session& in);

/// The chat of the examples with 10,000 pages; see net/chat/run.py.
void run_chat(session& in);
seconds duration_of_chat(const session& in);

/// The program `micro`: its operations, and those that are done by many tasks.
void run_micro(session& in);
seconds duration_of_micro(const session& in);
void run_task_scale(session& in);
seconds duration_of_task_scale(const session& in);

}  // namespace bench
