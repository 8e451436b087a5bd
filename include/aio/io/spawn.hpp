// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// spawn: a coroutine of ours as an Asio operation.

#pragma once

#include <aio/io/event_loop.hpp>
#include <aio/task/task.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/system/system_error.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace aio {
namespace detail {

template <class T>
struct spawn_signature {
  using type = void(std::exception_ptr, T);
};
template <>
struct spawn_signature<void> {
  using type = void(std::exception_ptr);
};

/// The way from a cancellation slot, which belongs to any thread, to the task.
class spawn_cancellation {
 public:
  explicit spawn_cancellation(loop_core& loop) noexcept : loop_(&loop) {}

  /// Any thread.
  static void request(const std::shared_ptr<spawn_cancellation>& self) {
    auto cancel = [self] {
      self->is_requested_ = true;
      if (self->task_) self->task_.cancel();
    };
    const std::lock_guard lock(self->mutex_);
    if (self->loop_ == nullptr) return;
    auto node = std::make_unique<posted_callback<decltype(cancel)>>(*self->loop_,
                                                                    std::move(cancel));
    if (self->loop_->push_threadsafe(*node)) node.release();
  }

  // On the loop's thread.
  void begin(any_task task) {
    task_ = std::move(task);
    if (is_requested_) task_.cancel();
  }
  void end() noexcept {
    task_ = any_task();
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  loop_core* loop_;  ///< null when there is nothing left to cancel
  any_task task_;
  bool is_requested_ = false;
};

/// The handler, and what must last as long as it waits.
template <class T, class Handler>
class spawn_completion {
  using executor = boost::asio::associated_executor_t<Handler>;
  using work = std::decay_t<decltype(boost::asio::prefer(
      std::declval<executor>(), boost::asio::execution::outstanding_work.tracked))>;
  static constexpr bool has_executor =
      !std::is_same_v<executor, boost::asio::system_executor>;

 public:
  spawn_completion(loop_core& loop, Handler&& handler)
      : handler_(std::move(handler)),
        slot_(boost::asio::get_associated_cancellation_slot(handler_)),
        work_(boost::asio::prefer(boost::asio::get_associated_executor(handler_),
                                  boost::asio::execution::outstanding_work.tracked)) {
    if (!slot_.is_connected()) return;
    cancellation_ = std::make_shared<spawn_cancellation>(loop);
    slot_.assign([to = cancellation_](boost::asio::cancellation_type type) {
      if (type != boost::asio::cancellation_type::none) spawn_cancellation::request(to);
    });
  }
  spawn_completion(spawn_completion&&) = default;
  spawn_completion& operator=(spawn_completion&&) = delete;
  ~spawn_completion() {
    if (cancellation_) cancellation_->end();
  }

  void begin(const any_task& task) {
    if (cancellation_) cancellation_->begin(task);
  }

  /// Calls the handler on its executor; without one, here.
  void operator()(const task<T>& done) {
    if (cancellation_) std::exchange(cancellation_, nullptr)->end();
    if constexpr (std::is_void_v<T>) {
      call(error_of(done));
    } else if (std::exception_ptr error = error_of(done)) {
      call(std::move(error), T());
    } else {
      call(std::exception_ptr(), outcome_of<T>(*done.required()).take());
    }
  }

 private:
  static std::exception_ptr error_of(const task<T>& done) {
    if (!done.cancelled()) return done.exception();
    return std::make_exception_ptr(
        boost::system::system_error(boost::asio::error::operation_aborted));
  }

  template <class... Values>
  void call(Values... values) {
    auto bound = [handler = std::move(handler_), slot = slot_,
                  ... given = std::move(values)]() mutable {
      slot.clear();
      std::move(handler)(std::move(given)...);
    };
    if constexpr (has_executor) {
      boost::asio::dispatch(work_, std::move(bound));
    } else {
      bound();
    }
  }

  Handler handler_;
  boost::asio::associated_cancellation_slot_t<Handler> slot_;
  work work_;
  std::shared_ptr<spawn_cancellation> cancellation_;
};

/// Takes the body and its handler to the loop.
template <class T, class Handler>
class spawn_start {
 public:
  spawn_start(loop_core& loop, Handler&& handler, coro<T>&& body)
      : loop_(loop), completion_(loop, std::move(handler)), body_(std::move(body)) {}
  spawn_start(spawn_start&&) = default;
  ~spawn_start() { body_.close(); }

  void operator()() {
    task<T> made(start_task(loop_, body_, {.eager_start = false}));
    completion_.begin(made);
    made.add_done_callback(std::move(completion_));
  }

 private:
  loop_core& loop_;
  spawn_completion<T, Handler> completion_;
  coro<T> body_;
};

class initiate_spawn {
 public:
  explicit initiate_spawn(event_loop& loop) noexcept : loop_(&loop) {}

  template <class Handler, class T>
  void operator()(Handler&& handler, coro<T>&& body) const {
    spawn_start<T, std::decay_t<Handler>> start(loop_->core(), std::move(handler),
                                                std::move(body));
    if (loop_core::running() == &loop_->core()) {
      loop_->core().check_open();
      start();
    } else {
      loop_->call_soon_threadsafe(std::move(start));
    }
  }

 private:
  event_loop* loop_;
};

}  // namespace detail

/// Runs a coroutine as a task of `loop`, as an Asio operation: whatever takes part in
/// Asio's completion tokens can wait for it.
///
///     aio::spawn(loop, fetch(url), [](std::exception_ptr error, std::string page) {...});
///     std::future<std::string> page = aio::spawn(loop, fetch(url), asio::use_future);
///     std::string page = co_await aio::spawn(loop, fetch(url), asio::use_awaitable);
///
/// The signature of completion is `void(std::exception_ptr, T)`, without the value for
/// coro<void>; beside an error stands a T(). The handler is called on its associated
/// executor; if it has none, as a callback of the loop.
///
/// Emitting its cancellation slot, of any type, cancels the task: on the thread of the
/// handler's executor, as everywhere in Asio. A task that ends cancelled completes with
/// boost::system::system_error, operation_aborted, as Asio's operations do. If the loop
/// is closed first, the handler is dropped without a call, again as in Asio.
///
/// Throws:   usage_error – the loop is closed
/// Lifetime: the loop outlives the operation
/// Threads:  any
/// Like:     asio::co_spawn
template <class T, class Token>
auto spawn(event_loop& loop, coro<T>&& body, Token&& token) {
  static_assert(
      std::is_void_v<T> || (std::is_object_v<T> && std::default_initializable<T>),
      "beside an error the handler gets a T(), so there must be one");
  using signature = typename detail::spawn_signature<T>::type;
  return boost::asio::async_initiate<Token, signature>(detail::initiate_spawn(loop),
                                                       token, std::move(body));
}

/// The same for what else can be awaited.
///
/// Threads: any
template <detail::operation A, class Token>
auto spawn(event_loop& loop, A&& operation, Token&& token) {
  return aio::spawn(loop, detail::as_coro<A>(std::move(operation)),
                    std::forward<Token>(token));
}

/// The same for a callable that returns a coroutine; it lives until the end.
///
/// Threads: any
template <class F, class Token>
requires coroutine_function<F>
auto spawn(event_loop& loop, F&& fn, Token&& token) {
  using result = typename detail::coro_of_call<F>::value_type;
  return aio::spawn(
      loop, detail::invoke_in_frame<result, std::decay_t<F>>(std::forward<F>(fn)),
      std::forward<Token>(token));
}

}  // namespace aio
