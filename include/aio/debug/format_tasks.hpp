// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Who waits where: the chain of awaits of a task, or of all, as text.

#pragma once

#include <aio/core/loop.hpp>
#include <aio/coro/promise.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/coro/task_state.hpp>
#include <aio/task/task.hpp>

#include <coroutine>
#include <cstdio>
#include <source_location>
#include <string>
#include <utility>

namespace aio {
namespace detail {

inline std::string format_location(const std::source_location& at) {
  return std::string(at.file_name()) + ":" + std::to_string(at.line()) + " in " +
         at.function_name();
}

inline std::string format_line(const std::source_location& at) {
  return "    at " + format_location(at) + '\n';
}

/// `frame` and its callers, innermost first.
inline std::string format_chain(const promise_base* frame) {
  std::string text;
  while (frame != nullptr) {
    text += format_line(frame->where);
    frame = frame->link == nullptr ? nullptr : frame->link->parent;
  }
  return text;
}

inline std::string format_heading(const task_state& task, const char* state) {
  return "task '" + task.name() + "' " + state + '\n';
}

/// The awaits of one task; one that runs or has not started shows none.
inline std::string format_task(const task_state& task) {
  if (task.parked() != nullptr) {
    return format_heading(task, "waits") + format_chain(&task.parked()->frame());
  }
  const bool runs = &task == task.loop().current_task;
  return format_heading(task, runs ? "runs" : "is ready to run");
}

/// The call graph of the task that runs. Only an await knows the frame it is in:
/// without one there is the place of the call, and no more.
class call_graph {
 public:
  explicit call_graph(std::source_location at)
      : task_(loop_core::require_running().current_task), at_(at) {}

  std::string text(const promise_base* frame = nullptr) const {
    if (task_ == nullptr) return {};
    return format_heading(*task_, "runs") +
           (frame == nullptr ? format_line(at_) : format_chain(frame));
  }

 private:
  const task_state* task_;
  std::source_location at_;
};

/// What format_call_graph() returns: the text, also when awaited.
class [[nodiscard]] call_graph_text {
 public:
  explicit call_graph_text(std::source_location at) : graph_(at) {}

  operator std::string() const { return graph_.text(); }

  auto operator co_await() const { return awaiter(graph_); }

 private:
  class awaiter {
   public:
    using is_native = void;
    explicit awaiter(const call_graph& graph) : graph_(graph) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
      text_ = graph_.text(&frame.promise());
      return false;
    }
    std::string await_resume() { return std::move(text_); }

   private:
    call_graph graph_;
    std::string text_;
  };

  call_graph graph_;
};

/// What print_call_graph() returns: prints at the end of the statement, by when it was
/// awaited or not.
class call_graph_printer {
 public:
  call_graph_printer(std::source_location at, std::FILE* to)
      : graph_(at), text_(graph_.text()), to_(to) {}
  call_graph_printer(const call_graph_printer&) = delete;
  call_graph_printer& operator=(const call_graph_printer&) = delete;
  ~call_graph_printer() { std::fputs(text_.c_str(), to_); }

  auto operator co_await() && { return awaiter(*this); }

 private:
  class awaiter {
   public:
    using is_native = void;
    explicit awaiter(call_graph_printer& printer) : printer_(printer) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
      printer_.text_ = printer_.graph_.text(&frame.promise());
      return false;
    }
    void await_resume() const noexcept {}

   private:
    call_graph_printer& printer_;
  };

  call_graph graph_;
  std::string text_;
  std::FILE* to_;
};

inline std::string format_tasks(loop_core& loop) {
  std::string text;
  loop.tasks().for_each(
      [&](task_node& one) { text += format_task(static_cast<task_state&>(one)); });
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

/// The awaits of one task, innermost first; one that runs, is done or has not started
/// has none.
inline std::string format_call_graph(const any_task& of) {
  if (of.done()) return detail::format_heading(of.core(), "is done");
  return detail::format_task(of.core());
}

/// The awaits of the current task, innermost first; empty in a plain callback.
///
///     std::string text = co_await aio::debug::format_call_graph();
///
/// Without the `co_await` it is the name of the task and the place of the call.
///
/// Cancellation: does not wait, so nothing is stopped.
/// Throws:       usage_error – no running loop
/// Like:         asyncio.format_call_graph
inline detail::call_graph_text format_call_graph(
    std::source_location at = std::source_location::current()) {
  return detail::call_graph_text(at);
}

/// Prints format_call_graph(of).
inline void print_call_graph(const any_task& of, std::FILE* to = stdout) {
  std::fputs(format_call_graph(of).c_str(), to);
}

/// Prints the awaits of the current task, with `co_await`; its name and the place of
/// the call without.
///
///     co_await aio::debug::print_call_graph();
///
/// Cancellation: does not wait, so nothing is stopped.
/// Throws:       usage_error – no running loop
/// Like:         asyncio.print_call_graph
inline detail::call_graph_printer print_call_graph(
    std::FILE* to = stdout, std::source_location at = std::source_location::current()) {
  return detail::call_graph_printer(at, to);
}

}  // namespace debug
}  // namespace aio
