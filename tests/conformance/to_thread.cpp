// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace to_thread {
using namespace conformance;

const aio::context_var<std::string> user{"user", "nobody"};

std::pair<int, std::thread::id> blocking(int a, int b = 0) {
  return {a + b, std::this_thread::get_id()};
}

std::string reads_context() {
  const std::string seen = user.get();
  user.set("changed in the thread");
  return seen;
}

void fails() { throw key_error(""); }

aio::coro<> amain() {
  const auto [value, thread] = co_await aio::to_thread(blocking, 40, 2);
  print(value, "another thread", thread != std::this_thread::get_id());
  try {
    co_await aio::to_thread(fails);
  } catch (const key_error&) {
    print("key_error comes over");
  }

  user.set("alice");
  print("the context is copied:", co_await aio::to_thread(reads_context));
  print("changes do not come back:", user.get());

  const auto as_user = [](std::string name) -> aio::coro<std::string> {
    user.set(name);
    co_return co_await aio::to_thread(reads_context);
  };

  std::vector<aio::coro<std::string>> as_users;
  for (const char* const name : {"bob", "carol", "dave"}) {
    as_users.push_back(as_user(name));
  }
  print(words(co_await aio::gather(std::move(as_users))));
  print("still", user.get());

  // many calls, many threads, no lost update
  int counter = 0;
  std::mutex lock;

  const auto count = [&] {
    const std::lock_guard held(lock);
    ++counter;
  };

  std::vector<decltype(aio::to_thread(count))> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(aio::to_thread(count));
  co_await aio::gather(std::move(calls));
  print("counted", counter);

  // a coroutine made by to_thread does nothing until it is awaited
  std::atomic<bool> started = false;
  auto call = aio::to_thread([&] { started = true; });
  co_await aio::sleep(20ms);
  print("before await", started.load());
  co_await std::move(call);
  print("after await", started.load());
}

AIO_TWIN(to_thread) { aio::run(amain()); }

}  // namespace to_thread
