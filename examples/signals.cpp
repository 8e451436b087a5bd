// signals: three ways to hear of signals. A handler is a callback of the loop, so unlike
// a handler of the system it may do anything; a stream yields them one by one;
// wait_signal() waits for one. The program sends them to itself, and prints what it
// hears.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <csignal>
#include <string>

std::string name_of(int number) { return number == SIGTERM ? "terminate" : "hangup"; }

aio::coro<> amain() {
  auto& loop = aio::get_running_loop();

  // A handler: may be replaced and removed; arguments are bound as everywhere.
  auto heard = loop.create_future<std::string>();
  loop.add_signal_handler(
      SIGUSR1, [&](const std::string& word) { heard.set_result(word); }, "user one");
  std::raise(SIGUSR1);
  fmt::print("Handler: {}\n", co_await heard);
  loop.remove_signal_handler(SIGUSR1);

  // A stream: nothing is lost between two of them.
  {
    aio::signal_stream signals(SIGHUP, SIGTERM);
    std::raise(SIGHUP);
    std::raise(SIGHUP);
    std::raise(SIGTERM);
    for (int number = 0; number != SIGTERM;) {
      number = co_await signals.next();
      fmt::print("Stream: {}\n", name_of(number));
    }
  }

  // One signal; it is taken from the call on, not only from the await.
  auto waiting = aio::wait_signal(SIGINT, SIGTERM);
  std::raise(SIGTERM);
  const int number = co_await std::move(waiting);
  fmt::print("Wait: {}\n", name_of(number));
}

int main() { aio::run(amain()); }
