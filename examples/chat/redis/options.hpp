// What can be chosen about a chat on Redis.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <chrono>
#include <cstddef>
#include <string_view>

namespace chat {

struct redis_options {
  /// What the keys and channels begin with: chats with different ones do not meet.
  std::string_view prefix = "chat";
  /// How many messages wait at most until they are in the stream.
  std::size_t outbox = 10'000;
  /// How many of the last messages are told at the start.
  std::size_t history = 2'000;
  /// How many messages Redis keeps, or a few more.
  std::size_t keep = 100'000;
  /// How many are read at a time.
  std::size_t page = 500;

  /// For connecting; start() does not take longer.
  aio::duration connect_limit = std::chrono::seconds(3);
  /// A Redis that gives no sign of life is given up after once or twice this time.
  aio::duration ping = std::chrono::seconds(2);
  /// Between two attempts to connect; it doubles from the first to the last.
  aio::duration first_retry = std::chrono::milliseconds(100);
  aio::duration last_retry = std::chrono::seconds(5);
  /// How often the other processes hear that this one lives.
  aio::duration heartbeat = std::chrono::seconds(2);
  /// After how long a process that is not heard is taken for dead.
  aio::duration silence = std::chrono::seconds(6);
};

}  // namespace chat
