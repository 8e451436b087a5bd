// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace queue_fifo {
using namespace conformance;

template <class Queue>
std::string state(const Queue& q) {
  return fmt::format("size {} empty {:d} full {:d}", q.qsize(), q.empty(), q.full());
}

aio::coro<> amain() {
  aio::queue<std::string> q(2);
  print("maxsize", q.maxsize(), state(q));
  co_await q.put("a");
  q.put_nowait("b");
  print(state(q));
  try {
    q.put_nowait("c");
  } catch (const aio::queue_full&) {
    print("put_nowait: queue_full");
  }

  const auto producer = [&](std::string tag) -> aio::coro<> {
    co_await q.put(tag);
    print(tag, "stored,", state(q));
  };

  std::vector<aio::task<>> producers;
  for (const char* const tag : {"c", "d", "e"}) {
    producers.push_back(aio::create_task(producer, tag));
  }
  co_await aio::sleep(0s);
  print("three producers wait,", state(q));
  print("get_nowait", q.get_nowait());
  print("nobody stored yet,", state(q));
  co_await aio::sleep(0s);
  print("get", co_await q.get());
  co_await aio::sleep(0s);
  const std::string first = co_await q.get();
  const std::string second = co_await q.get();
  print("get", first, second);
  co_await aio::wait(producers);
  const std::string last = co_await q.get();
  print("get", last, state(q));
  try {
    q.get_nowait();
  } catch (const aio::queue_empty&) {
    print("get_nowait: queue_empty");
  }

  // waiting consumers are served in order
  aio::queue<int> numbers(2);
  const auto consumer = [&](std::string tag) -> aio::coro<> {
    const int item = co_await numbers.get();
    print(tag, "got", item);
  };

  std::vector<aio::task<>> consumers;
  for (int i = 0; i < 3; ++i) {
    consumers.push_back(aio::create_task(consumer, fmt::format("k{}", i)));
  }
  co_await aio::sleep(0s);
  numbers.put_nowait(1);
  numbers.put_nowait(2);
  co_await aio::wait(std::views::take(consumers, 2));
  co_await numbers.put(3);
  co_await consumers[2];

  for (const int maxsize : {0, -1}) {
    aio::queue<int> unbounded(maxsize);
    for (int i = 0; i < 100; ++i) unbounded.put_nowait(i);
    print("maxsize", unbounded.maxsize(), state(unbounded));
  }
}

AIO_TWIN(queue_fifo) { aio::run(amain()); }

}  // namespace queue_fifo
