// Where the terminal client writes: a terminal, on which what comes does not tear what one
// types, or a file or pipe, which gets plain lines.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <termios.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace chat::terminal {

/// Nobody reads what we write; no error, but a reason to end.
class output_closed {};

/// While it lives the terminal hands over each key, and shows none by itself.
///
/// Throws: output_closed, from all that writes
class screen {
 public:
  screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;
  ~screen();

  /// Whether keys come one by one, and colours are seen.
  bool is_terminal() const noexcept { return is_terminal_; }

  /// A line of text, above what is typed.
  void line(const std::string& text);
  /// The line in which one types. What does not fit is seen from its end.
  void show_input(const std::string& prompt, const std::string& typed);

  /// `text` in bold, in a colour that is always the same for it.
  std::string colored(const std::string& text) const;
  std::string faint(const std::string& text) const;

  /// Gives the terminal back, and stops as Ctrl-Z stops others, until somebody wants us
  /// to go on.
  void stop();
  /// Takes the terminal again, if it was given away, and draws anew.
  void resume();

 private:
  void enter() noexcept;
  void leave() noexcept;
  std::string input_line() const;

  bool is_terminal_ = false;
  bool has_color_ = false;
  termios former_{};
  std::string prompt_;
  std::string typed_;
};

}  // namespace chat::terminal
