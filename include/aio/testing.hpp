// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: what the tests of your own coroutines need.
///
/// | you want                                        | use                            |
/// | ----------------------------------------------- | ------------------------------ |
/// | a coroutine run without waiting for its sleeps  | `run_virtual(body)`            |
/// | what relies on the order of ready tasks         | `run_virtual(body, {.seed=n})` |
/// | who waits for what when nothing goes on         | `deadlock_error`, by itself    |
/// | a connection without sockets                    | `memory_streams()`             |
/// | every place at which a network could cut        | `memory_streams({.piece=1})`   |
/// | one certain interleaving of several tasks       | `sequencer`                    |
/// | a coroutine cancelled at each of its awaits     | `cancel_at_every_await(f, g)`  |
/// | turn by turn, without Asio                      | `virtual_loop`                 |
///
/// Time is virtual: when every task waits it jumps to the next deadline, so that an
/// hour costs nothing and is exact.
///
///     aio::testing::run_virtual([]() -> aio::coro<> {
///       const aio::time_point start = aio::get_running_loop().time();
///       co_await aio::sleep(1h);
///       assert(aio::get_running_loop().time() - start == 1h);
///     });
///
/// If everything waits and nothing will happen, the run ends with deadlock_error, which
/// names each task and the line it waits at, instead of hanging.
///
/// It works with any test framework: what the body throws comes out of run_virtual().
/// Do not await inside of a macro such as REQUIRE, which may name its argument twice.
///
/// Guide: docs/testing.md

#pragma once

#include <aio/testing/cancel_at_every_await.hpp>
#include <aio/testing/memory_streams.hpp>
#include <aio/testing/run_virtual.hpp>
#include <aio/testing/sequencer.hpp>
#include <aio/testing/virtual_driver.hpp>
#include <aio/testing/virtual_loop.hpp>
