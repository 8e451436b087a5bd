// What carries messages between those who are connected here, and to other processes.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <string>
#include <string_view>

#include "message.hpp"

namespace chat {

/// Whom a relay tells. What it does must not fail.
class relay_listener {
 public:
  /// Messages come in one order, which is the same in all processes, and each once.
  virtual void on_message(const message& said) = 0;

  /// People who are connected to other processes.
  virtual void on_arrival(const std::string& room, const std::string& name) = 0;
  virtual void on_departure(const std::string& room, const std::string& name) = 0;

 protected:
  ~relay_listener() = default;
};

/// Gives messages their order, and delivers them: of one process in memory_relay, of
/// several in redis_relay.
class relay {
 public:
  virtual ~relay() = default;

  /// Tells `to` what was said before, and from then on what is said. `to` must live until
  /// stop() is over.
  ///
  /// Throws: what keeps it from working at all, as an address that is none
  virtual aio::coro<> start(relay_listener& to) = 0;

  /// Takes a message for delivery. False if so many wait that it was not taken.
  virtual bool say(message said) = 0;

  /// People who are connected to this process.
  virtual void arrive(const std::string& room, const std::string& name) = 0;
  virtual void depart(const std::string& room, const std::string& name) = 0;

  /// Waits until all that was taken has come back to the listener.
  ///
  /// Cancellation: stops waiting.
  virtual aio::coro<> settle() = 0;

  /// Ends; nothing is told after it.
  virtual aio::coro<> stop() = 0;

  /// For the stats: "memory", "up" or "down".
  virtual std::string_view state() const = 0;
};

}  // namespace chat
