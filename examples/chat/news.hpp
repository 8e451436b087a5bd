// What has happened in a room since its members heard last.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/http/prepared_message.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "message.hpp"

namespace chat {

class member;

/// It is made once for all members: what happens in one turn of the loop costs each of
/// them one call of the system, however many messages that are.
class news {
 public:
  void add(const message& said);
  /// `who` is null if he is connected elsewhere.
  void add_arrival(std::string_view name, std::size_t people, const member* who);
  void add_departure(std::string_view name, std::size_t people);
  void add_count(std::size_t people);

  bool empty() const noexcept { return frames_.empty(); }
  std::size_t messages() const noexcept { return messages_; }
  void clear() noexcept;

  /// For pages.
  const aio::http::prepared_message& frames() const noexcept { return frames_; }

  /// For lines: `to` is not told what it has said itself, or that it has come.
  std::string lines_for(const member& to) const;

 private:
  struct line {
    std::string text;
    std::string mark;
    const member* who = nullptr;
  };

  aio::http::prepared_message frames_;
  std::vector<line> lines_;
  std::size_t messages_ = 0;
};

/// "anna: hello" with its end of line.
std::string line_of(const message& said);

}  // namespace chat
