// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Drives a loop until one future is done, and to an orderly end.

#pragma once

#include <aio/task/end_of.hpp>
#include <aio/task/task.hpp>

#include <utility>
#include <vector>

namespace aio::detail {

/// Throws: what the future throws; usage_error – the loop was stopped before
template <class T>
T run_until_complete(loop_core& loop, future<T> awaited) {
  if (&awaited.required()->loop() != &loop) {
    throw std::invalid_argument("the future belongs to a different loop");
  }
  // What leaves the loop by itself, such as keyboard_interrupt, needs no stop().
  auto stop = awaited.add_done_callback([&loop](const future<T>&) { loop.stop(); });
  {
    const scope_exit no_stop([&] {
      stop.cancel();
      if (awaited.done()) awaited.required()->mark_retrieved();
    });
    loop.run_forever();
  }
  if (!awaited.done()) {
    throw usage_error(
        "the event loop was stopped before the future was done; run it again to go on");
  }
  awaited.required()->rethrow();
  if constexpr (!std::is_void_v<T>) return take_value<T>(*awaited.required());
}

template <class T>
T run_until_complete(loop_core& loop, coro<T>& body) {
  loop.check_may_run();  // first: a body that is refused stays with the caller
  return run_until_complete(loop, future<T>(start_task(loop, body)));
}

inline coro<> ends_of(std::vector<any_task> tasks) {
  for (any_task& one : tasks) co_await end_of(one.of());
}

/// Cancels every task and runs the loop until they have ended.
inline void cancel_all_tasks(loop_core& loop) {
  const std::vector<any_task> left = all_tasks(loop);
  if (left.empty()) return;
  for (const any_task& one : left) one.cancel();
  coro<> all_ended = ends_of(left);
  run_until_complete(loop, all_ended);
  for (const any_task& one : left) {
    if (one.cancelled() || !one.exception()) continue;
    const context_cell::entered scope(one.core().context());
    loop.call_exception_handler(
        {"an exception while the tasks left over were cancelled", one.exception(),
         one.of().title()});
  }
}

}  // namespace aio::detail
