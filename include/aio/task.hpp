// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Front door: coroutines, tasks and futures, without Asio.
///
/// | you want                                   | use                                |
/// | ------------------------------------------ | ---------------------------------- |
/// | to call a coroutine and wait for it        | `co_await f()`                     |
/// | to run one beside                          | `create_task(f())`                 |
/// | to keep its captures and arguments alive   | `create_task(fn, args...)`         |
/// | all results of several                     | `gather(f(), g())`                 |
/// | the first of several, or some in time      | `wait(tasks, {...})`               |
/// | each of several, as it is done             | `as_completed(tasks)`              |
/// | several that end together, errors and all  | `with(task_group{}, block)`        |
/// | a limit on one await                       | `wait_for(f(), 2s)`                |
/// | a limit on a block                         | `timeout(2s, block)`               |
/// | something a cancel must not stop           | `shield(f())`                      |
/// | an entry and exit that await               | `with(resource, block)`            |
/// | a result that a callback will set          | `loop.create_future<T>()`          |
/// | one value after the other, made on demand  | `async_generator<T>`               |
/// | a variable of its own for every task       | `context_var<T>`                   |
///
/// A coroutine is cancelled by cancelling the task it runs in: a cancelled_error is
/// thrown at its await. Catch it only to clean up, and throw it on.
///
///     aio::coro<std::string> greet(std::string name, std::chrono::milliseconds delay) {
///       co_await aio::sleep(delay);
///       co_return "Hello, " + name;
///     }
///     aio::coro<> both() {
///       auto [a, b] = co_await aio::gather(greet("Alice", 20ms), greet("Bob", 10ms));
///     }
///
/// With g++ 12, await in simple statements: name what you await before if it has a
/// by-value capture or a braced aggregate in it, and give every coroutine that awaits
/// in a condition at least one named local. The compiler goes wrong otherwise (README).

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/context.hpp>
#include <aio/core/error.hpp>
#include <aio/core/exception_context.hpp>
#include <aio/core/exception_group.hpp>
#include <aio/core/handle.hpp>
#include <aio/core/result.hpp>
#include <aio/coro/async_generator.hpp>
#include <aio/coro/concepts.hpp>
#include <aio/coro/coro.hpp>
#include <aio/task/as_completed.hpp>
#include <aio/task/future.hpp>
#include <aio/task/gather.hpp>
#include <aio/task/shield.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/task_group.hpp>
#include <aio/task/timeout.hpp>
#include <aio/task/wait.hpp>
#include <aio/task/with.hpp>
