// The connection to the server. It comes back by itself, and what was said in the meantime
// is said then. It knows nothing of the terminal.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include "../message.hpp"
#include "listener.hpp"

namespace chat::terminal {

/// How long to wait after a connection was closed with `code`. `failures` is how many
/// there were in a row; `chance`, from 0 to 1, keeps the many who were cut off together
/// from coming back together.
aio::duration delay_after(int code, int failures, double chance);

class connection {
 public:
  /// Takes: the URL of the WebSocket
  connection(std::string url, std::string name, std::string room, listener& to);

  /// Talks to the server, and does so again whenever the connection breaks.
  ///
  /// Cancellation: the connection is closed.
  /// Throws:       std::exception – there is no server, or it turns us away
  aio::coro<> run();

  /// Says something now, or as soon as there is a connection; waits first while very much
  /// is not confirmed.
  ///
  /// Takes:        UTF-8
  /// Cancellation: the text is not said.
  aio::coro<> say(std::string text);

  /// Goes to another room when all that was said in this one is confirmed.
  ///
  /// Cancellation: it may stay in this room.
  aio::coro<> join(std::string room);

  /// Waits until we are in a room, and all that was said is confirmed.
  ///
  /// Cancellation: stops waiting.
  aio::coro<> settle();

  /// Says goodbye; run() ends then.
  ///
  /// Cancellation: goes without waiting for an answer.
  aio::coro<> leave();

  /// There was a connection, and it is broken.
  bool is_cut_off() const noexcept { return was_in_ && !ws_; }
  const std::string& room() const noexcept { return room_; }
  std::size_t unconfirmed() const noexcept { return waiting_.size(); }
  /// "3 people: anna, bert, carl"
  std::string who_is_here() const;

 private:
  struct item {
    std::string text;
    std::string mark;
  };
  /// How a connection has ended.
  struct ending {
    int code = aio::http::ws_close_code::abnormal_closure;
    std::string reason;
    std::exception_ptr error;  ///< why there was none
  };

  aio::coro<ending> talk(aio::http::client_session& session);
  aio::coro<ending> listen();
  void send(const boost::json::object& request);
  void ask_to_join();
  void say_now(const item& one);
  void tell_of(const ending& last, aio::duration delay);

  void obey(const std::string& text);
  void hear(const boost::json::object& news);
  void welcome(const boost::json::object& news);
  void arrived(const std::string& name);
  void left(const std::string& name);
  void turned_away(const std::string& reason);
  void refused(const std::string& mark, const std::string& reason);
  void take(const boost::json::object& said);
  void forget(std::string_view mark);
  std::string make_unique();

  const std::string url_;
  const std::string name_;
  std::string room_;
  listener& to_;
  std::random_device random_;
  const std::string key_ = make_unique();  ///< who has it is the same for the server
  std::string me_;  ///< what the marks of our messages begin with

  std::optional<aio::http::client_websocket> ws_;
  bool was_in_ = false;  ///< ever
  bool is_in_ = false;   ///< the server has welcomed us
  bool is_leaving_ = false;
  bool shall_tell_ = true;  ///< of the end of the connection: once in a row
  std::string why_turned_away_;
  std::string former_room_;         ///< while we ask for another
  std::optional<message_id> last_;  ///< of the messages of the room
  std::size_t count_ = 0;
  std::set<std::string> people_;  ///< as far as they are known
  std::set<std::string> absent_;  ///< who was here, and is not yet again
  aio::time_point absent_until_{};

  std::deque<item> waiting_;  ///< what was said and is not confirmed
  aio::event has_room_;       ///< for more of it
  aio::event settled_;
  aio::event is_joined_;
};

}  // namespace chat::terminal
