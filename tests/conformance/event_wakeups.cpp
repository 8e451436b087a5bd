// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace event_wakeups {
using namespace conformance;

aio::coro<> amain() {
  aio::event event;

  const auto waiter = [&](std::string tag) -> aio::coro<> {
    co_await event.wait();
    const bool result = true;  // nothing in C++, always True in Python
    print(tag, "woke, wait returned", result, "set", event.is_set());
  };
  const auto is_done = [](const aio::task<>& t) { return t.done(); };
  const auto is_cancelled = [](const aio::task<>& t) { return t.cancelled(); };

  std::vector<aio::task<>> tasks;
  for (const char* const tag : {"a", "b", "c"}) {
    tasks.push_back(aio::create_task(waiter, tag));
  }
  co_await aio::sleep(0s);
  print("set", event.is_set());
  event.set();
  print("set() wakes nobody inside the call");
  co_await aio::sleep(0s);
  print("one turn later done:", words(std::views::transform(tasks, is_done)));
  co_await waiter("late");

  // clear right after set: the waiters of that moment still wake
  event.clear();
  tasks.clear();
  for (const char* const tag : {"d", "e"}) {
    tasks.push_back(aio::create_task(waiter, tag));
  }
  co_await aio::sleep(0s);
  event.set();
  event.clear();
  const aio::task<> newcomer = aio::create_task(waiter, "newcomer");
  co_await aio::wait(tasks);
  co_await aio::sleep(0s);
  print("newcomer done", newcomer.done());
  event.set();
  event.set();
  co_await newcomer;

  // a waiter that is cancelled does not disturb the others
  event.clear();
  tasks.clear();
  for (const char* const tag : {"f", "g", "h"}) {
    tasks.push_back(aio::create_task(waiter, tag));
  }
  co_await aio::sleep(0s);
  tasks[1].cancel();
  event.set();
  co_await aio::wait(tasks);
  print("cancelled:", words(std::views::transform(tasks, is_cancelled)));

  event.clear();
  try {
    co_await aio::wait_for(event.wait(), 10ms);
  } catch (const aio::timeout_error&) {
    print("timeout, set", event.is_set());
  }
}

AIO_TWIN(event_wakeups) { aio::run(amain()); }

}  // namespace event_wakeups
