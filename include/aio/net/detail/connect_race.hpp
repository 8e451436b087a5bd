// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Connects to the addresses of a host, one after the other or in a race.

#pragma once

#include <aio/core/exception_group.hpp>
#include <aio/core/timer_heap.hpp>
#include <aio/coro/coro.hpp>
#include <aio/coro/suspension.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/net/connect_error.hpp>
#include <aio/net/detail/native_socket.hpp>
#include <aio/net/endpoint.hpp>
#include <aio/net/options.hpp>
#include <aio/net/resolve.hpp>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace aio::detail {

struct connected_socket {
  descriptor fd;
  endpoint peer;
};

/// The failures of all addresses so far.
class connect_failures {
 public:
  void add(const endpoint& to, boost::system::error_code code, std::string text) {
    // Without the place in Asio that it remembers: users look for theirs.
    const boost::system::error_code plain(code.value(), code.category());
    errors_.push_back(connect_error({{to, plain}}, std::move(text)));
  }

  [[noreturn]] void throw_all(bool as_group) const {
    if (as_group) throw_group();
    const std::string first = errors_.front().what();
    const bool all_equal =
        std::all_of(errors_.begin(), errors_.end(),
                    [&](const connect_error& one) { return one.what() == first; });
    std::string text = all_equal ? first : "Multiple exceptions: ";
    std::vector<connect_error::failure> failures;
    for (const connect_error& one : errors_) {
      failures.push_back(one.failures().front());
      if (all_equal) continue;
      if (failures.size() > 1) text += ", ";
      text += one.what();
    }
    throw connect_error(std::move(failures), std::move(text));
  }

 private:
  [[noreturn]] void throw_group() const {
    std::vector<std::exception_ptr> all;
    for (const connect_error& one : errors_) {
      all.push_back(std::make_exception_ptr(one));
    }
    throw exception_group("create_connection failed", std::move(all));
  }

  std::vector<connect_error> errors_;
};

/// A socket of the family of `to`, bound to the first of `locals` that allows it.
///
/// Throws: boost::system::system_error
inline descriptor open_to_connect(const endpoint& to, int proto,
                                  const std::optional<tcp_endpoints>& locals) {
  const int family = to.native().protocol().family();
  descriptor fd = open_socket(family, SOCK_STREAM, proto);
  if (!locals) return fd;
  boost::system::error_code error =
      make_error_code(boost::system::errc::address_not_available);
  std::string doing = "no matching local address to connect to " + to_string(to);
  for (const auto& one : *locals) {
    if (one.protocol().family() != family) continue;
    const socket_address address{endpoint(one)};
    if (::bind(fd.get(), address.data(), address.size()) == 0) return fd;
    error = last_error();
    doing = "cannot bind to " + to_string(endpoint(one));
  }
  throw_error(error, doing);
}

/// None: one after the other.
inline std::optional<duration> race_delay(const connect_options& options) {
  const time_limit& given = options.happy_eyeballs;
  if (!given.has_value() || given.value() <= duration::zero()) return std::nullopt;
  return given.value();
}

/// Attempts to connect, each of which is begun when the one before it has failed or,
/// in a race, has not answered for a while. The first that succeeds wins.
class connect_race {
  class waiter;

 public:
  connect_race(event_loop& loop, tcp_endpoints candidates,
               std::optional<tcp_endpoints> locals, const connect_options& options)
      : loop_(loop.core()),
        driver_(loop.asio()),
        candidates_(std::move(candidates)),
        locals_(std::move(locals)),
        options_(options),
        delay_(race_delay(options)),
        attempts_(std::make_unique<attempt[]>(candidates_.size())) {}

  /// Begins what is due. True when it is decided.
  bool go_on() {
    while (winner_ == nullptr && begun_ < candidates_.size() &&
           next_due_ <= loop_.time()) {
      begin_next();
    }
    return winner_ != nullptr || running_ == 0;
  }

  /// Awaits that go_on() has something to do.
  class [[nodiscard]] news {
   public:
    explicit news(connect_race& of) noexcept : of_(of) {}
    auto operator co_await() && { return waiter(of_); }

   private:
    connect_race& of_;
  };

  /// Throws: connect_error, exception_group
  connected_socket take_winner() {
    if (winner_ == nullptr) failures_.throw_all(options_.all_errors);
    return {std::move(winner_->fd), std::move(winner_->peer)};
  }

 private:
  struct attempt final : watcher {
    ~attempt() { stop_watching(); }

    void ready(std::uint32_t) override { of->decided(*this); }

    void stop_watching() noexcept {
      if (std::exchange(is_watched, false)) of->driver_.unwatch(fd.get(), *this);
    }

    connect_race* of = nullptr;
    descriptor fd;
    endpoint peer;
    bool is_watched = false;
  };

  class waiter final : public suspension {
   public:
    explicit waiter(connect_race& of) : of_(of) {
      of_.waiter_ = this;
      if (of_.begun_ < of_.candidates_.size() && of_.next_due_ != never) {
        of_.loop_.arm(limit_, of_.next_due_);
      }
    }
    ~waiter() {
      of_.loop_.disarm(limit_);
      of_.waiter_ = nullptr;
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      park(frame.promise());
    }
    void await_resume() { throw_if_cancelled(); }

    void decided() noexcept {
      if (is_woken()) return;
      is_told_ = true;
      of_.loop_.disarm(limit_);
      wake();
    }

   private:
    bool is_woken() const noexcept { return is_told_ || limit_.has_fired(); }

    bool cancel() noexcept override {
      if (is_woken()) return false;
      is_told_ = true;  // an attempt may be decided before the task runs
      of_.loop_.disarm(limit_);
      call_off();
      return true;
    }

    connect_race& of_;
    timer limit_{*this};
    bool is_told_ = false;
  };

  void begin_next() {
    attempt& next = attempts_[begun_++];
    next.of = this;
    next.peer = endpoint(candidates_[begun_ - 1]);
    next_due_ = delay_ ? deadline_after(loop_.time(), *delay_) : never;
    try {
      next.fd = open_to_connect(next.peer, options_.proto, locals_);
    } catch (const boost::system::system_error& error) {
      return failed(next, error.code(), error.what());
    }
    const auto error = start_connecting(next.fd.get(), socket_address(next.peer));
    if (error == boost::system::errc::operation_in_progress) {
      driver_.watch(next.fd.get(), EPOLLOUT, next);
      next.is_watched = true;
      ++running_;
    } else {
      ended(next, error);
    }
  }

  void decided(attempt& one) {
    one.stop_watching();
    --running_;
    ended(one, pending_error(one.fd.get()));
    if (waiter_ != nullptr) waiter_->decided();
  }

  void ended(attempt& one, boost::system::error_code error) {
    if (error) {
      return failed(
          one, error,
          "cannot connect to " + to_string(one.peer) + ": " + error.message());
    }
    if (winner_ == nullptr) winner_ = &one;
  }

  void failed(attempt& one, boost::system::error_code error, std::string text) {
    failures_.add(one.peer, error, std::move(text));
    one.fd = descriptor();
    if (&one == &attempts_[begun_ - 1]) next_due_ = time_point::min();
  }

  loop_core& loop_;
  asio_driver& driver_;
  const tcp_endpoints candidates_;
  const std::optional<tcp_endpoints> locals_;
  const connect_options& options_;
  const std::optional<duration> delay_;
  std::unique_ptr<attempt[]> attempts_;
  std::size_t begun_ = 0;
  std::size_t running_ = 0;
  time_point next_due_ = time_point::min();
  attempt* winner_ = nullptr;
  waiter* waiter_ = nullptr;
  connect_failures failures_;
};

/// The families take turns after `first_count` addresses of the first one.
///
/// Like: RFC 8305 §4
inline void interleave_families(tcp_endpoints& all, int first_count) {
  std::vector<tcp_endpoints> families;
  for (const auto& one : all) {
    auto same = std::find_if(families.begin(), families.end(), [&](const auto& f) {
      return f.front().protocol() == one.protocol();
    });
    if (same == families.end()) same = families.emplace(same);
    same->push_back(one);
  }
  if (families.size() < 2) return;
  all.clear();
  const auto begin = families[0].begin();
  const auto head =
      begin + std::min<std::ptrdiff_t>(first_count - 1, families[0].end() - begin);
  all.assign(begin, head);
  families[0].erase(begin, head);
  const auto longest = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  const std::size_t rounds =
      std::max_element(families.begin(), families.end(), longest)->size();
  for (std::size_t i = 0; i < rounds; ++i) {
    for (const tcp_endpoints& family : families) {
      if (i < family.size()) all.push_back(family[i]);
    }
  }
}

/// Connects to one of `candidates`.
///
/// Cancellation: closes all sockets.
/// Throws:       connect_error, exception_group; cancelled_error
inline coro<connected_socket> connect_to_any(event_loop& loop, tcp_endpoints candidates,
                                             std::optional<tcp_endpoints> locals,
                                             connect_options options) {
  const int first_count =
      options.interleave.value_or(race_delay(options).has_value() ? 1 : 0);
  if (first_count > 0) interleave_families(candidates, first_count);
  connect_race race(loop, std::move(candidates), std::move(locals), options);
  bool is_decided = race.go_on();
  while (!is_decided) {
    co_await connect_race::news(race);
    is_decided = race.go_on();
  }
  co_return race.take_winner();
}

}  // namespace aio::detail
