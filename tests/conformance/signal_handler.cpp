// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

namespace signal_handler {
using namespace conformance;

aio::coro<> service() {
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    print("service stops");
    throw;
  }
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  aio::queue<std::string> seen;
  const auto put = [&seen](const std::string& what) { seen.put_nowait(what); };

  loop.add_signal_handler(SIGUSR1, put, "usr1");
  ::kill(::getpid(), SIGUSR1);
  print("the handler runs in the loop, not in the signal:", seen.qsize());
  print(co_await seen.get());

  // arguments; a new handler replaces the old one
  const auto replaced = [&seen](std::string_view one, std::string_view two) {
    seen.put_nowait(fmt::format("replaced {} {}", one, two));
  };
  loop.add_signal_handler(SIGUSR1, replaced, "a", "b");
  ::kill(::getpid(), SIGUSR1);
  print(co_await seen.get());

  // it wakes a loop that sleeps
  loop.add_signal_handler(SIGALRM, put, "alarm");
  itimerval once{};
  once.it_value.tv_usec = 30'000;
  ::setitimer(ITIMER_REAL, &once, nullptr);
  print(co_await aio::wait_for(seen.get(), 10s));

  // the handler may cancel a task
  const std::array<aio::task<>, 1> task{aio::create_task(service())};
  loop.add_signal_handler(SIGTERM, [t = task[0]] { t.cancel(); });
  co_await aio::sleep(0s);
  ::kill(::getpid(), SIGTERM);
  co_await aio::wait(task);
  print("cancelled", task[0].cancelled());

  const std::array<std::pair<int, std::string_view>, 3> handled{
      {{SIGUSR1, "SIGUSR1"}, {SIGTERM, "SIGTERM"}, {SIGALRM, "SIGALRM"}}};
  for (const auto& [number, name] : handled) {
    print("removed", name, loop.remove_signal_handler(number));
  }
  print("removed again", loop.remove_signal_handler(SIGUSR1));
  try {
    loop.add_signal_handler(SIGKILL, [] {});
  } catch (const aio::usage_error&) {
    print("sigkill cannot be caught:", label());
  }
  try {
    loop.add_signal_handler(1000, [] {});
  } catch (const value_error&) {
    print("no such signal:", label());
  }
}

AIO_TWIN(signal_handler) { aio::run(amain()); }

}  // namespace signal_handler
