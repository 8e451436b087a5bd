// Whom the connection tells what has happened.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <string>
#include <string_view>

#include "../message.hpp"

namespace chat::terminal {

/// What comes from others has not been made harmless.
class listener {
 public:
  /// Each message once, in the order of the room.
  virtual void on_message(const message& said) = 0;
  /// Something else that people should read, as "bert has joined".
  virtual void on_notice(std::string_view text) = 0;
  /// The room, the connection or the number of unconfirmed messages is another.
  virtual void on_change() = 0;

 protected:
  ~listener() = default;
};

}  // namespace chat::terminal
