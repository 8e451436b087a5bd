// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Blocking work in other threads: to_thread, run_in_executor.

#pragma once

#include <aio/core/result.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/task/future.hpp>
#include <aio/task/timeout.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace aio {
namespace detail {

/// A call on its way through a thread and back. What the thread owns of it has nothing
/// to do with the loop, which may be gone when the call ends: its result is then
/// dropped.
template <class R, class F>
class thread_call final : public ready_node {
 public:
  thread_call(loop_core& loop, F f)
      : way_back_(loop.mailbox()),
        f_(std::move(f)),
        progress_(std::make_shared<std::atomic<int>>(0)) {}

  /// The loop's thread: the future that gets what the call yields.
  future<R> start(loop_core& loop) {
    intrusive_ptr<waiting> made(new waiting(loop, progress_));
    made_ = made.get();
    return future<R>(made);
  }

  /// The other thread.
  static void perform(std::unique_ptr<thread_call> call) noexcept {
    int queued = 0;
    if (call->progress_->compare_exchange_strong(queued, running)) {
      try {
        if constexpr (std::is_void_v<R>) {
          std::invoke(std::move(*call->f_));
          call->ended_.set_value();
        } else {
          call->ended_.set_value(std::invoke(std::move(*call->f_)));
        }
      } catch (...) {
        call->ended_.set_error(std::current_exception());
      }
      call->f_.reset();
    }
    const std::shared_ptr<inbox> way_back = call->way_back_;
    if (way_back->post(*call)) call.release();
  }

 private:
  static constexpr int running = 1;
  static constexpr int cancelled = 2;

  /// The future, which the loop keeps until the call is back. Cancelling it before a
  /// thread took the call keeps the call from running.
  class waiting final : public future_state<R>, public resident {
   public:
    waiting(loop_core& loop, std::shared_ptr<std::atomic<int>> progress)
        : future_state<R>(loop), progress_(std::move(progress)) {
      this->add_ref();
      loop.add_service(*this);
      ++loop.foreign_operations;
    }

    bool cancel(std::string_view message) override {
      int queued = 0;
      progress_->compare_exchange_strong(queued, thread_call::cancelled);
      return completion::cancel(message);
    }

    void came_back() noexcept {
      resident::unlink();
      --this->loop().foreign_operations;
      this->release();
    }

   private:
    void loop_closing() noexcept override { this->release(); }

    std::shared_ptr<std::atomic<int>> progress_;
  };

  void run() override {
    const std::unique_ptr<thread_call> keep(this);
    const intrusive_ptr<waiting> made(made_);
    made->came_back();
    if (made->done()) return;
    if (std::exception_ptr error = ended_.error()) {
      made->set_error(std::move(error));
    } else if constexpr (std::is_void_v<R>) {
      set_value<R>(*made);
    } else {
      set_value<R>(*made, ended_.take());
    }
  }
  void discard() noexcept override { delete this; }

  std::shared_ptr<inbox> way_back_;
  waiting* made_ = nullptr;  // the loop's thread only
  std::optional<F> f_;
  outcome<R> ended_;
  std::shared_ptr<std::atomic<int>> progress_;  // queued (0), running, cancelled
};

/// The threads behind to_thread; started with the first call.
class default_executor final : public loop_service {
 public:
  explicit default_executor(event_loop&) {}
  ~default_executor() override {
    if (pool_) pool_->join();
  }

  boost::asio::thread_pool& pool() {
    if (is_shut_down_) throw usage_error("the default executor has been shut down");
    if (!pool_) {
      const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
      pool_ = std::make_shared<boost::asio::thread_pool>(std::min(32U, cores + 4));
    }
    return *pool_;
  }

  coro<> shut_down() override { return join(std::chrono::minutes(5)); }

  /// Waits for the calls that are on their way, while the loop goes on.
  coro<> join(time_limit limit) {
    is_shut_down_ = true;
    if (!pool_) co_return;
    loop_core& loop = loop_core::require_running();
    auto wait = [pool = pool_] { pool->join(); };
    auto call = std::make_unique<thread_call<void, decltype(wait)>>(loop, wait);
    future<void> joined = call->start(loop);
    std::thread joiner([c = std::move(call)]() mutable {
      thread_call<void, decltype(wait)>::perform(std::move(c));
    });
    joiner.detach();
    bool in_time = true;
    try {
      co_await wait_for(std::move(joined), limit);
    } catch (const timeout_error&) {
      in_time = false;
    }
    if (!in_time) {
      loop.call_exception_handler(
          {"the executor did not finish joining its threads in time", nullptr, {}});
    }
    pool_.reset();
  }

 private:
  bool is_shut_down_ = false;
  std::shared_ptr<boost::asio::thread_pool> pool_;
};

template <class Pool, class F>
auto submit(loop_core& loop, Pool& pool, F f) {
  using R = std::invoke_result_t<F>;
  using call = thread_call<R, F>;
  auto made = std::make_unique<call>(loop, std::move(f));
  future<R> result = made->start(loop);
  boost::asio::post(pool,
                    [c = std::move(made)]() mutable { call::perform(std::move(c)); });
  return result;
}

}  // namespace detail

/// Calls `f(args...)` in a thread of the loop's default executor.
///
/// Takes:        callable and arguments are decayed and moved; std::ref opts out
/// Returns:      a future with the value, or the exception, of the call
/// Cancellation: of the future: a call that runs goes on and its result is dropped;
///               one that no thread has taken yet never runs.
/// Throws:       usage_error – the loop is closed, or its executor shut down
/// Like:         loop.run_in_executor(None, f, *args)
template <class F, class... Args>
requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
auto event_loop::run_in_executor(F&& f, Args&&... args) {
  check();
  return detail::submit(
      *core_, use_service<detail::default_executor>().pool(),
      detail::bind_arguments(std::forward<F>(f), std::forward<Args>(args)...));
}

/// The same in `pool`: a boost::asio::thread_pool, or any executor or execution context
/// that boost::asio::post takes. It must outlive the call.
///
/// Cancellation: see above
template <class Pool, class F, class... Args>
requires(std::invocable<std::decay_t<F>, std::decay_t<Args>...> &&
         !std::invocable<
             std::decay_t<Pool>, std::decay_t<F>,
             std::decay_t<Args>...>) auto event_loop::run_in_executor(Pool& pool, F&& f,
                                                                      Args&&... args) {
  check();
  return detail::submit(
      *core_, pool,
      detail::bind_arguments(std::forward<F>(f), std::forward<Args>(args)...));
}

/// Waits until the threads of the default executor have ended; no further calls are
/// taken. After `limit` it is reported and given up.
///
/// Cancellation: stops waiting; the threads go on.
/// Like:         loop.shutdown_default_executor
inline coro<> event_loop::shutdown_default_executor(time_limit limit) {
  return use_service<detail::default_executor>().join(limit);
}

namespace detail {

template <class F>
coro<std::invoke_result_t<F>> call_in_thread(F f) {
  auto call = [context = copy_context(), f = std::move(f)]() mutable {
    return context.run(std::move(f));
  };
  co_return co_await get_running_loop().run_in_executor(std::move(call));
}

}  // namespace detail

/// Awaits `f(args...)`, called in another thread with a copy of the context variables.
/// Nothing is called before the await.
///
///     std::string text = co_await aio::to_thread([&] { return read_file(path); });
///
/// Cancellation: see run_in_executor: mind what a call that goes on refers to.
/// Throws:       what the call throws; cancelled_error
/// Like:         asyncio.to_thread
template <class F, class... Args>
requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
auto to_thread(F&& f, Args&&... args) {
  return detail::call_in_thread(
      detail::bind_arguments(std::forward<F>(f), std::forward<Args>(args)...));
}

}  // namespace aio
