// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// One loop per core: run_workers.

#pragma once

#include <aio/io/run.hpp>
#include <aio/task/end_of.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

/// Workers that end together if one of them fails: in the calling thread, which takes
/// Ctrl-C and stays to the end, and in others.
template <class F>
class worker_crew {
 public:
  worker_crew(F& serve, const run_options& options)
      : serve_(serve), options_(options) {}

  /// The main task of the calling thread.
  coro<> lead(std::size_t others) {
    event_loop& loop = get_running_loop();
    left_ = others;
    all_ended_ = loop.create_future();
    if (others == 0) all_ended_.set_result();
    std::vector<std::jthread> threads;
    std::exception_ptr error;
    try {
      threads.reserve(others);
      while (threads.size() < others) {
        threads.emplace_back([this, &loop] { follow(loop); });
      }
      co_await serve_as_member();
    } catch (...) {
      error = std::current_exception();
    }
    if (error) fail(error);
    bool have_all_ended = threads.size() < others;  // they will not: some never began
    while (!have_all_ended) {
      try {
        co_await end_of(*all_ended_.required());
        have_all_ended = true;
      } catch (const cancelled_error&) {
        error = std::current_exception();
      }
      if (error) fail(error);
    }
    threads.clear();
    if (first_error_) std::rethrow_exception(first_error_);
  }

 private:
  /// A main task while it runs; used on its own thread only.
  class member {
   public:
    explicit member(worker_crew& crew)
        : crew_(crew),
          loop_(get_running_loop()),
          task_(std::make_shared<any_task>(current_task())) {
      const std::lock_guard lock(crew.mutex_);
      if (crew.first_error_) throw cancelled_error(message);
      crew.members_.push_back(this);
    }
    member(const member&) = delete;
    member& operator=(const member&) = delete;
    ~member() {
      const std::lock_guard lock(crew_.mutex_);
      std::erase(crew_.members_, this);
      *task_ = any_task();
    }

    void stop() {
      loop_.call_soon_threadsafe([task = task_] {
        if (*task) task->cancel(message);
      });
    }

   private:
    static constexpr const char* message = "another worker has ended with an error";

    worker_crew& crew_;
    event_loop& loop_;
    std::shared_ptr<any_task> task_;
  };

  coro<> serve_as_member() {
    const member self(*this);
    try {
      co_await std::invoke(serve_);
    } catch (const cancelled_error&) {
      throw;
    } catch (...) {
      // At once: what this one closes now makes others fail, which then are not first.
      fail(std::current_exception());
      throw;
    }
  }

  void follow(event_loop& leader) noexcept {
    try {
      runner one(options_);
      one.run(serve_as_member());
      one.close();
    } catch (...) {
      fail(std::current_exception());
    }
    if (--left_ == 0) leader.call_soon_threadsafe([this] { all_ended_.set_result(); });
  }

  /// The first one counts, and stops all.
  void fail(std::exception_ptr error) noexcept {
    const std::lock_guard lock(mutex_);
    if (first_error_) return;
    first_error_ = std::move(error);
    for (member* one : members_) one->stop();
  }

  F& serve_;
  const run_options& options_;
  std::atomic<std::size_t> left_ = 0;
  future<void> all_ended_;
  std::mutex mutex_;
  std::vector<member*> members_;
  std::exception_ptr first_error_;
};

}  // namespace detail

/// Runs `serve()` in `n` threads, each on a loop of its own, until all have ended; the
/// calling thread is one of them. With n = 0, one for each core.
///
///     aio::run_workers(0, [] { return serve(); });  // start_server with .reuse_port
///
/// What the loops share, the program must protect: they are threads. One talks to
/// another with call_soon_threadsafe() or run_coroutine_threadsafe().
///
/// If one fails, or on Ctrl-C, the others are cancelled and waited for.
///
/// Takes:  a callable that returns a coroutine; it is called once in each thread
/// Throws: the first error; keyboard_interrupt; usage_error – a loop runs in this
/// thread
template <class F>
requires coroutine_function<F&>
void run_workers(std::size_t n, F serve, run_options options = {}) {
  detail::check_no_loop_runs();
  if (n == 0) n = std::max(1U, std::thread::hardware_concurrency());
  detail::worker_crew<F> crew(serve, options);
  run(crew.lead(n - 1), options);
}

}  // namespace aio
