// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Signals of the process as callbacks of a loop, and awaited.

#pragma once

#include <aio/coro/coro.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/task/future.hpp>

#include <boost/asio/signal_set.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

/// The handlers of one loop; Asio delivers.
class signal_handlers final : public loop_service {
  using callback = move_only_function<void()>;

  struct entry {
    entry(event_loop& loop, callback f) : set(loop.io_context()), call(std::move(f)) {}

    boost::asio::signal_set set;
    callback call;
  };

 public:
  explicit signal_handlers(event_loop& loop) : loop_(loop) {}

  ~signal_handlers() override {
    while (!entries_.empty()) remove(entries_.begin()->first);
  }

  void add(int number, callback call) {
    if (number == SIGKILL || number == SIGSTOP) {
      throw usage_error("signal " + std::to_string(number) + " cannot be caught");
    }
    if (number < 1 || number >= NSIG) {
      throw std::invalid_argument("no such signal: " + std::to_string(number));
    }
    if (const auto found = entries_.find(number); found != entries_.end()) {
      found->second->call = std::move(call);
      return;
    }
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    auto made = std::make_shared<entry>(loop_, std::move(call));
    made->set.add(number);
    wait(made);
    entries_.emplace(number, std::move(made));
    before_.emplace(number, before);
  }

  bool remove(int number) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return false;
    found->second->call = nullptr;
    entries_.erase(found);  // Asio restores the default action
    const auto before = before_.extract(number);
    ::sigaction(number, &before.mapped(), nullptr);
    return true;
  }

 private:
  void wait(const std::shared_ptr<entry>& of) {
    of->set.async_wait([this, weak = std::weak_ptr<entry>(of)](
                           boost::system::error_code error, int) {
      const std::shared_ptr<entry> alive = weak.lock();
      if (error || !alive) return;
      loop_.call_soon([weak] {
        const std::shared_ptr<entry> still = weak.lock();
        if (still && still->call) still->call();
      });
      wait(alive);
    });
  }

  event_loop& loop_;
  std::map<int, std::shared_ptr<entry>> entries_;
  std::map<int, struct sigaction> before_;
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

template <std::size_t N>
coro<int> wait_for_signal(std::array<int, N> numbers) {
  signal_watch watch(get_running_loop(), numbers);
  co_return co_await watch.came;
}

}  // namespace detail

/// Calls `f(args...)` as a callback of this loop whenever the signal comes; replaces an
/// earlier handler for it. The handlers of a loop end with it, and what was there before
/// them is back.
///
/// Throws: std::invalid_argument – no such signal; usage_error – SIGKILL, SIGSTOP, or
///         the loop is closed
/// Like:   loop.add_signal_handler, but on any thread
template <class F, class... Args>
  requires detail::callback_for<F, Args...>
void event_loop::add_signal_handler(int number, F&& f, Args&&... args) {
  check();
  use_service<detail::signal_handlers>().add(
      number, detail::bind_arguments(std::forward<F>(f), std::forward<Args>(args)...));
}

/// Returns whether there was a handler.
inline bool event_loop::remove_signal_handler(int number) {
  return use_service<detail::signal_handlers>().remove(number);
}

/// Waits for one of the signals, and yields its number. Their default actions are off
/// meanwhile; Ctrl-C does not cancel the main task if SIGINT is among them.
///
///     co_await aio::wait_signal(SIGINT, SIGTERM);
///     server.close();
///
/// Cancellation: the signals have their former actions again.
/// Throws:       cancelled_error; see add_signal_handler
template <std::same_as<int>... Number>
  requires(sizeof...(Number) > 0)
coro<int> wait_signal(Number... numbers) {
  return detail::wait_for_signal(std::array<int, sizeof...(Number)>{numbers...});
}

}  // namespace aio
