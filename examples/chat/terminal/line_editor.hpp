// What the keys of a terminal make of a line. It knows no terminal.
//
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chat::terminal {

/// Backspace, Ctrl-U (all), Ctrl-W (a word) and Ctrl-D (the end, where nothing is typed);
/// other control keys, as the arrows, do nothing.
class line_editor {
 public:
  /// Takes: bytes as they come; a character may come in pieces
  void feed(std::string_view bytes) {
    for (const char byte : bytes) take(byte);
  }

  /// What was typed since the last Enter.
  const std::string& text() const noexcept { return text_; }
  /// The lines that were entered, which are then gone.
  std::vector<std::string> take_lines() { return std::exchange(lines_, {}); }
  bool is_over() const noexcept { return is_over_; }

 private:
  // ESC [ parameters, a letter; ESC O, a letter; ESC, a letter
  enum class escape : unsigned char { none, begun, parameters, letter };

  static constexpr std::size_t most = 16 * 1024;

  void take(char byte) {
    if (is_over_) return;
    if (escape_ != escape::none) return take_escape(byte);
    switch (byte) {
      case '\x1b':
        escape_ = escape::begun;
        break;
      case '\r':
      case '\n':
        lines_.push_back(std::exchange(text_, {}));
        break;
      case '\b':
      case '\x7f':
        erase_character();
        break;
      case 'U' - '@':
        text_.clear();
        break;
      case 'W' - '@':
        erase_word();
        break;
      case 'D' - '@':
        is_over_ = text_.empty();
        break;
      case '\t':
        text_ += ' ';
        break;
      default:
        if (static_cast<unsigned char>(byte) >= ' ' && text_.size() < most) {
          text_ += byte;
        }
    }
  }

  void take_escape(char byte) {
    const bool is_begin = escape_ == escape::begun;
    if (is_begin && byte == '[') {
      escape_ = escape::parameters;
    } else if (is_begin && byte == 'O') {
      escape_ = escape::letter;
    } else if (escape_ != escape::parameters || (byte >= '@' && byte <= '~')) {
      escape_ = escape::none;
    }
  }

  void erase_character() {
    while (!text_.empty()) {
      const char last = text_.back();
      text_.pop_back();
      if ((static_cast<unsigned char>(last) & 0xc0) != 0x80) break;  // not its rest
    }
  }

  void erase_word() {
    while (!text_.empty() && text_.back() == ' ') text_.pop_back();
    while (!text_.empty() && text_.back() != ' ') text_.pop_back();
  }

  std::string text_;
  std::vector<std::string> lines_;
  escape escape_ = escape::none;
  bool is_over_ = false;
};

}  // namespace chat::terminal
