// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What the connections of a server share.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/error.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/http/date.hpp>
#include <aio/http/detail/head_parser.hpp>
#include <aio/io/event_loop.hpp>
#include <aio/sync/event.hpp>
#include <aio/task/timeout.hpp>
#include <aio/web/access_logger.hpp>
#include <aio/web/detail/application_state.hpp>
#include <aio/web/detail/deadline_line.hpp>
#include <aio/web/request.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aio::web {

/// What one connection may take.
struct connection_limits {
  /// How long a connection may wait for its next request.
  time_limit keepalive_timeout = std::chrono::seconds(75);
  /// How long a client may take to send the head of a request, from its first byte.
  time_limit header_timeout = std::chrono::seconds(60);
  /// How long nothing may come of a body that a handler reads.
  time_limit body_timeout = std::chrono::seconds(60);
  /// How long the rest of a body is waited for that no handler has read.
  time_limit lingering_time = std::chrono::seconds(10);
  std::size_t max_line_size = 8190;   ///< of the request line and each field
  std::size_t max_head_size = 32768;  ///< of all of them
  std::size_t max_headers = 128;
  /// Requests per connection; 0: any number.
  std::size_t max_requests = 0;
  /// Connections at a time, others are answered 503; 0: any number.
  std::size_t max_connections = 0;
  /// Whether a handler is cancelled when its client is gone.
  bool handler_cancellation = false;
  /// Told of each request; it must outlive the server. Null: nobody.
  access_logger* access_log = nullptr;
};

namespace detail {

struct connection_tag;

/// A connection, as the server sees it.
class served : public aio::detail::list_hook<connection_tag> {
 public:
  /// No further request; ends now if none is under way.
  virtual void begin_shutdown() = 0;
  /// Reading the body of the request fails from now on. Returns whether it has one.
  virtual bool stop_body() = 0;
  /// Ends at once.
  virtual void stop() = 0;

 protected:
  ~served() = default;
};

class server_core {
 public:
  server_core(event_loop& at, std::shared_ptr<application_state> of,
              const connection_limits& with)
      : loop(at),
        app(std::move(of)),
        limits(with),
        idle(at.core(), with.keepalive_timeout),
        heads(at.core(), with.header_timeout),
        bodies(at.core(), with.body_timeout),
        lingering(at.core(), with.lingering_time) {
    gone_.set();
  }

  http::detail::head_limits head_limits() const noexcept {
    return {limits.max_line_size, limits.max_head_size, limits.max_headers};
  }

  std::string_view date() { return date_.now(); }

  // ----- memory that goes from one connection to the next -----

  std::unique_ptr<request> take_request() {
    if (requests_.empty()) return std::make_unique<request>();
    auto one = std::move(requests_.back());
    requests_.pop_back();
    return one;
  }
  void give_back(std::unique_ptr<request> one) {
    one->parts().clear();
    if (requests_.size() < kept_requests) requests_.push_back(std::move(one));
  }

  std::string take_output() noexcept { return std::move(output_); }
  void give_back(std::string output) noexcept {
    if (output.capacity() > kept_output) return;
    output.clear();
    output_ = std::move(output);
  }

  // ----- connections -----

  bool is_full() const noexcept {
    return limits.max_connections != 0 && count_ >= limits.max_connections;
  }
  void add(served& one) {
    connections_.push_back(one);
    ++count_;
    gone_.clear();
  }
  void remove(served& one) noexcept {
    if (!one.is_linked()) return;
    one.unlink();
    if (--count_ == 0) gone_.set();
  }
  std::size_t connections() const noexcept { return count_; }

  bool is_shutting_down() const noexcept { return is_shutting_down_; }

  /// Ends the connections that are idle; the others end when their handlers have
  /// answered.
  void begin_shutdown() {
    is_shutting_down_ = true;
    for_each([](served& one) { one.begin_shutdown(); });
  }
  /// Waits for them. After the time limit those whose handlers read get an error; after
  /// the same time again all that are left are cancelled.
  ///
  /// Cancellation: the connections that are left stay as they are.
  coro<> finish_shutdown(time_limit limit) {
    bool gone = co_await all_gone(limit);
    if (gone) co_return;
    bool has_readers = false;
    for_each([&](served& one) { has_readers = one.stop_body() || has_readers; });
    if (has_readers) {
      gone = co_await all_gone(limit);
      if (gone) co_return;
    }
    for_each([](served& one) { one.stop(); });
    co_await gone_.wait();
  }

  event_loop& loop;
  std::shared_ptr<application_state> app;
  connection_limits limits;
  deadline_line idle;
  deadline_line heads;
  deadline_line bodies;
  deadline_line lingering;

 private:
  static constexpr std::size_t kept_requests = 64;
  static constexpr std::size_t kept_output = 128 * 1024;

  // Any of them may end meanwhile, and with it others.
  template <class F>
  void for_each(F f) {
    aio::detail::intrusive_list<served, connection_tag> before;
    before.splice_back(connections_);
    while (!before.empty()) {
      served& one = before.pop_front();
      connections_.push_back(one);
      f(one);
    }
  }

  coro<bool> all_gone(time_limit limit) {
    bool in_time = true;
    try {
      co_await wait_for(gone_.wait(), limit);
    } catch (const timeout_error&) {
      in_time = false;
    }
    co_return in_time;
  }

  http::date_cache date_;
  std::vector<std::unique_ptr<request>> requests_;
  std::string output_;
  aio::detail::intrusive_list<served, connection_tag> connections_;
  std::size_t count_ = 0;
  event gone_;
  bool is_shutting_down_ = false;
};

}  // namespace detail
}  // namespace aio::web
