// chat_terminal: the chat in a terminal. What is typed is said to the room; what others say
// is printed as it comes, also while one types. It comes back by itself when the server
// restarts, and nothing is lost or said twice.
//
//   $ chat_terminal [URL] [--name NAME] [--room ROOM]    (until /quit, Ctrl-D or Ctrl-C)
//
// From a pipe it takes lines, and ends when all of them are said.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/terminal/connection.hpp"
#include "chat/terminal/line_editor.hpp"
#include "chat/terminal/listener.hpp"
#include "chat/terminal/options.hpp"
#include "chat/terminal/screen.hpp"
#include "chat/text.hpp"
#include "support/program.hpp"

namespace {

using namespace std::chrono_literals;
using chat::terminal::connection;
using chat::terminal::line_editor;
using chat::terminal::screen;
using lines = aio::queue<std::string>;

constexpr std::size_t max_text = 4000;   // bytes, which every server takes
constexpr aio::duration patience = 60s;  // for what is not confirmed at the end

std::string clock_of(chat::message_id id) {
  const auto second = static_cast<std::time_t>(id.time / 1000);
  std::tm parts{};
  ::localtime_r(&second, &parts);
  return fmt::format("{:02}:{:02}", parts.tm_hour, parts.tm_min);
}

/// What others have written is made harmless here: it could move the cursor, or worse.
class window final : public chat::terminal::listener {
 public:
  window(screen& on, const line_editor& keys) : screen_(on), keys_(keys) {}

  void watch(const connection& server) { server_ = &server; }

  void on_message(const chat::message& said) override {
    screen_.line(fmt::format("{} {}: {}", screen_.faint(clock_of(said.id)),
                             screen_.colored(chat::clean_name(said.name)),
                             chat::clean_text(said.text)));
  }

  void on_notice(std::string_view text) override {
    screen_.line(screen_.faint("* " + chat::clean_text(text)));
  }

  void on_change() override {
    std::string prompt = chat::clean_name(server_->room());
    if (server_->is_cut_off()) prompt += " (not connected)";
    if (server_->unconfirmed() > 0) {
      prompt += fmt::format(" ({} unsent)", server_->unconfirmed());
    }
    screen_.show_input(prompt + "> ", keys_.text());
  }

 private:
  screen& screen_;
  const line_editor& keys_;
  const connection* server_ = nullptr;
};

// ----- what is typed -----

aio::coro<> read_keys(line_editor& keys, window& shown, lines& to) {
  const aio::detail::scope_exit at_last([&] { to.shutdown(); });
  aio::stream_reader input = aio::stdin_reader();
  while (!keys.is_over()) {
    const std::string bytes = co_await input.read(4096);
    if (bytes.empty()) break;
    keys.feed(bytes);
    shown.on_change();
    std::vector<std::string> entered = keys.take_lines();
    for (std::string& one : entered) co_await to.put(std::move(one));
  }
}

aio::coro<> read_lines(window& shown, lines& to) {
  const aio::detail::scope_exit at_last([&] { to.shutdown(); });
  aio::stream_reader input = aio::stdin_reader();
  for (;;) {
    std::optional<std::string> line = std::string();
    try {
      line = co_await input.next_line();
    } catch (const std::invalid_argument&) {
      shown.on_notice("Not sent: a line that is much too long");
    }
    if (!line) break;
    co_await to.put(std::move(*line));
  }
}

constexpr std::string_view help =
    "/join ROOM goes to another room, /who tells who is here, /quit leaves; "
    "a text that begins with a slash is said with two of them";

aio::coro<> say(connection& server, window& shown, std::string text) {
  if (text.find_first_not_of(' ') == text.npos) co_return;
  if (text.size() > max_text) {
    shown.on_notice(fmt::format("Not sent: too long by {} bytes: {}…",
                                text.size() - max_text, text.substr(0, 40)));
  } else {
    co_await server.say(std::move(text));
  }
}

aio::coro<> do_commands(lines& typed, connection& server, window& shown) {
  while (auto line = co_await typed.next()) {
    const std::string text = chat::clean_text(*line);
    const std::string_view command = std::string_view(text).substr(0, text.find(' '));
    const std::string rest = chat::clean_name(text.substr(command.size()));
    if (!text.starts_with('/')) {
      co_await say(server, shown, text);
    } else if (text.starts_with("//")) {
      co_await say(server, shown, text.substr(1));
    } else if (command == "/join" && !rest.empty()) {
      co_await server.join(rest);
    } else if (command == "/who") {
      shown.on_notice(server.who_is_here());
    } else if (command == "/quit") {
      break;
    } else {
      shown.on_notice(help);
    }
  }
}

/// Ends with the input, or with /quit, when all that was said is confirmed.
aio::coro<> do_what_is_typed(lines& typed, connection& server, window& shown) {
  co_await do_commands(typed, server, shown);
  if (server.is_cut_off()) {
    shown.on_notice("Waiting for the server; Ctrl-C gives up.");
  }
  try {
    co_await aio::wait_for(server.settle(), patience);
  } catch (const aio::timeout_error&) {
    throw std::runtime_error(
        fmt::format("{} messages were not confirmed", server.unconfirmed()));
  }
}

// ----- the program -----

/// Ctrl-Z and what comes after it, and other sizes of the window.
aio::coro<> mind_the_terminal(screen& on) {
  aio::signal_stream signals(SIGTSTP, SIGCONT, SIGWINCH);
  for (;;) {
    const int number = co_await signals.next();
    number == SIGTSTP ? on.stop() : on.resume();
  }
}

aio::coro<> any_of(aio::signal_stream& signals) { co_await signals.next(); }

aio::coro<> say_goodbye(connection& server) {
  try {
    co_await aio::wait_for(server.leave(), 2s);
  } catch (const aio::timeout_error&) {
  }
}

/// Throws what one of them has failed with.
void look_at(const std::vector<aio::task<>>& all) {
  std::exception_ptr error;
  for (const aio::task<>& one : all) {
    if (!one.done() || one.cancelled() || !one.exception()) continue;
    if (!error) error = one.exception();
  }
  if (error) std::rethrow_exception(error);
}

aio::coro<int> amain(chat::terminal::options how) {
  // Nothing else ends this before the tasks have ended that use what is declared here.
  aio::signal_stream signals(SIGINT, SIGTERM, SIGHUP, SIGQUIT);
  screen on;
  line_editor keys;
  window shown(on, keys);
  connection server(how.url, how.name, how.room, shown);
  shown.watch(server);
  lines typed(100);

  const aio::task<> talking = aio::create_task(server.run());
  const aio::task<> doing = aio::create_task(do_what_is_typed(typed, server, shown));
  std::vector<aio::task<>> all = {talking, doing};
  if (on.is_terminal()) {
    all.push_back(aio::create_task(read_keys(keys, shown, typed)));
    all.push_back(aio::create_task(mind_the_terminal(on)));
  } else {
    all.push_back(aio::create_task(read_lines(shown, typed)));
  }
  const aio::task<> told_to_stop = aio::create_task(any_of(signals));
  const std::vector<aio::any_task> ends = {talking, doing, told_to_stop};
  co_await aio::wait(ends, {.return_when = aio::first_completed});

  co_await say_goodbye(server);
  all.push_back(told_to_stop);
  for (const aio::task<>& one : all) one.cancel();
  co_await aio::wait(all);
  try {
    look_at(all);
  } catch (const chat::terminal::output_closed&) {
    // Nobody reads any more.
  }
  co_return 0;
}

// Else the connection could become what stdout writes to.
void open_standard_files() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_files();
  const auto how = chat::terminal::parse_options(argc, argv);
  const int code = support::run("chat_terminal", amain(how));
  return code == 130 ? 0 : code;  // Ctrl-C is a way to leave
}
