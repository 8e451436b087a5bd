// demo: a tour of aio in about 20 seconds. It greets, fetches, sends 100,000 messages
// to an echo server and back, chats, and measures itself against threads. The parts are
// in demo/, each a program in small.
//
//   $ demo [--quick]       (--quick: less of everything, for tests)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

#include "demo/parts.hpp"
#include "demo/screen.hpp"

namespace {

// Else a socket could become what stdout writes to.
void open_standard_files() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

void tour(demo::screen& out) {
  out.line(out.strong("aio: asyncio for C++20"));
  aio::run(demo::greet(out));
  aio::run(demo::pipeline(out));
  aio::run(demo::echo(out));
  aio::run(demo::chat(out));
  demo::compare(out);

  out.line();
  out.line(out.strong("Now you:"));
  out.line();
  out.line(
      "  ./dev run chat_server        and in other terminals, as often as you like,");
  out.line("  nc 127.0.0.1 8888            or");
  out.line("  ./dev run chat_client");
  out.line();
  out.line("  ./dev run fetch http://example.com/");
  out.line("  ./dev test                   all tests;  ./dev bench  what aio costs");
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_quick = argc == 2 && std::string_view(argv[1]) == "--quick";
  if (argc > 1 && !is_quick) {
    fmt::print(stderr, "usage: {} [--quick]\n", argv[0]);
    return 2;
  }
  open_standard_files();
  ::signal(SIGPIPE, SIG_IGN);
  try {
    demo::screen out(is_quick);
    tour(out);
    return 0;
  } catch (const demo::output_closed&) {
    return 0;  // nobody watches any more
  } catch (const aio::keyboard_interrupt&) {
    return 130;
  } catch (const std::exception& error) {
    fmt::print(stderr, "demo: it went wrong: {}\n", error.what());
    return 1;
  }
}
