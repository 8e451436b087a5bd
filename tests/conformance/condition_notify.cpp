// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace condition_notify {
using namespace conformance;

aio::coro<> amain() {
  aio::condition condition;
  int stock = 0;

  const auto waiter = [&](std::string tag) -> aio::coro<> {
    const auto held = co_await condition.scoped();
    co_await condition.wait();
    const bool result = true;  // nothing in C++, always True in Python
    print(tag, "woke with the lock", condition.locked(), "result", result);
    co_await aio::sleep(0s);
    print(tag, "leaves");
  };

  std::vector<aio::task<>> tasks;
  for (int i = 0; i < 5; ++i) {
    tasks.push_back(aio::create_task(waiter, fmt::format("w{}", i)));
  }
  co_await aio::sleep(0s);
  print("all wait, locked", condition.locked());
  {
    const auto held = co_await condition.scoped();
    condition.notify();
    print("notified one, still holding the lock");
    co_await aio::sleep(0s);
    print("nobody can run yet");
  }
  co_await tasks[0];
  {
    const auto held = co_await condition.scoped();
    condition.notify(2);
  }
  co_await aio::wait(std::views::take(tasks, 3));
  const auto is_done = [](const aio::task<>& t) { return t.done(); };
  print("done:", words(std::views::transform(tasks, is_done)));
  {
    const auto held = co_await condition.scoped();
    condition.notify_all();
  }
  co_await aio::wait(tasks);

  const auto consumer = [&](std::string tag, int wanted) -> aio::coro<> {
    const auto held = co_await condition.scoped();
    co_await condition.wait_for([&] { return stock >= wanted; });
    stock -= wanted;
    print(tag, "took", wanted, "left", stock);
  };

  tasks.clear();
  for (const int n : {3, 1, 2}) {
    tasks.push_back(aio::create_task(consumer, fmt::format("c{}", n), n));
  }
  co_await aio::sleep(0s);
  for (int amount = 1; amount <= 3; ++amount) {
    {
      const auto held = co_await condition.scoped();
      stock += amount;
      print("delivered", amount);
      condition.notify_all();
    }
    co_await aio::sleep(10ms);
  }
  co_await aio::gather(tasks);

  const std::string_view calls[] = {"wait", "notify", "notify_all"};
  for (const std::string_view what : calls) {
    try {
      if (what == "wait") {
        co_await condition.wait();
      } else if (what == "notify") {
        condition.notify();
      } else {
        condition.notify_all();
      }
    } catch (const aio::usage_error&) {
      print(what, "without the lock: runtime_error");
    }
  }

  aio::lock lock;
  const aio::condition shared(lock);
  {
    const auto held = co_await lock.scoped();
    print("condition over a given lock: locked", shared.locked());
  }
}

AIO_TWIN(condition_notify) { aio::run(amain()); }

}  // namespace condition_notify
