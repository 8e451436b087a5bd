// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// aio::run(main), and runner for several runs on one loop.

#pragma once

#include <aio/coro/async_generator.hpp>
#include <aio/io/ctrl_c.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/task/end_of.hpp>
#include <aio/task/run_until_complete.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {

struct run_options {
  /// Debug mode of the loop; if not given, the environment's AIO_DEBUG decides.
  std::optional<bool> debug = {};
};

namespace detail {

inline bool debug_in_environment() {
  const char* text = std::getenv("AIO_DEBUG");
  return text != nullptr && *text != '\0' && std::string_view(text) != "0";
}

/// A peer that goes away must not end the process; Python does the same.
inline void ignore_sigpipe() {
  struct sigaction present {};
  if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

/// A keyboard_interrupt that nobody catches ends the process as Ctrl-C ends others: by
/// the signal, not by a report and an abort. Python does the same.
inline void die_of_sigint_if_uncaught() {
  static std::terminate_handler former = nullptr;
  static const bool installed = [] {
    former = std::set_terminate([] {
      if (holds<keyboard_interrupt>(std::current_exception())) {
        ::signal(SIGINT, SIG_DFL);
        ::raise(SIGINT);
      }
      if (former != nullptr) former();
      std::abort();
    });
    return true;
  }();
  static_cast<void>(installed);
}

inline coro<> close_generator(generator_handle left) {
  co_await generator_step<generator_close>(left);
}

/// Closes the generators that were left at a yield, side by side.
///
/// Cancellation: stops waiting for them.
inline coro<> close_generators(generator_registry& begun) {
  std::vector<task<>> closing;
  while (generator_handle left = begun.take()) {
    closing.push_back(create_task(close_generator(std::move(left))));
  }
  for (const task<>& one : closing) co_await end_of(*one.required());
  for (const task<>& one : closing) {
    if (one.cancelled() || !one.exception()) continue;
    get_running_loop().call_exception_handler(
        {"an error while an async_generator was closed", one.exception(),
         one.any().of().title()});
  }
}

inline void check_no_loop_runs() {
  if (loop_core::running() != nullptr) {
    throw usage_error(
        "aio::run cannot be called while a loop runs in this thread: co_await the "
        "coroutine instead");
  }
}

}  // namespace detail

/// Closes the async generators that were left at a yield in this loop; runner and run()
/// do it by themselves, and only they note the generators.
///
/// Cancellation: stops waiting for them.
/// Like:         loop.shutdown_asyncgens
inline coro<> event_loop::shutdown_asyncgens() {
  detail::generator_registry* const begun = detail::generator_registry::of(core());
  if (begun != nullptr) co_await detail::close_generators(*begun);
}

/// Several runs on one loop, and its orderly end.
///
///     aio::runner r;
///     int a = r.run(first());
///     r.run(second());
///
/// close(), or the destructor, ends what aio::run() ends.
///
/// Like: asyncio.Runner
class runner {
 public:
  explicit runner(run_options options = {}) : options_(options) {}
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;
  ~runner() {
    try {
      close();
    } catch (...) {
      loop_->call_exception_handler(
          {"an error while a runner was closed", std::current_exception(), {}});
    }
  }

  /// Runs `main` as a task to its end and yields its value. Tasks it leaves behind go
  /// on in the next run.
  ///
  /// Ctrl-C cancels the main task; if it ends cancelled, keyboard_interrupt is thrown.
  /// A second Ctrl-C ends the process, as does a keyboard_interrupt that nobody
  /// catches: by the signal, as a shell expects it.
  ///
  /// All runs share one context: what one sets, the next one sees. `{.context = c}`
  /// gives a run another.
  ///
  /// Throws: what `main` throws; keyboard_interrupt; usage_error – a loop runs in this
  ///         thread (`main` is left as it was), or closed
  template <class T>
  T run(coro<T>&& main, const callback_options& options = {}) {
    detail::check_no_loop_runs();
    event_loop& loop = get_loop();
    const task<T> running = loop.create_task(
        std::move(main), {.context = options.context ? options.context : *context_});
    bool interrupted = false;
    const detail::generator_registry::installed generators(*generators_);
    {
      const detail::ctrl_c_guard guard(loop, [&] {
        interrupted = true;
        running.any().cancel();
      });
      try {
        return loop.run_until_complete(static_cast<future<T>>(running));
      } catch (const cancelled_error&) {
        if (!interrupted || running.uncancel() != 0) throw;
      }
    }
    detail::die_of_sigint_if_uncaught();
    throw keyboard_interrupt();
  }

  /// The same for a callable that returns a coroutine; it lives until the end.
  template <class F>
  requires coroutine_function<F&>
  decltype(auto) run(F&& main, const callback_options& options = {}) {
    detail::check_no_loop_runs();
    return run(std::invoke(main), options);
  }

  /// Throws: usage_error – closed
  event_loop& get_loop() {
    if (closed_) throw usage_error("the runner is closed");
    if (!loop_) {
      detail::ignore_sigpipe();
      loop_.emplace();
      generators_.emplace(loop_->core());
      context_ = copy_context();
      loop_->set_debug(options_.debug.value_or(detail::debug_in_environment()));
    }
    return *loop_;
  }

  /// Cancels all tasks and runs them to their end, closes the async generators that are
  /// left, ends the threads of the executor and closes the loop. Does nothing the
  /// second time.
  ///
  /// Throws: keyboard_interrupt – a task ended with it
  void close() {
    closed_ = true;
    if (!loop_ || loop_->is_closed()) return;
    const detail::scope_exit closing([this] { loop_->close(); });
    const detail::generator_registry::installed generators(*generators_);
    const std::exception_ptr interrupt = end_tasks();
    if (!generators_->empty()) {
      loop_->run_until_complete(detail::close_generators(*generators_));
    }
    loop_->run_until_complete(loop_->shut_down_services());
    if (interrupt) std::rethrow_exception(interrupt);
  }

 private:
  /// A keyboard_interrupt leaves the loop at once; the other tasks have to end as well.
  std::exception_ptr end_tasks() {
    std::exception_ptr interrupt;
    for (;;) {
      try {
        detail::cancel_all_tasks(loop_->core());
        return interrupt;
      } catch (const keyboard_interrupt&) {
        interrupt = std::current_exception();
      }
    }
  }

  run_options options_;
  bool closed_ = false;
  std::optional<event_loop> loop_;
  std::optional<detail::generator_registry> generators_;
  std::optional<context> context_;
};

/// Runs `main` on a new loop, and ends everything in order.
///
///     int main() { return aio::run(amain()); }
///
/// When `main` has ended, however it did: all other tasks are cancelled and run to
/// their end (their errors go to the exception handler), async generators that were
/// left at a yield are closed, the threads of the executor are joined, the loop is
/// closed.
///
/// Takes:    a coroutine, or a callable that returns one, kept alive until the end
/// Throws:   what `main` throws; keyboard_interrupt – see runner::run; usage_error – a
///           loop runs in this thread
/// Like:     asyncio.run
template <class T>
T run(coro<T>&& main, run_options options = {}) {
  detail::check_no_loop_runs();
  runner one(options);
  if constexpr (std::is_void_v<T>) {
    one.run(std::move(main));
    one.close();
  } else {
    T value = one.run(std::move(main));
    one.close();
    return std::forward<T>(value);
  }
}
template <class F>
requires coroutine_function<F&>
decltype(auto) run(F&& main, run_options options = {}) {
  detail::check_no_loop_runs();
  return run(std::invoke(main), options);
}

}  // namespace aio
