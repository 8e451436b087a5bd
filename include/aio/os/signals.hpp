// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Signals of the process as callbacks of a loop, and awaited.

#pragma once

#include <aio/core/context.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/io/signal_station.hpp>
#include <aio/sync/queue.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace aio {
namespace detail {

class signal_service;

/// Somebody who is told of signals until it goes.
class signal_listener {
 public:
  signal_listener(const signal_listener&) = delete;
  signal_listener& operator=(const signal_listener&) = delete;

  virtual void heard(int number) = 0;

 protected:
  explicit signal_listener(signal_numbers numbers) noexcept : numbers_(numbers) {}
  ~signal_listener() { stop_listening(); }

  void listen_on(event_loop& loop);
  void stop_listening() noexcept;

 private:
  friend class signal_service;
  signal_numbers numbers_;
  signal_service* service_ = nullptr;  ///< null: the loop has ended
};

/// Those of one loop who are told of signals: one handler for each, any listeners.
class signal_service final : public loop_service {
  using callback = move_only_function<void()>;

  /// Shared with its calls: it may replace itself.
  struct handler {
    callback call;
    context variables = copy_context();
  };

 public:
  explicit signal_service(event_loop& loop)
      : loop_(loop), station_(loop.asio(), [this](int number) { heard(number); }) {}
  ~signal_service() override {
    for (signal_listener* one : listeners_) one->service_ = nullptr;
  }

  void add(int number, callback call) {
    station_.want(number);
    handler_of(number) = std::make_shared<handler>(handler{std::move(call)});
  }
  bool remove(int number) {
    signal_numbers::bit_of(number);
    if (!std::exchange(handler_of(number), nullptr)) return false;
    drop_if_unwanted(number);
    return true;
  }

  void add(signal_listener& listener) {
    listeners_.push_back(&listener);
    listener.service_ = this;
    for_each(listener, [&](int number) { station_.want(number); });
  }
  void remove(signal_listener& listener) noexcept {
    std::erase(listeners_, &listener);
    listener.service_ = nullptr;
    for_each(listener, [&](int number) { drop_if_unwanted(number); });
  }

 private:
  std::shared_ptr<handler>& handler_of(int number) {
    return handlers_[static_cast<std::size_t>(number - 1)];
  }

  template <class F>
  static void for_each(const signal_listener& listener, F f) {
    for (int number = 1; number <= signal_numbers::last; ++number) {
      if (listener.numbers_.has(number)) f(number);
    }
  }

  void drop_if_unwanted(int number) noexcept {
    const auto wants = [&](const signal_listener* one) {
      return one->numbers_.has(number);
    };
    if (handler_of(number) || std::ranges::any_of(listeners_, wants)) return;
    station_.drop(number);
  }

  void heard(int number) {
    if (const std::shared_ptr<handler>& present = handler_of(number)) {
      loop_.call_soon({.context = present->variables},
                      [weak = std::weak_ptr<handler>(present)] {
                        const std::shared_ptr<handler> still = weak.lock();
                        if (still) still->call();
                      });
    }
    for (signal_listener* one : listeners_) {
      if (one->numbers_.has(number)) one->heard(number);
    }
  }

  event_loop& loop_;
  std::array<std::shared_ptr<handler>, signal_numbers::last> handlers_;
  std::vector<signal_listener*> listeners_;
  signal_station station_;
};

inline void signal_listener::listen_on(event_loop& loop) {
  loop.use_service<signal_service>().add(*this);
}
inline void signal_listener::stop_listening() noexcept {
  if (service_ != nullptr) service_->remove(*this);
}

}  // namespace detail

/// Calls `f(args...)` as a callback of this loop whenever the signal comes, with the
/// context variables of now; replaces an earlier handler for it. The handlers of a loop
/// end with it, and what was there before them is back.
///
/// Throws: std::invalid_argument – no such signal; usage_error – SIGKILL, SIGSTOP, or
///         the loop is closed
/// Like:   loop.add_signal_handler, but on any thread
template <class F, class... Args>
requires std::invocable < std::decay_t<F>
&, std::decay_t<Args>&... >
       void event_loop::add_signal_handler(int number, F&& f, Args&&... args) {
  check();
  use_service<detail::signal_service>().add(
      number, detail::bind_for_many(std::forward<F>(f), std::forward<Args>(args)...));
}

/// Returns whether there was a handler.
///
/// Throws: std::invalid_argument – no such signal
inline bool event_loop::remove_signal_handler(int number) {
  return use_service<detail::signal_service>().remove(number);
}

/// Signals one after the other. Their default actions are off while it lives; Ctrl-C
/// does not cancel the main task if SIGINT is among them. Whoever else wants the same
/// signals gets them as well.
///
///     aio::signal_stream signals(SIGHUP, SIGTERM);
///     for (;;) {
///       const int number = co_await signals.next();
///       if (number == SIGTERM) break;
///       reload();
///     }
///
/// Throws: usage_error – no running loop, or a signal that cannot be caught;
///         std::invalid_argument – no such signal
class signal_stream final : private detail::signal_listener {
 public:
  template <class... Number>
  requires(sizeof...(Number) > 0 &&
           (std::same_as<Number, int> && ...)) explicit signal_stream(Number... numbers)
      : signal_stream(signal_numbers(numbers...)) {}
  explicit signal_stream(signal_numbers numbers) : signal_listener(numbers) {
    listen_on(get_running_loop());
  }

  /// Waits for the next one, and yields its number; those that came before are kept.
  ///
  /// Cancellation: stops waiting; nothing is lost.
  /// Throws:       cancelled_error
  auto next() { return came_.get(); }

 private:
  void heard(int number) override { came_.put_nowait(number); }

  queue<int> came_;
};

namespace detail {

inline coro<int> next_of(std::unique_ptr<signal_stream> signals) {
  co_return co_await signals->next();
}

}  // namespace detail

/// Waits for one of the signals, and yields its number. Their default actions are off
/// from the call on, until the wait has ended; Ctrl-C does not cancel the main task if
/// SIGINT is among them.
///
///     co_await aio::wait_signal(SIGINT, SIGTERM);
///     server.close();
///
/// Cancellation: the signals have their former actions again.
/// Throws:       cancelled_error; see signal_stream
template <class... Number>
requires(sizeof...(Number) > 0 &&
         (std::same_as<Number, int> && ...)) coro<int> wait_signal(Number... numbers) {
  return detail::next_of(std::make_unique<signal_stream>(numbers...));
}

}  // namespace aio
