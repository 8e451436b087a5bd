// Clients that speak lines of text, as nc does.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include "hub.hpp"

namespace chat {

/// The handler of a connection: the first line is the name, the others are said, or are
/// commands if they begin with a slash.
aio::coro<> serve_lines(hub& of, aio::stream_reader reader, aio::stream_writer writer);

}  // namespace chat
