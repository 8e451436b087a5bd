// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: virtual time for the tests of your own coroutines.
///
///     aio::testing::virtual_loop loop;
///     loop.run(retry_for_a_day(flaky_call));      // takes no time
///     assert(loop.now() == 24h);
///
/// If everything waits and nothing will happen, the run ends with deadlock_error
/// instead of hanging. cancel_at_every_await() runs a coroutine once per turn and
/// cancels it there.

#pragma once

#include <aio/testing/cancel_at_every_await.hpp>
#include <aio/testing/virtual_driver.hpp>
#include <aio/testing/virtual_loop.hpp>
