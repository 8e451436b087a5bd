// A process of the chat and the Redis that joins it to the others.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "../relay.hpp"
#include "address.hpp"
#include "connection.hpp"
#include "options.hpp"
#include "outbox.hpp"
#include "presence.hpp"
#include "senders.hpp"
#include "stream.hpp"

namespace chat::redis {

/// Names in Redis. Channels are the same in all databases, so theirs have its number.
struct names {
  names(std::string_view prefix, int database);

  std::string messages;  ///< the stream
  std::string life;      ///< a random text: another one if all data was lost
  std::string wake;      ///< channel: there is news in the stream
  std::string presence;  ///< channel: see presence.hpp
};

/// What make_redis_relay() makes, but for its lifetime: the task that keeps up the
/// connections needs it a little longer than those who say things.
class link final : public std::enable_shared_from_this<link> {
 public:
  link(address where, const redis_options& options);

  aio::coro<> start(relay_listener& to);
  bool say(message said);
  void arrive(const std::string& room, const std::string& name);
  void depart(const std::string& room, const std::string& name);
  aio::coro<> settle();
  aio::coro<> stop();
  /// Without a word to the others, and at once.
  void abandon();

  bool is_up() const { return is_up_; }

 private:
  // ----- sessions: from one loss of the connections to the next -----
  aio::coro<> run(std::shared_ptr<link> self);
  aio::coro<> session();
  void went_up();
  void went_down(const std::exception_ptr& failure);
  void tell_first_try(const std::exception_ptr& failure);

  // ----- while there are connections -----
  aio::coro<> catch_up();
  aio::coro<> tell_history(message_id last);
  aio::coro<> find_place(stream_state now, bool is_same_life);
  aio::coro<bool> has_entry(message_id id);
  aio::coro<> read_on();
  aio::coro<> read_when_woken();
  aio::coro<> listen(connection& ears);
  aio::coro<> beat();
  void take(const entry& one);
  void flush_soon();
  void flush();

  const address where_;
  redis_options options_;
  const names names_;
  const std::string id_;  ///< of this process

  relay_listener* listener_ = nullptr;
  outbox outbox_;
  presence presence_;
  aio::event settled_;  ///< the outbox may be empty, or it is over

  bool has_history_ = false;  ///< the listener knows it
  std::string life_;          ///< what we know of is of this life of Redis
  message_id begin_;          ///< what is before this was before us
  message_id place_;          ///< where we are in the stream
  message_id told_;           ///< the last id that the listener was given
  senders senders_;

  connection* commands_ = nullptr;  ///< while there is one
  bool is_up_ = false;              ///< and all that was in the stream has been read
  bool is_reported_down_ = false;
  bool is_stopped_ = false;
  bool is_flush_due_ = false;
  aio::event wake_;
  aio::future<> first_try_;
  aio::task<> running_;
};

}  // namespace chat::redis
