// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// An open file as the loop sees it: whose turn it is, and calls in threads.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/exception_context.hpp>
#include <aio/core/loop.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/files/detail/file_core.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/threads.hpp>
#include <aio/sync/event.hpp>
#include <aio/sync/lock.hpp>
#include <aio/task/future.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace aio::detail {

/// Operations on a file come one after the other, in the order of their awaits.
class file_state final : public ref_counted {
 public:
  explicit file_state(std::shared_ptr<file_core> core) : core_(std::move(core)) {
    is_idle_.set();
  }

  /// What nobody closed is closed here, by the loop's own thread.
  ~file_state() override {
    // A thread that still works on it closes it when it is done.
    if (!is_idle_.is_set() || !core_->is_open() || !core_->options().closefd) return;
    std::exception_ptr error;
    const bool lost = core_->has_unwritten();
    try {
      core_->close();
    } catch (...) {
      error = std::current_exception();
    }
    loop_core* const loop = loop_core::running();
    if (loop == nullptr || (!error && !loop->debug())) return;
    loop->call_exception_handler({"the file '" + core_->name() + "' was not closed" +
                                      (lost ? ", although it had been written to" : ""),
                                  error,
                                  {}});
  }

  file_core& core() noexcept { return *core_; }

  /// Waits for the calls before this one, and for a thread that goes on with one that
  /// was cancelled.
  ///
  /// Cancellation: leaves the line.
  class turn {
   public:
    explicit turn(lock::guard held) noexcept : held_(std::move(held)) {}

   private:
    lock::guard held_;
  };
  coro<turn> begin() {
    lock::guard held = co_await lock_.scoped();
    co_await is_idle_.wait();
    co_return turn(std::move(held));
  }

  /// Awaits `work(core)` in a thread.
  ///
  /// Cancellation: stops waiting; the thread goes on, and the next call waits for it.
  template <class Work>
  coro<> in_thread(Work work) {
    auto call = [core = core_, work = std::move(work)]() noexcept {
      std::exception_ptr error;
      try {
        work(*core);
      } catch (...) {
        error = std::current_exception();
      }
      return error;
    };
    const future<std::exception_ptr> result =
        get_running_loop().run_in_executor(std::move(call));
    is_idle_.clear();
    const intrusive_ptr<file_state> self(this);
    result.add_done_callback(
        [self](const future<std::exception_ptr>&) { self->is_idle_.set(); });
    co_await is_idle_.wait();
    if (std::exception_ptr error = result.result()) std::rethrow_exception(error);
  }

  void check_open() const {
    if (core_->is_open()) return;
    throw usage_error("'" + core_->name() + "' is closed: nothing can be done with it");
  }
  void check_readable() const {
    check_open();
    if (core_->mode().reads) return;
    throw usage_error("'" + core_->name() + "' was opened with the mode '" +
                      core_->mode().text + "', which does not read");
  }
  void check_writable() const {
    check_open();
    if (core_->mode().writes) return;
    throw usage_error("'" + core_->name() + "' was opened with the mode '" +
                      core_->mode().text + "', which does not write");
  }

 private:
  std::shared_ptr<file_core> core_;
  lock lock_;
  event is_idle_;
};

using file_ptr = intrusive_ptr<file_state>;

}  // namespace aio::detail
