// SPDX-License-Identifier: BSL-1.0

#include "screen.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace demo {
namespace {

constexpr int columns_needed = 80;

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

// A terminal that can move the cursor, and is wide enough for our lines.
bool can_animate() {
  if (::isatty(STDOUT_FILENO) != 1) return false;
  if (!is_set("TERM") || std::string_view(std::getenv("TERM")) == "dumb") return false;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return true;
  return size.ws_col >= columns_needed;
}

}  // namespace

screen::screen(bool is_quick)
    : is_quick_(is_quick),
      is_animated_(can_animate() && !is_quick),
      has_color_(is_animated_ && !is_set("NO_COLOR")) {}

aio::coro<> screen::pause(std::chrono::milliseconds time) const {
  if (is_animated_) co_await aio::sleep(time);
}

void screen::heading(int number, std::string_view title) {
  line();
  line(strong(fmt::format("{}. {}", number, title)));
  line();
}

void screen::line(std::string_view text) {
  drawn_ = 0;
  write(std::string(text) + '\n');
}

void screen::draw(const std::vector<std::string>& lines, bool final) {
  if (!is_animated_ && !final) return;
  std::string text;
  if (drawn_ > 0) text = fmt::format("\x1b[{}A", drawn_);
  for (const std::string& one : lines) {
    text += one;
    text += is_animated_ ? "\x1b[K\n" : "\n";
  }
  drawn_ = is_animated_ && !final ? lines.size() : 0;
  write(text);
}

std::string screen::strong(std::string_view text) const { return styled(1, text); }
std::string screen::faint(std::string_view text) const { return styled(2, text); }
std::string screen::colored(color c, std::string_view text) const {
  return styled(static_cast<int>(c), text);
}

std::string screen::bar(color c, std::size_t width) const {
  if (width == 0) return {};
  if (!has_color_) return std::string(width, c == color::blue ? '=' : '#');
  return styled(static_cast<int>(c) + 10, std::string(width, ' '));  // the background
}

std::string screen::styled(int code, std::string_view text) const {
  if (!has_color_) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void screen::write(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) throw output_closed();
}

std::string grouped(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

}  // namespace demo
