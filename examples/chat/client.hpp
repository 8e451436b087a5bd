// What clients of all kinds have in common.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "allowance.hpp"
#include "hub.hpp"
#include "member.hpp"
#include "room.hpp"

namespace chat {

/// A member for as long as its connection lives, which is counted and logged.
class client : public member {
 public:
  client(hub& of, std::string_view kind, const std::string& address);

 protected:
  ~client();

  hub& all() noexcept { return hub_; }
  room* here() noexcept { return room_; }
  std::size_t number() const noexcept { return number_; }

  /// Goes to that room, out of the one where he is. False if there are too many rooms.
  bool go_to(const std::string& name);
  /// `name` must not be empty; the one that he gets is in name().
  void introduce(const std::string& name);
  /// Says it in his room; `mark` is one that he has not used yet, or used for the same
  /// before. The reason why it was not taken, or nothing.
  std::string_view say(std::string text, std::string_view mark);

  /// What his marks begin with. Until he has shown a key nobody ever had it, then all who
  /// show that key have it, also later or elsewhere.
  const std::string& me() const noexcept { return me_; }
  void show_key(std::string_view key);

  /// Before each request of the client: waits if there have been too many.
  aio::coro<> pace();

  /// Why the connection ends, for the log; the first reason counts.
  void ends_because(std::string_view reason) noexcept;

 private:
  hub& hub_;
  room* room_ = nullptr;
  allowance allowance_;
  std::size_t number_;
  std::string me_;
  std::string_view reason_;
};

}  // namespace chat
