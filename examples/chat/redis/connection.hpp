// A connection to Redis: the asynchronous interface of hiredis, whose descriptor the loop
// watches, with answers that can be awaited.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "address.hpp"
#include "value.hpp"

struct redisAsyncContext;
struct redisReply;

namespace chat::redis {

struct connection_options {
  /// For all of opening it.
  aio::duration limit = std::chrono::seconds(3);
  /// How often Redis is asked for a sign of life; one that gives none until the next
  /// time is lost.
  aio::duration ping = std::chrono::seconds(2);
};

/// What came through Pub/Sub.
struct published {
  std::string channel;
  std::string text;
};

/// Commands run in the order of their calls, which need not wait for one another. A
/// caller that is cancelled does not wait any longer, and changes nothing else.
///
/// Lifetime: can be destroyed at any moment, but before the loop; who waits for an answer
///           then gets a connection_error
class connection {
 public:
  /// Connects, logs in and selects the database.
  ///
  /// Cancellation: closes it.
  /// Throws:       connection_error; login_refused; refused – by a Redis that does not
  ///               serve now
  static aio::coro<std::unique_ptr<connection>> open(address where,
                                                     connection_options options);

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { end("the connection was closed"); }

  /// Sends a command; its words may be any bytes. An error is a value like others.
  ///
  ///     redis::value all = co_await c.send("LRANGE", key, "0", "-1");
  ///
  /// Throws: connection_error, here or at the await
  template <class... Words>
  aio::future<value> send(const Words&... words) {
    const std::string_view all[] = {words...};
    aio::future<value> answer = loop_.create_future<value>();
    queue(all, answer);
    return answer;
  }

  /// The same, awaited.
  ///
  /// Throws: refused; connection_error
  template <class... Words>
  aio::coro<value> call(const Words&... words) {
    return without_error(send(words...));
  }

  /// Sends a command that must succeed: an error is the end of the connection.
  ///
  /// Throws: connection_error
  template <class... Words>
  void post(const Words&... words) {
    const std::string_view all[] = {words...};
    queue(all, {});
  }

  /// From then on it does nothing but listen, see next(). Yields when Redis has agreed.
  ///
  /// Throws: connection_error – also if Redis refuses
  template <class... Channels>
  aio::coro<> subscribe(const Channels&... channels) {
    const std::string_view all[] = {"SUBSCRIBE", channels...};
    listen(all);
    return agreement();
  }

  /// What is published, one by one.
  ///
  /// Throws:   connection_error
  /// Lifetime: the connection must outlive the wait
  aio::coro<published> next();

  /// Waits for the end of the connection, which it throws.
  ///
  /// Throws:   connection_error; never returns
  /// Lifetime: the connection must outlive the wait
  aio::coro<> until_end();

 private:
  using word_list = std::span<const std::string_view>;
  struct hooks;
  struct waiting;

  explicit connection(connection_options options)
      : options_(options), loop_(aio::get_running_loop()) {}

  aio::coro<> connect(const address& where);
  aio::coro<> connect_to_any(const address& where);
  aio::coro<> attempt(redisAsyncContext* context);
  aio::coro<> log_in(const address& where);
  static aio::coro<value> without_error(aio::future<value> answer);

  void queue(word_list command, aio::future<value> answer);
  void listen(word_list command);
  aio::coro<> agreement();
  void watch();
  void end(std::string_view why);
  void end_soon(std::string_view why);
  std::string reason() const;
  [[noreturn]] void throw_ended() const;

  // ----- called by hiredis: nothing of this runs code of others -----
  void connected(bool is_good);
  void answered(const waiting& one, const redisReply* reply);
  void heard(const redisReply* reply);
  void freed();
  void watch_descriptor(bool reads);

  connection_options options_;
  aio::event_loop& loop_;
  redisAsyncContext* context_ = nullptr;  ///< null: not yet, or not any more
  std::string reason_;                    ///< why it has ended
  aio::future<> connected_;
  aio::event agreed_;
  std::size_t agreements_missing_ = 0;
  std::string channel_;  ///< that it listens to; empty: to none
  aio::queue<published> heard_;
  aio::event ended_;
  bool is_connected_ = false;
  bool is_alive_ = true;  ///< something came since the last ping
  bool reads_ = false;
  bool writes_ = false;
  aio::timer_handle watch_;
  aio::handle ending_;
};

}  // namespace chat::redis
