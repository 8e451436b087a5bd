// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Who waits where: the chain of awaits of every task, as text.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/coro/promise.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/coro/task_state.hpp>

#include <source_location>
#include <string>

namespace aio {
namespace detail {

inline std::string format_location(const std::source_location& at) {
  return std::string(at.file_name()) + ":" + std::to_string(at.line()) + " in " +
         at.function_name();
}

/// The awaits of one task, innermost first; one that runs or has not started has none.
inline std::string format_task(const task_state& task) {
  std::string text = "task '" + task.name() + "'";
  if (task.parked == nullptr) return text + " is ready to run\n";
  text += " waits\n";
  const promise_base* frame = &task.parked->frame();
  while (frame != nullptr) {
    text += "    at " + format_location(frame->where) + '\n';
    frame = frame->link == nullptr ? nullptr : frame->link->parent;
  }
  return text;
}

inline std::string format_tasks(loop_core& loop) {
  std::string text;
  loop.tasks().for_each([&](runnable_resident& one) {
    text += format_task(static_cast<task_state&>(one));
  });
  return text;
}

}  // namespace detail

namespace debug {

/// All tasks of the running loop with the file and line of each of their awaits, in the
/// order of creation. Works in every build, without debug information.
///
/// Throws:     usage_error – no running loop
/// Complexity: linear in tasks and their awaits
inline std::string format_tasks() {
  return detail::format_tasks(detail::loop_core::require_running());
}

}  // namespace debug
}  // namespace aio
