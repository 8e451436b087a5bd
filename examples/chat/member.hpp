// One who hears what is said in a room.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chat {

class news;
class room;

/// By whatever he is connected. One without a name only listens.
class member {
 public:
  member() = default;
  member(const member&) = delete;
  member& operator=(const member&) = delete;

  /// Must not wait, nor leave the room: who does not read is dropped later.
  virtual void hear(const news& of) noexcept = 0;

  /// Whether a message with this mark is his own, which he need not hear.
  virtual bool has_said(std::string_view) const noexcept { return false; }

  /// Tells him that the server ends, and lets him go.
  virtual void dismiss() noexcept = 0;

  const std::string& name() const noexcept { return name_; }

 protected:
  ~member() = default;

 private:
  friend class room;

  std::string name_;
  std::size_t place_ = 0;  ///< in the room
};

}  // namespace chat
