// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Signals of the process as callbacks of a loop, and awaited.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/task/future.hpp>

#include <boost/asio/signal_set.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

/// While one lives, the signal is handled; after the last of all loops what it did
/// before is back.
class former_action {
 public:
  explicit former_action(int number) : number_(static_cast<std::size_t>(number)) {
    const std::lock_guard lock(mutex_);
    if (kept_[number_].users++ > 0) return;
    ::sigaction(number, nullptr, &kept_[number_].action);
  }
  former_action(const former_action&) = delete;
  former_action& operator=(const former_action&) = delete;
  ~former_action() {
    const std::lock_guard lock(mutex_);
    if (--kept_[number_].users > 0) return;
    ::sigaction(static_cast<int>(number_), &kept_[number_].action, nullptr);
  }

 private:
  struct kept {
    std::size_t users;
    struct sigaction action;
  };
  static inline std::mutex mutex_;
  static inline std::array<kept, NSIG> kept_{};

  std::size_t number_;
};

/// The handlers of one loop; Asio delivers.
class signal_handlers final : public loop_service {
  using callback = move_only_function<void()>;

  struct entry {
    entry(event_loop& loop, int number) : before(number), set(loop.io_context()) {
      set.add(number);
    }

    former_action before;
    boost::asio::signal_set set;
    std::shared_ptr<callback> call;  // shared with its calls: it may replace itself
  };

 public:
  explicit signal_handlers(event_loop& loop) : loop_(loop) {}

  void add(int number, callback call) {
    check_number(number);
    if (number == SIGKILL || number == SIGSTOP) {
      throw usage_error("signal " + std::to_string(number) + " cannot be caught");
    }
    std::shared_ptr<entry>& made = entries_[number];
    if (!made) {
      const scope_exit forget_if_failed([&] {
        if (!made) entries_.erase(number);
      });
      made = std::make_shared<entry>(loop_, number);
      wait(made);
    }
    made->call = std::make_shared<callback>(std::move(call));
  }

  bool remove(int number) {
    check_number(number);
    return entries_.erase(number) > 0;
  }

 private:
  static void check_number(int number) {
    if (number < 1 || number >= NSIG) {
      throw std::invalid_argument("no such signal: " + std::to_string(number));
    }
  }

  void wait(const std::shared_ptr<entry>& of) {
    of->set.async_wait(
        [this, weak = std::weak_ptr<entry>(of)](boost::system::error_code error, int) {
          const std::shared_ptr<entry> alive = weak.lock();
          if (error || !alive) return;
          loop_.call_soon([weak] {
            std::shared_ptr<callback> call;
            if (const std::shared_ptr<entry> still = weak.lock()) call = still->call;
            if (call) (*call)();
          });
          wait(alive);
        });
  }

  event_loop& loop_;
  std::map<int, std::shared_ptr<entry>> entries_;
};

/// While it lives, the signals settle `came`.
class signal_watch {
 public:
  template <std::size_t N>
  signal_watch(event_loop& loop, const std::array<int, N>& numbers)
      : came(loop.create_future<int>()), loop_(loop) {
    for (const int number : numbers) {
      loop.add_signal_handler(number, [f = came, number]() mutable {
        if (!f.done()) f.set_result(number);
      });
      watched_.push_back(number);
    }
  }
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;
  ~signal_watch() {
    for (const int number : watched_) loop_.remove_signal_handler(number);
  }

  future<int> came;

 private:
  event_loop& loop_;
  std::vector<int> watched_;
};

inline coro<int> wait_for_signal(std::unique_ptr<signal_watch> watch) {
  co_return co_await watch->came;
}

}  // namespace detail

/// Calls `f(args...)` as a callback of this loop whenever the signal comes; replaces an
/// earlier handler for it. The handlers of a loop end with it, and what was there
/// before them is back.
///
/// Throws: std::invalid_argument – no such signal; usage_error – SIGKILL, SIGSTOP, or
///         the loop is closed
/// Like:   loop.add_signal_handler, but on any thread
template <class F, class... Args>
requires std::invocable < std::decay_t<F>
&, std::decay_t<Args>&... >
       void event_loop::add_signal_handler(int number, F&& f, Args&&... args) {
  check();
  use_service<detail::signal_handlers>().add(
      number, detail::bind_for_many(std::forward<F>(f), std::forward<Args>(args)...));
}

/// Returns whether there was a handler.
///
/// Throws: std::invalid_argument – no such signal
inline bool event_loop::remove_signal_handler(int number) {
  return use_service<detail::signal_handlers>().remove(number);
}

/// Waits for one of the signals, and yields its number. Their default actions are off
/// from the call on, until the wait has ended; Ctrl-C does not cancel the main task if
/// SIGINT is among them.
///
///     co_await aio::wait_signal(SIGINT, SIGTERM);
///     server.close();
///
/// Cancellation: the signals have their former actions again.
/// Throws:       cancelled_error; see add_signal_handler
template <std::same_as<int>... Number>
requires(sizeof...(Number) > 0) coro<int> wait_signal(Number... numbers) {
  return detail::wait_for_signal(std::make_unique<detail::signal_watch>(
      get_running_loop(), std::array<int, sizeof...(Number)>{numbers...}));
}

}  // namespace aio
