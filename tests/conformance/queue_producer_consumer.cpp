// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <optional>

namespace queue_producer_consumer {
using namespace conformance;

using queue = aio::queue<std::optional<std::string>>;

aio::coro<> producer(char tag, queue& q, int count) {
  for (int i = 0; i < count; ++i) {
    co_await q.put(fmt::format("{}{}", tag, i));
    print(tag, "put", fmt::format("{}{}", tag, i));
  }
  print(tag, "is through");
}

aio::coro<> consumer(char tag, queue& q) {
  std::vector<std::string> got;
  while (true) {
    const std::optional<std::string> item = co_await q.get();
    if (!item) {
      print(tag, "stops with", words(got));
      co_return;
    }
    print(tag, "got", *item);
    got.push_back(*item);
    co_await aio::sleep(0s);
  }
}

aio::coro<> run(int maxsize, std::size_t producers, std::size_t consumers) {
  print(fmt::format("maxsize {}, {} producers, {} consumers", maxsize, producers,
                    consumers));
  queue q(maxsize);
  std::vector<aio::task<>> ps;
  for (std::size_t i = 0; i < producers; ++i) {
    ps.push_back(aio::create_task(producer("pq"[i], q, 3)));
  }
  std::vector<aio::task<>> cs;
  for (std::size_t i = 0; i < consumers; ++i) {
    cs.push_back(aio::create_task(consumer("cd"[i], q)));
  }
  co_await aio::gather(ps);
  for (std::size_t i = 0; i < cs.size(); ++i) co_await q.put(std::nullopt);
  co_await aio::gather(cs);
}

aio::coro<> amain() {
  co_await run(1, 1, 1);
  co_await run(1, 2, 1);
  co_await run(2, 1, 2);
  co_await run(0, 2, 2);
}

AIO_TWIN(queue_producer_consumer) { aio::run(amain()); }

}  // namespace queue_producer_consumer
