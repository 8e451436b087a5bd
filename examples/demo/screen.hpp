// Where the demo writes: a terminal, on which things move and pauses are made, or a
// file or pipe, which gets plain lines as fast as they come.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <aio/aio.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// Nobody reads what we write; no error, but a reason to end.
class output_closed {};

enum class color { green = 32, yellow = 33, blue = 34, cyan = 36 };

/// Throws: output_closed, from all that writes
class screen {
 public:
  explicit screen(bool is_quick);

  bool is_quick() const noexcept { return is_quick_; }
  bool is_animated() const noexcept { return is_animated_; }

  /// A delay that is part of the show: shorter where nobody watches.
  std::chrono::milliseconds tempo(std::chrono::milliseconds delay) const {
    return is_animated_ ? delay : delay / 20;
  }
  /// Time to read; none where nobody does.
  aio::coro<> pause(std::chrono::milliseconds time) const;

  void heading(int number, std::string_view title);
  void line(std::string_view text = {});

  /// Lines that change until they are `final`; on a terminal the new replace the old,
  /// elsewhere only the final ones are shown.
  void draw(const std::vector<std::string>& lines, bool final);

  std::string strong(std::string_view text) const;
  std::string faint(std::string_view text) const;
  std::string colored(color c, std::string_view text) const;

  /// `width` columns of a bar.
  std::string bar(color c, std::size_t width) const;

 private:
  std::string styled(int code, std::string_view text) const;
  void write(const std::string& text);

  bool is_quick_;
  bool is_animated_ = false;
  bool has_color_ = false;
  std::size_t drawn_ = 0;
};

/// `1234567` as `1,234,567`.
std::string grouped(std::size_t number);

}  // namespace demo
