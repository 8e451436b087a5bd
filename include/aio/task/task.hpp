// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// task<T>: a coroutine running on the loop.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/task/future.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {

/// How a task is made; see create_task.
struct task_options {
  std::string_view name = {};  ///< shown in reports; "Task-N" if not given
  context_ref context = {};    ///< to run in; a copy of the present one if not given
  /// Whether the first step runs at once, inside create_task; if not given, the loop's
  /// task factory decides. Only while the loop runs.
  std::optional<bool> eager_start = {};
};

namespace detail {

/// A task whose coroutine yields a T. The loop holds one reference until it has ended.
template <class T>
class task_core final : public task_state {
 public:
  task_core(loop_core& loop, promise<T>& body) noexcept : task_state(loop, body) {
    add_ref();
    loop.add_task(*this, &task_state::close);
  }

  /// The first step: on the next turn, or now.
  void start(bool eagerly) {
    if (eagerly) {
      const intrusive_ptr<task_core> keep(this);
      run();
    } else {
      loop().push(*this);
    }
  }

  bool cancel(std::string_view message) override {
    mark_retrieved();
    if (done()) return false;
    request_cancel(message);
    return true;
  }

  /// After its end it stands behind callbacks, and must stay there.
  bool is_task_step() const noexcept override { return !done(); }

  void* place_of_result() noexcept override { return &slot(); }

  std::string title() const override { return "task '" + name() + "'"; }

 private:
  outcome<T>& slot() noexcept {
    if constexpr (std::is_void_v<T>) {
      return error_;
    } else {
      return value_;
    }
  }

  void run() override {
    if (done()) return completion::run();
    promise_base& body = take_body();
    if (must_cancel) [[unlikely]] {
      body.self().destroy();
      settle_as_cancelled(nullptr);
      return;
    }
    body.start(*this, nullptr);
    resume(body.self());
  }

  void finish() override {
    if (!slot().has_value() || must_cancel) [[unlikely]]
      return finish_badly();
    leave_loop();
    settle_value();
    release();
  }

  [[gnu::noinline]] void finish_badly() {
    const std::exception_ptr error = slot().error();
    slot().reset();
    if (!error || holds<cancelled_error>(error)) return settle_as_cancelled(error);
    leave_loop();
    set_error(error);
    const bool leaves_the_loop = holds<keyboard_interrupt>(error);
    release();
    if (leaves_the_loop) std::rethrow_exception(error);
  }

  void loop_closing() noexcept override {
    loop().call_exception_handler(
        {"a task was destroyed but it is pending", nullptr,
         title() + (parked() == nullptr ? std::string() : " at " + location())});
    if (!is_started()) {
      take_body().self().destroy();
    } else if (parked() != nullptr) {
      promise_base* const innermost = &parked()->frame();
      set_parked(nullptr);
      destroy_chain(innermost);
    }
    ready_node::unlink();
    drop_waiters();
    settle_cancelled(nullptr, "the loop was closed");
    release();
  }

  void discard() noexcept override {
    // Else loop_closing() follows.
    if (done()) completion::discard();
  }

  /// The handler sees the variables of the task.
  void report() noexcept override {
    const context_cell::entered scope(context());
    completion::report();
  }

  void settle_as_cancelled(const std::exception_ptr& error) {
    leave_loop();
    settle_cancelled(error, cancel_message());
    release();
  }

  void leave_loop() noexcept { loop().remove_task(*this); }

  std::string location() const {
    const std::source_location& at = parked()->frame().where;
    return std::string(at.file_name()) + ":" + std::to_string(at.line());
  }

  struct nothing {};
  [[no_unique_address]] std::conditional_t<std::is_void_v<T>, nothing, outcome<T>>
      value_;
};

template <class T>
intrusive_ptr<task_core<T>> start_task(loop_core& loop, coro<T>& body,
                                       const task_options& options = {}) {
  intrusive_ptr<task_core<T>> made(new task_core<T>(loop, body.release()));
  if (!options.name.empty()) made->set_name(options.name);
  if (options.context) made->share_context((*options.context).cell());
  made->start(options.eager_start.value_or(loop.eager_tasks) &&
              loop_core::running() == &loop);
  return made;
}

/// Keeps the callable and its arguments in the frame of the task.
template <class R, class F, class... Args>
coro<R> invoke_in_frame(F f, Args... args) {
  co_return co_await std::invoke(std::move(f), std::move(args)...);
}

template <class F, class... Args>
using coro_of_call = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

}  // namespace detail

/// A callable that yields a coroutine when called with (decayed) `Args`.
template <class F, class... Args>
concept coroutine_function = std::invocable<std::decay_t<F>, std::decay_t<Args>...> &&
    detail::is_coro<detail::coro_of_call<F, Args...>>;

/// Any task, whatever it yields; empty if there is none.
class any_task {
 public:
  any_task() noexcept = default;
  explicit any_task(detail::task_state& task) noexcept : task_(&task) {}

  explicit operator bool() const noexcept { return static_cast<bool>(task_); }
  friend bool operator==(const any_task&, const any_task&) = default;

  bool done() const { return of().done(); }
  bool cancelled() const { return of().cancelled(); }

  /// Throws: cancelled_error; invalid_state_error – not done
  std::exception_ptr exception() const {
    of().require_done();
    if (cancelled()) of().rethrow();
    return of().outcome_error();
  }

  /// Asks the task to stop: a cancelled_error with `message` is thrown at its present
  /// or next await, on a later turn. False if it is done.
  ///
  /// The request is one event, not a state: a task that catches it goes on. What the
  /// task awaits is cancelled at once; a task not yet started never runs.
  bool cancel(std::string_view message = {}) const { return of().cancel(message); }

  /// Requests made and not taken back.
  std::uint32_t cancelling() const { return core().cancel_requests; }

  /// Takes one request back; returns how many are left. Only who called cancel() may.
  std::uint32_t uncancel() const { return core().uncancel(); }

  std::string name() const { return core().name(); }
  void set_name(std::string_view name) const { core().set_name(name); }

  /// Waits for its end; the value stays with the task.
  ///
  /// Cancellation: the task is cancelled.
  /// Throws:       what the task throws; cancelled_error; usage_error – see future
  auto operator co_await() const { return detail::completion_awaiter(required()); }

  /// For the machinery.
  detail::completion& of() const { return core(); }
  const detail::intrusive_ptr<detail::task_state>& required() const {
    if (!task_) throw usage_error("an empty task: there is none here");
    return task_;
  }
  detail::task_state& core() const { return *required(); }

 private:
  detail::intrusive_ptr<detail::task_state> task_;
};

/// A coroutine that runs on the loop beside its creator: a handle, cheap to copy.
///
/// The loop keeps a running task alive, so a dropped handle stops nothing. It is a
/// future and is awaited like one; cancelling a task that awaits it cancels it too
/// (shield() prevents that).
///
/// Like: asyncio.Task
template <class T = void>
class task : public future<T> {
 public:
  using callback_id = typename future<T>::callback_id;

  task() noexcept = default;
  explicit task(detail::intrusive_ptr<detail::task_core<T>> core) noexcept
      : future<T>(std::move(core)) {}

  /// The same task, whatever it yields.
  any_task any() const { return any_task(core()); }
  operator any_task() const { return any(); }

  /// See any_task.
  std::uint32_t cancelling() const { return core().cancel_requests; }
  std::uint32_t uncancel() const { return core().uncancel(); }
  std::string name() const { return core().name(); }
  void set_name(std::string_view name) const { core().set_name(name); }

  callback_id add_done_callback(std::invocable<const task&> auto callback,
                                const callback_options& options = {}) const {
    return this->template add_callback<task>(core(), std::move(callback), options);
  }

  template <class... Args>
  void set_result(Args&&...) const =
      delete;  // a task gets its result from its coroutine
  template <class E>
  void set_exception(E&&) const = delete;

 private:
  detail::task_core<T>& core() const {
    return static_cast<detail::task_core<T>&>(this->state());
  }
};

namespace detail {
template <class T>
inline constexpr bool is_future<task<T>> = true;
template <>
inline constexpr bool is_future<any_task> = true;
template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

/// What awaits but is no coroutine in our sense, such as `reader.readline()`; to users
/// of asyncio it is one.
template <class A>
concept operation =
    awaitable<A> && !std::is_lvalue_reference_v<A> && !is_coro<A> && !is_future<A>;
}  // namespace detail

/// Schedules `body` on the running loop. Its first step runs on the next turn, in the
/// order of creation.
///
/// Cancellation: of whoever awaits the task: the task is cancelled; see
/// any_task::cancel. Throws:       usage_error – no running loop, or `body` was awaited
/// already Like:         asyncio.create_task
template <class T>
task<T> create_task(coro<T>&& body, const task_options& options = {}) {
  return task<T>(
      detail::start_task(detail::loop_core::require_running(), body, options));
}

template <detail::operation A>
auto create_task(A&& operation, const task_options& options = {}) {
  return aio::create_task(detail::as_coro<A>(std::move(operation)), options);
}

/// Schedules `fn(args...)`. The callable and its arguments move into the task, so
/// that captures and parameters live as long as it; std::ref opts out.
template <class F, class... Args>
requires coroutine_function<F, Args...>
auto create_task(const task_options& options, F&& fn, Args&&... args) {
  using result = typename detail::coro_of_call<F, Args...>::value_type;
  detail::loop_core& loop = detail::loop_core::require_running();
  auto body = detail::invoke_in_frame<result, std::decay_t<F>, std::decay_t<Args>...>(
      std::forward<F>(fn), std::forward<Args>(args)...);
  return task<result>(detail::start_task(loop, body, options));
}
template <class F, class... Args>
requires coroutine_function<F, Args...>
auto create_task(F&& fn, Args&&... args) {
  return aio::create_task(task_options{}, std::forward<F>(fn),
                          std::forward<Args>(args)...);
}

/// The task that runs now; empty in a plain callback.
///
/// Throws: usage_error – no running loop
inline any_task current_task() {
  detail::task_state* task = detail::loop_core::require_running().current_task;
  if (task == nullptr) return {};
  return any_task(*task);
}

namespace detail {

inline std::vector<any_task> all_tasks(loop_core& loop) {
  std::vector<any_task> found;
  loop.tasks().for_each(
      [&](task_node& one) { found.emplace_back(static_cast<task_state&>(one)); });
  return found;
}

}  // namespace detail

/// The tasks of the running loop that are not done, in the order of creation.
///
/// Throws: usage_error – no running loop
inline std::vector<any_task> all_tasks() {
  return detail::all_tasks(detail::loop_core::require_running());
}

/// A future or task unchanged; any other awaitable becomes a task.
///
/// Like: asyncio.ensure_future
template <awaitable A>
auto ensure_future(A&& awaitable) {
  using plain = std::remove_cvref_t<A>;
  if constexpr (detail::is_future<plain>) {
    return plain(std::forward<A>(awaitable));
  } else if constexpr (detail::is_coro<plain>) {
    static_assert(!std::is_lvalue_reference_v<A>,
                  "a coroutine is awaited once: std::move(c)");
    return aio::create_task(std::forward<A>(awaitable));
  } else {
    return aio::create_task(detail::as_coro<plain>(std::forward<A>(awaitable)));
  }
}

}  // namespace aio
