// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Threads for look-ups, which may hang for as long as a name server likes.

#pragma once

#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/threads.hpp>

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

namespace aio::detail {

/// A thread for each look-up that is under way, up to many; those without work end
/// after a while. Nobody waits for them: what they share belongs to all of them, so
/// that a look-up may outlive the loop and even main().
///
/// Why not the default executor: names that hang would keep its few threads, and its
/// end waits for them.
class resolver_pool final : public loop_service {
 public:
  explicit resolver_pool(event_loop& loop) : loop_(loop.core()) {}
  ~resolver_pool() override { crew_->close(); }

  /// Calls `f` in a thread.
  ///
  /// Returns: the future of what it yields; cancelling it stops only the waiting
  /// Throws:  std::system_error – no thread can be had
  template <class F>
  auto run(F f) {
    using call = thread_call<std::invoke_result_t<F>, F>;
    auto made = std::make_unique<call>(loop_, std::move(f));
    auto result = made->start(loop_);
    crew_->take([c = std::move(made)]() mutable { call::perform(std::move(c)); });
    return result;
  }

 private:
  using job = move_only_function<void()>;

  class crew : public std::enable_shared_from_this<crew> {
   public:
    void take(job work) {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(work));
      if (jobs_.size() <= idle_) return work_came_.notify_one();
      if (threads_ == most_threads) return;
      try {
        start_thread();
        ++threads_;
      } catch (const std::system_error&) {
        if (threads_ > 0) return;  // one of them will come to it
        jobs_.pop_back();
        throw;
      }
    }

    void close() noexcept {
      std::deque<job> dropped;
      {
        const std::lock_guard lock(mutex_);
        is_closed_ = true;
        dropped.swap(jobs_);
      }
      work_came_.notify_all();
    }

   private:
    // Signals are for the threads of the program.
    void start_thread() {
      sigset_t all;
      sigset_t before;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_SETMASK, &all, &before);
      const scope_exit restore(
          [&before] { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });
      std::thread([self = shared_from_this()] { self->work(); }).detach();
    }

    void work() {
      ::pthread_setname_np(::pthread_self(), "aio resolver");
      std::unique_lock lock(mutex_);
      while (wait_for_work(lock)) {
        job mine = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        mine();
        mine = nullptr;
        lock.lock();
      }
      --threads_;
    }

    bool wait_for_work(std::unique_lock<std::mutex>& lock) {
      if (!jobs_.empty()) return true;
      ++idle_;
      work_came_.wait_for(lock, longest_rest,
                          [this] { return is_closed_ || !jobs_.empty(); });
      --idle_;
      return !jobs_.empty();
    }

    static constexpr std::size_t most_threads = 128;
    static constexpr auto longest_rest = std::chrono::seconds(5);

    std::mutex mutex_;
    std::condition_variable work_came_;
    std::deque<job> jobs_;
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
    bool is_closed_ = false;
  };

  loop_core& loop_;
  const std::shared_ptr<crew> crew_ = std::make_shared<crew>();
};

}  // namespace aio::detail
