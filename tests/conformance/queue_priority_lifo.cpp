// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace queue_priority_lifo {
using namespace conformance;

template <class Queue>
aio::coro<std::vector<typename Queue::value_type>> drain(Queue& q) {
  std::vector<typename Queue::value_type> out;
  while (!q.empty()) out.push_back(co_await q.get());
  co_return out;
}

aio::coro<> amain() {
  aio::priority_queue<int> p;
  const int numbers[] = {5, 1, 4, 2, 3, 1};
  for (const int n : numbers) co_await p.put(n);
  print("priority:", words(co_await drain(p)));

  using ranked = std::pair<int, std::string>;
  aio::priority_queue<ranked> pairs;
  const ranked items[] = {{2, "write"}, {1, "read"}, {3, "sleep"}, {1, "open"}};
  for (const ranked& item : items) pairs.put_nowait(item);
  std::vector<std::string> drained;
  for (const auto& [n, what] : co_await drain(pairs)) {
    drained.push_back(fmt::format("{}-{}", n, what));
  }
  print("pairs:", words(drained));

  aio::lifo_queue<int> l;
  for (int n = 1; n <= 3; ++n) co_await l.put(n);
  fmt::print("lifo: {} ", co_await l.get());
  co_await l.put(4);
  print(words(co_await drain(l)));

  // waiting getters are served in the order of their waiting, the items by rank
  const auto getter = [&](std::string tag) -> aio::coro<> {
    print(tag, "got", co_await p.get());
  };

  std::vector<aio::task<>> tasks;
  for (const char* const tag : {"first", "second"}) {
    tasks.push_back(aio::create_task(getter, tag));
  }
  co_await aio::sleep(0s);
  p.put_nowait(9);
  p.put_nowait(1);
  co_await aio::gather(tasks);

  // a full priority queue: the waiting putters come in order, then the rank decides
  aio::priority_queue<int> small(2);
  small.put_nowait(50);
  small.put_nowait(40);
  std::vector<aio::task<>> putters;
  for (const int n : {30, 10, 20}) putters.push_back(aio::ensure_future(small.put(n)));
  co_await aio::sleep(0s);
  std::vector<int> out;
  for (int i = 0; i < 5; ++i) {
    out.push_back(co_await small.get());
    co_await aio::sleep(0s);
  }
  print("bounded priority:", words(out));
  co_await aio::gather(putters);
}

AIO_TWIN(queue_priority_lifo) { aio::run(amain()); }

}  // namespace queue_priority_lifo
