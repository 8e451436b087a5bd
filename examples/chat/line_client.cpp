// SPDX-License-Identifier: BSL-1.0

#include "line_client.hpp"

#include <fmt/format.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "client.hpp"
#include "text.hpp"

namespace chat {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t recalled = 20;  // messages that a newcomer is told

class line_client final : public client {
 public:
  line_client(hub& of, aio::stream_reader reader, aio::stream_writer writer)
      : client(of, "line", to_string(writer.peername())),
        reader_(std::move(reader)),
        writer_(std::move(writer)),
        address_(to_string(writer_.peername())) {
    notice_lost_peers();
  }

  aio::coro<> run() {
    tell("Welcome! What is your name?\n");
    enter("lobby");
    while (!is_over_) {
      const std::optional<std::string> line = co_await next_line();
      if (!line) break;
      co_await pace();
      obey(*line);
    }
  }

  void hear(const news& of) noexcept override { tell(of.lines_for(*this)); }

  bool has_said(std::string_view mark) const noexcept override {
    return mark.starts_with(me());
  }

  void dismiss() noexcept override {
    tell("* The server restarts. Come back in a moment.\n");
    ends_because("restart");
    is_over_ = true;
    writer_.close();
  }

 private:
  /// Without its end; none when there are no more.
  aio::coro<std::optional<std::string>> next_line() {
    std::optional<std::string> line;
    std::string_view last_words;
    try {
      const auto limit = all().limits().idle_timeout;
      if (limit > 0s) {
        line = co_await aio::wait_for(reader_.readline(), limit);
      } else {
        line = co_await reader_.readline();
      }
      if (line->empty()) line.reset();
    } catch (const aio::timeout_error&) {
      ++all().counts().idle;
      ends_because("idle");
      last_words = "You have been silent for too long. Goodbye.\n";
    } catch (const std::invalid_argument&) {
      ++all().counts().refused;
      ends_because("long line");
      last_words = "That line is too long. Goodbye.\n";
    } catch (const boost::system::system_error&) {
      ends_because("lost");
    }
    if (!last_words.empty()) tell(last_words);
    co_return line;
  }

  void obey(const std::string& line) {
    const std::string text = clean_text(line);
    if (name().empty()) {
      const std::string wanted = clean_name(text);
      introduce(wanted.empty() ? address_ : wanted);
      if (name() != wanted) tell(fmt::format("* You are {}\n", name()));
    } else if (text.starts_with("//")) {
      say_it(text.substr(1));
    } else if (text.starts_with('/')) {
      command(text);
    } else if (!text.empty()) {
      say_it(text);
    }
  }

  void command(std::string_view text) {
    const std::string_view word = text.substr(0, text.find(' '));
    const std::string argument = clean_name(text.substr(word.size()));
    if (word == "/join" && !argument.empty()) {
      const std::string me = name();
      if (enter(argument)) introduce(me);
    } else if (word == "/who") {
      const auto names = here()->names(100);
      tell(fmt::format("* {} in {}: {}\n", here()->people(), here()->name(),
                       fmt::join(names, ", ")));
    } else if (word == "/stats") {
      tell(fmt::format("* {}\n", all().stats_line()));
    } else if (word == "/quit") {
      is_over_ = true;
    } else {
      tell("* /join ROOM, /who, /stats, /quit; what begins with // is said\n");
    }
  }

  bool enter(const std::string& room) {
    if (!go_to(room)) {
      tell("* There are too many rooms.\n");
      is_over_ = is_over_ || !here();
      return false;
    }
    for (const message* one : here()->recall({}, recalled).messages) {
      tell(line_of(*one));
    }
    return true;
  }

  void say_it(std::string text) {
    const std::string_view refusal = say(std::move(text), fmt::to_string(++said_));
    if (!refusal.empty()) tell(fmt::format("* That was not said: {}\n", refusal));
  }

  /// Nobody waits for one who does not read.
  void tell(std::string_view text) noexcept {
    if (text.empty() || writer_.is_closing()) return;
    writer_.write(text);
    if (writer_.is_closing()) return;
    if (writer_.transport().get_write_buffer_size() <= all().limits().max_unread)
      return;
    ++all().counts().slow;
    ends_because("slow");
    writer_.transport().abort();
  }

  /// One who has vanished without a word is found out after two minutes.
  void notice_lost_peers() {
    const int fd = writer_.transport().native_handle();
    const auto set = [fd](int level, int name, int value) {
      ::setsockopt(fd, level, name, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
    set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  }

  aio::stream_reader reader_;
  aio::stream_writer writer_;
  std::string address_;
  std::size_t said_ = 0;
  bool is_over_ = false;
};

}  // namespace

aio::coro<> serve_lines(hub& of, aio::stream_reader reader, aio::stream_writer writer) {
  if (of.is_full()) {
    ++of.counts().refused;
    writer.write("Too many people are here. Try again later.\n");
    co_return;
  }
  line_client me(of, std::move(reader), std::move(writer));
  co_await me.run();
}

}  // namespace chat
