// The parts of the tour.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include "screen.hpp"

namespace demo {

/// gather() of three greetings.
aio::coro<> greet(screen& out);

/// Three pages are fetched and processed at the same time, shown as bars.
aio::coro<> pipeline(screen& out);

/// Messages to an echo server and back, each byte compared.
aio::coro<> echo(screen& out);

/// Three clients of a chat server talk.
aio::coro<> chat(screen& out);

/// An echo server of aio against one with a thread per connection. Not a coroutine: it
/// forks, which is best done while no loop runs.
void compare(screen& out);

}  // namespace demo
