// SPDX-License-Identifier: BSL-1.0

#include "screen.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cwchar>

#include "../text.hpp"

namespace chat::terminal {
namespace {

constexpr const char* clear_line = "\r\x1b[K";

bool is_set(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool can_edit() {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) return false;
  return is_set("TERM") && std::string_view(std::getenv("TERM")) != "dumb";
}

std::size_t columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

/// The end of a valid UTF-8 text, as much as fits into so many columns.
std::string_view last_columns(std::string_view text, std::size_t columns) {
  std::size_t used = 0;
  std::size_t from = text.size();
  while (from > 0) {
    std::size_t begin = from - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) {
      --begin;
    }
    std::mbstate_t state{};
    wchar_t character = 0;
    const std::size_t size =
        std::mbrtowc(&character, text.data() + begin, from - begin, &state);
    const int width = size == from - begin ? ::wcwidth(character) : 1;
    used += width < 0 ? 1 : static_cast<std::size_t>(width);
    if (used > columns) break;
    from = begin;
  }
  return text.substr(from);
}

void write(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) throw output_closed();
}

}  // namespace

screen::screen() : is_terminal_(can_edit()) {
  has_color_ = is_terminal_ && !is_set("NO_COLOR");
  std::setlocale(LC_CTYPE, "C.UTF-8");  // for the widths of characters
  if (is_terminal_ && ::tcgetattr(STDIN_FILENO, &former_) != 0) is_terminal_ = false;
  enter();
}

screen::~screen() { leave(); }

void screen::enter() noexcept {
  if (!is_terminal_) return;
  termios raw = former_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

void screen::leave() noexcept {
  if (!is_terminal_) return;
  std::fputs(clear_line, stdout);
  std::fflush(stdout);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &former_);
}

void screen::line(const std::string& text) {
  if (is_terminal_) return write(clear_line + text + '\n' + input_line());
  write(text + '\n');
}

void screen::show_input(const std::string& prompt, const std::string& typed) {
  prompt_ = prompt;
  typed_ = typed;
  if (is_terminal_) write(clear_line + input_line());
}

// It is never longer than the terminal is wide, so that one can clear it.
std::string screen::input_line() const {
  const std::size_t width = columns() - 1;
  const std::string_view prompt = last_columns(prompt_, width / 2);
  const std::string typed = clean_text(typed_);
  return faint(std::string(prompt)) +
         std::string(last_columns(typed, width - width / 2));
}

std::string screen::colored(const std::string& text) const {
  if (!has_color_) return text;
  unsigned sum = 0;
  for (const char c : text) sum = sum * 31 + static_cast<unsigned char>(c);
  return fmt::format("\x1b[1;{}m{}\x1b[0m", 31 + sum % 6, text);
}

std::string screen::faint(const std::string& text) const {
  return has_color_ ? fmt::format("\x1b[2m{}\x1b[0m", text) : text;
}

void screen::stop() {
  leave();
  ::raise(SIGSTOP);
  resume();
}

void screen::resume() {
  if (!is_terminal_) return;
  enter();
  write(clear_line + input_line());
}

}  // namespace chat::terminal
