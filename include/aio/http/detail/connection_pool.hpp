// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The connections of a session: how many there may be, and those that wait to be used
/// again.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/handle.hpp>
#include <aio/coro/coro.hpp>
#include <aio/detail/intrusive_list.hpp>
#include <aio/http/detail/client_connection.hpp>
#include <aio/task/future.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace aio::http::detail {

struct pool_limits {
  std::size_t total = 100;   ///< in use at once; 0: no limit
  std::size_t per_host = 0;  ///< likewise, of one host
  duration keep_alive = std::chrono::seconds(15);
  bool force_close = false;
};

/// Connections by the name of what they lead to.
///
///     slot: the right to have one connection, free → taken (by at most `total`)
///     idle: connections without a slot, newest last
class connection_pool : public std::enable_shared_from_this<connection_pool> {
 public:
  class slot;

  explicit connection_pool(pool_limits limits) : limits_(limits) {}
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;
  ~connection_pool() { close(); }

  /// Waits for the right to have a connection to `key`, first come first served.
  ///
  /// Cancellation: leaves the line; a right that was granted meanwhile goes to the next.
  /// Throws:       cancelled_error; usage_error – closed
  inline coro<slot> take_slot(std::string key);

  /// The connection to `key` that was used last; null if none waits.
  inline connection_ptr take_idle(const std::string& key);

  /// Closes all connections. Those that wait get a usage_error.
  inline void close() noexcept;
  bool is_closed() const noexcept { return is_closed_; }

  std::size_t in_use() const noexcept { return in_use_; }
  inline std::size_t idle() const noexcept;

 private:
  struct idle_connection {
    connection_ptr connection;
    time_point since;
  };
  struct place {
    std::size_t in_use = 0;
    std::vector<idle_connection> idle;
  };
  struct waiter {
    std::string key;
    future<void> turn;
    bool is_granted = false;
  };

  bool may_take(const std::string& key) const noexcept {
    if (limits_.total != 0 && in_use_ >= limits_.total) return false;
    if (limits_.per_host == 0) return true;
    const auto found = places_.find(key);
    return found == places_.end() || found->second.in_use < limits_.per_host;
  }
  void count(const std::string& key) {
    ++places_[key].in_use;
    ++in_use_;
  }
  inline void free_slot(const std::string& key) noexcept;
  inline void grant() noexcept;
  inline void keep(const std::string& key, connection_ptr connection) noexcept;
  inline void drop_expired() noexcept;
  inline void arm(time_point when);

  pool_limits limits_;
  std::map<std::string, place, std::less<>> places_;
  std::list<waiter> line_;
  std::unordered_set<client_connection*> busy_;
  intrusive_ptr<aio::detail::timed_callback> cleanup_;
  std::size_t in_use_ = 0;
  bool is_closed_ = false;
};

/// The right to have a connection, and the connection once there is one. Unless it is
/// given back the connection is closed with the slot.
class connection_pool::slot {
 public:
  slot() noexcept = default;
  slot(std::shared_ptr<connection_pool> of, std::string key) noexcept
      : of_(std::move(of)), key_(std::move(key)) {}
  slot(slot&& other) noexcept = default;
  slot& operator=(slot&& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(key_, other.key_);
    std::swap(connection_, other.connection_);
    std::swap(is_reused_, other.is_reused_);
    return *this;
  }
  ~slot() { release(false); }

  explicit operator bool() const noexcept { return static_cast<bool>(of_); }
  const connection_ptr& connection() const noexcept { return connection_; }
  bool is_reused() const noexcept { return is_reused_; }

  void set_connection(connection_ptr connection, bool is_reused) {
    connection_ = std::move(connection);
    is_reused_ = is_reused;
    connection_->is_idle = false;
    of_->busy_.insert(connection_.get());
  }

  /// Takes the connection out; its owner closes it.
  connection_ptr detach() noexcept {
    if (connection_) of_->busy_.erase(connection_.get());
    connection_ptr taken = std::move(connection_);
    connection_ = {};
    release(false);
    return taken;
  }

  /// Ends the use of the connection: another request may have it, or it is closed.
  void release(bool is_reusable) noexcept {
    const std::shared_ptr<connection_pool> of = std::move(of_);
    of_.reset();
    if (!of) return;
    if (connection_) {
      of->busy_.erase(connection_.get());
      if (is_reusable && connection_->is_fresh() && !of->is_closed_) {
        of->keep(key_, std::move(connection_));
      } else {
        connection_->source.abort();
      }
      connection_ = {};
    }
    of->free_slot(key_);
  }

 private:
  std::shared_ptr<connection_pool> of_;
  std::string key_;
  connection_ptr connection_;
  bool is_reused_ = false;
};

inline coro<connection_pool::slot> connection_pool::take_slot(std::string key) {
  if (is_closed_) throw usage_error("the client session is closed");
  const std::shared_ptr<connection_pool> self = shared_from_this();
  if (line_.empty() && may_take(key)) {
    count(key);
    co_return slot(self, std::move(key));
  }
  line_.push_back(waiter{
      key, aio::detail::make_future<void>(aio::detail::loop_core::require_running()),
      false});
  const auto mine = std::prev(line_.end());
  grant();  // those before wait for other hosts, perhaps
  std::exception_ptr error;
  try {
    co_await mine->turn;
  } catch (...) {
    error = std::current_exception();
  }
  const bool is_granted = mine->is_granted;
  line_.erase(mine);
  if (is_granted) {
    slot taken(self, std::move(key));
    if (!error) co_return taken;
  }
  if (error) std::rethrow_exception(error);
  throw usage_error("the client session is closed");
}

inline void connection_pool::free_slot(const std::string& key) noexcept {
  const auto found = places_.find(key);
  --found->second.in_use;
  --in_use_;
  if (found->second.in_use == 0 && found->second.idle.empty()) places_.erase(found);
  grant();
}

inline void connection_pool::grant() noexcept {
  for (waiter& one : line_) {
    if (limits_.total != 0 && in_use_ >= limits_.total) return;
    if (one.is_granted || one.turn.done() || !may_take(one.key)) continue;
    one.is_granted = true;
    count(one.key);
    one.turn.set_result();
  }
}

inline connection_ptr connection_pool::take_idle(const std::string& key) {
  drop_expired();
  const auto found = places_.find(key);
  if (found == places_.end()) return {};
  auto& idle = found->second.idle;
  while (!idle.empty()) {
    connection_ptr last = std::move(idle.back().connection);
    idle.pop_back();
    if (last->is_fresh()) return last;
    last->source.abort();
  }
  return {};
}

inline void connection_pool::keep(const std::string& key,
                                  connection_ptr connection) noexcept {
  if (limits_.force_close || limits_.keep_alive <= duration::zero()) {
    connection->source.close();
    return;
  }
  const time_point now = connection->loop().time();
  connection->is_idle = true;
  places_[key].idle.push_back({std::move(connection), now});
  if (!cleanup_) arm(aio::detail::deadline_after(now, limits_.keep_alive));
}

inline void connection_pool::arm(time_point when) {
  cleanup_ = aio::detail::call_at(aio::detail::loop_core::require_running(), when,
                                  [weak = weak_from_this()] {
                                    const auto self = weak.lock();
                                    if (!self) return;
                                    self->cleanup_ = {};
                                    self->drop_expired();
                                  });
}

inline void connection_pool::drop_expired() noexcept {
  auto* const loop = aio::detail::loop_core::running();
  if (loop == nullptr) return;
  const time_point now = loop->time();
  time_point next = time_point::max();
  for (auto at = places_.begin(); at != places_.end();) {
    auto& idle = at->second.idle;
    std::erase_if(idle, [&](const idle_connection& one) {
      const time_point end = aio::detail::deadline_after(one.since, limits_.keep_alive);
      const bool is_over = end <= now || one.connection->is_lost();
      if (is_over) {
        one.connection->source.close();
      } else {
        next = std::min(next, end);
      }
      return is_over;
    });
    at = at->second.in_use == 0 && idle.empty() ? places_.erase(at) : std::next(at);
  }
  if (next != time_point::max() && !cleanup_) arm(next);
}

inline void connection_pool::close() noexcept {
  is_closed_ = true;
  if (cleanup_) cleanup_->cancel();
  cleanup_ = {};
  for (auto& [key, at] : places_) {
    for (auto& one : at.idle) one.connection->source.close();
    at.idle.clear();
  }
  for (client_connection* one : busy_) one->source.abort();
  for (waiter& one : line_) {
    if (!one.turn.done()) one.turn.set_result();
  }
}

inline std::size_t connection_pool::idle() const noexcept {
  std::size_t all = 0;
  for (const auto& [key, at] : places_) all += at.idle.size();
  return all;
}

}  // namespace aio::http::detail
