// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Runs a coroutine on the loop of another thread.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/task/task.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace aio {
namespace detail {

/// A call between the thread that waits and the loop. Whoever settles it first, the
/// loop or a cancel, decides; the task is touched by the loop's thread only.
template <class T>
class threadsafe_call {
 public:
  explicit threadsafe_call(loop_core& loop) noexcept : loop_(loop) {}

  std::future<T> get_future() { return promise_.get_future(); }

  /// Sets the promise, by `set(promise)`. False if it is settled already.
  template <class Set>
  bool settle(Set set) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_settled_, true)) return false;
    set(promise_);
    return true;
  }
  bool fail(std::exception_ptr error) {
    return settle([&](std::promise<T>& p) { p.set_exception(std::move(error)); });
  }

  bool cancelled() const {
    const std::lock_guard lock(mutex_);
    return is_cancelled_;
  }

  /// Any thread. Until it is settled the loop is alive: its end settles it.
  static bool cancel(const std::shared_ptr<threadsafe_call>& call) {
    const std::lock_guard lock(call->mutex_);
    if (call->is_settled_) return call->is_cancelled_;
    call->is_settled_ = call->is_cancelled_ = true;
    call->promise_.set_exception(std::make_exception_ptr(cancelled_error()));
    auto stop = [call] {
      if (call->task) call->task.cancel();
    };
    auto node = std::make_unique<posted_callback<decltype(stop)>>(call->loop_, stop);
    if (call->loop_.push_threadsafe(*node)) node.release();
    return true;
  }

  void set_cancelled() noexcept {
    const std::lock_guard lock(mutex_);
    if (!is_settled_) is_cancelled_ = true;
  }

  any_task task;  ///< the loop's thread

 private:
  loop_core& loop_;
  mutable std::mutex mutex_;
  std::promise<T> promise_;
  bool is_settled_ = false;
  bool is_cancelled_ = false;
};

/// Belongs to the coroutine that makes the call: goes with it, however that ends, and
/// even if it never began.
template <class T>
class threadsafe_work {
 public:
  threadsafe_work(std::shared_ptr<threadsafe_call<T>> of, coro<T> what) noexcept
      : call(std::move(of)), body(std::move(what)) {}
  threadsafe_work(threadsafe_work&&) noexcept = default;
  threadsafe_work& operator=(threadsafe_work&&) = delete;
  ~threadsafe_work() {
    if (!call) return;
    body.close();
    call->task = any_task();
    call->set_cancelled();
    call->fail(std::make_exception_ptr(cancelled_error("the loop was closed")));
  }

  std::shared_ptr<threadsafe_call<T>> call;
  coro<T> body;
};

template <class T>
coro<> perform_threadsafe(threadsafe_work<T> work) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work.body);
      work.call->settle([](std::promise<void>& p) { p.set_value(); });
    } else {
      T value = co_await std::move(work.body);
      work.call->settle(
          [&](std::promise<T>& p) { p.set_value(std::forward<T>(value)); });
    }
  } catch (const cancelled_error&) {
    work.call->set_cancelled();
    work.call->fail(std::current_exception());
    throw;
  } catch (...) {
    work.call->fail(std::current_exception());
    if (holds<keyboard_interrupt>(std::current_exception())) throw;
  }
}

/// The first callback on the loop, which may never run.
template <class T>
struct start_threadsafe {
  start_threadsafe(std::shared_ptr<threadsafe_call<T>> of, loop_core& on, coro<> body)
      : call(std::move(of)), loop(on), performing(std::move(body)) {}
  start_threadsafe(start_threadsafe&&) noexcept = default;
  ~start_threadsafe() { performing.close(); }

  void operator()() {
    const task<> started(start_task(loop, performing));
    if (!started.done()) call->task = started.any();  // an eager one may be
  }

  std::shared_ptr<threadsafe_call<T>> call;
  loop_core& loop;
  coro<> performing;
};

}  // namespace detail

/// What another thread waits for: a std::future that can be cancelled.
///
/// Threads: any, one at a time
/// Like:    concurrent.futures.Future
template <class T>
class thread_future : public std::future<T> {
 public:
  thread_future() noexcept = default;
  explicit thread_future(std::shared_ptr<detail::threadsafe_call<T>> call)
      : std::future<T>(call->get_future()), call_(std::move(call)) {}

  /// Waits for the value, and yields it once, as get() does.
  ///
  /// Throws: what the coroutine threw; timeout_error – `limit` is over, and nothing is
  ///         cancelled; cancelled_error
  T result(time_limit limit = no_limit) {
    if (limit.has_value() &&
        this->wait_for(limit.value()) != std::future_status::ready) {
      throw timeout_error();
    }
    return this->get();
  }

  bool done() const {
    return !this->valid() ||
           this->wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  /// Ends with a cancelled_error at once, and asks the coroutine to stop. False if it
  /// is done.
  bool cancel() const { return call_ && detail::threadsafe_call<T>::cancel(call_); }
  bool cancelled() const { return call_ && call_->cancelled(); }

 private:
  std::shared_ptr<detail::threadsafe_call<T>> call_;
};

/// Runs `body` as a task of `loop`, which runs in another thread, with a copy of the
/// context variables of this one.
///
///     std::future<int> answer = aio::run_coroutine_threadsafe(compute(), loop);
///     int n = answer.get();                       // blocks this thread
///
/// Takes:   a loop that stays alive during the call. Do not wait for the future on the
///          loop's own thread: that would wait for ever.
/// Returns: a future with the coroutine's value or exception; cancelled_error if the
///          task is cancelled or the loop is closed before its end
/// Throws:  usage_error – the loop is closed
/// Like:    asyncio.run_coroutine_threadsafe
template <class T>
thread_future<T> run_coroutine_threadsafe(coro<T>&& body, event_loop& loop) {
  auto call = std::make_shared<detail::threadsafe_call<T>>(loop.core());
  thread_future<T> answer(call);
  coro<> performing =
      detail::perform_threadsafe(detail::threadsafe_work<T>(call, std::move(body)));
  loop.call_soon_threadsafe(
      detail::start_threadsafe<T>(std::move(call), loop.core(), std::move(performing)));
  return answer;
}

}  // namespace aio
