// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// run_virtual(main): aio::run() in virtual time.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/error.hpp>
#include <aio/core/exception_context.hpp>
#include <aio/core/loop.hpp>
#include <aio/coro/async_generator.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/run.hpp>
#include <aio/task/run_until_complete.hpp>
#include <aio/task/task.hpp>
#include <aio/testing/shuffle.hpp>
#include <aio/testing/virtual_driver.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {
namespace testing {

struct virtual_options {
  /// Shuffles the tasks that are ready, and the timers that are due, in each turn: in
  /// the same way for the same seed. Without one the order is that of asyncio.
  std::optional<std::uint64_t> seed = {};

  /// Virtual time after which the run is given up: a task that wakes up again and again
  /// keeps a deadlock from being found.
  time_limit timeout = {};

  /// Who is told of errors that nobody took, instead of stderr.
  std::function<void(const exception_context&)> exception_handler = {};
};

}  // namespace testing

namespace detail {

/// A loop in a world of its own, and its orderly end.
class virtual_run {
 public:
  /// Throws: usage_error – a loop runs in this thread
  explicit virtual_run(const testing::virtual_options& options)
      : timeout_(options.timeout), loop_(driver_) {
    if (loop_core::running() != nullptr) {
      throw usage_error(
          "a virtual run cannot begin while a loop runs in this thread: co_await the "
          "coroutine instead");
    }
    driver_.attach(core());
    if (options.seed) core().set_turn_order(&order_.emplace(*options.seed));
    if (options.exception_handler) {
      core().set_exception_handler(options.exception_handler);
    }
    give_time();
  }
  virtual_run(const virtual_run&) = delete;
  virtual_run& operator=(const virtual_run&) = delete;

  /// What cannot be ended is only reported here: something else is thrown already.
  ~virtual_run() {
    try {
      end();
    } catch (...) {
      core().call_exception_handler(
          {"the end of a virtual run failed", std::current_exception(), {}});
    }
    // What is reported from now on has nobody left to hear it.
    core().set_exception_handler(nullptr);
  }

  event_loop& loop() noexcept { return loop_; }
  loop_core& core() const noexcept { return loop_.core(); }

  template <class T>
  T run_main(coro<T>& main) {
    const task<T> running = loop_.create_task(std::move(main), {.name = "main"});
    return loop_.run_until_complete(static_cast<future<T>>(running));
  }

  /// Cancels what is left and runs it to its end, as runner::close() does; does nothing
  /// the second time.
  ///
  /// Throws: deadlock_error – some of it does not end
  void end() {
    if (std::exchange(is_ended_, true)) return;
    const scope_exit closing([this] { loop_.close(); });
    give_time();
    cancel_rest();
    if (!generators_.empty()) loop_.run_until_complete(close_generators(generators_));
    loop_.run_until_complete(loop_.shut_down_services());
  }

 private:
  void give_time() {
    if (const auto end = timeout_.after(loop_.time())) driver_.set_end(*end);
  }

  void cancel_rest() {
    const std::vector<any_task> left = all_tasks(core());
    try {
      cancel_all_tasks(core());
    } catch (const testing::deadlock_error&) {
      // Again, without the task that waits for the others.
      std::string text = "tasks were left over that do not end when cancelled\n";
      for (const any_task& one : left) {
        if (!one.done()) text += describe_task(one.core());
      }
      throw testing::deadlock_error(text);
    }
  }

  time_limit timeout_;
  testing::virtual_driver driver_;
  std::optional<shuffled_turns> order_;
  event_loop loop_;
  generator_registry generators_{core()};
  generator_registry::installed installed_{generators_};
  bool is_ended_ = false;
};

}  // namespace detail

namespace testing {

/// Runs `main` to its end as aio::run() does, but in virtual time: when every task
/// waits, the time jumps to the next deadline, so that waiting costs nothing and takes
/// exactly as long as it says. The time starts at zero.
///
///     auto body = []() -> aio::coro<int> {
///       co_await aio::sleep(1h);
///       co_return 42;
///     };
///     assert(aio::testing::run_virtual(body) == 42);
///     assert(aio::testing::run_virtual(body, {.seed = 7}) == 42);
///
/// Whatever needs no socket works inside: aio::get_running_loop(), call_later,
/// to_thread and run_in_executor (while a thread works the time stands still),
/// memory_streams(). When `main` has ended, however it did, the tasks it left behind
/// are cancelled and run to their end, their errors go to the exception handler, and
/// async generators that were left at a yield are closed.
///
/// A seed shuffles each turn, to find programs that rely on an order nobody promised. A
/// run without threads depends on nothing but its seed. Callbacks of call_soon() and of
/// futures keep their order among themselves, which asyncio promises.
///
/// Takes:  a coroutine, or a callable that returns one, kept alive until the end
/// Throws: what `main` throws; deadlock_error – everybody waits and nothing will
/// happen,
///         the timeout is over, or tasks that were left over do not end when cancelled;
///         usage_error – a loop runs in this thread
/// Like:   asyncio.run, on a clock like trio's MockClock(autojump_threshold=0)
template <class T>
T run_virtual(coro<T>&& main, const virtual_options& options = {}) {
  detail::virtual_run run(options);
  if constexpr (std::is_void_v<T>) {
    run.run_main(main);
    run.end();
  } else {
    T value = run.run_main(main);
    run.end();
    return std::forward<T>(value);
  }
}
template <class F>
requires coroutine_function<F&>
decltype(auto) run_virtual(F&& main, const virtual_options& options = {}) {
  return run_virtual(std::invoke(main), options);
}

}  // namespace testing
}  // namespace aio
