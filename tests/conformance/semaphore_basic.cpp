// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>

namespace semaphore_basic {
using namespace conformance;

aio::coro<> amain() {
  aio::semaphore semaphore(2);
  int running = 0;
  int peak = 0;

  const auto worker = [&](char tag, int turns) -> aio::coro<> {
    const auto permit = co_await semaphore.scoped();
    ++running;
    peak = std::max(peak, running);
    print(tag, "in, running", running, "locked", semaphore.locked());
    for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
    --running;
    print(tag, "out");
  };

  const std::pair<char, int> jobs[] = {
      {'a', 4}, {'b', 2}, {'c', 1}, {'d', 3}, {'e', 0}};
  std::vector<aio::coro<>> workers;
  for (const auto& [tag, turns] : jobs) workers.push_back(worker(tag, turns));
  co_await aio::gather(std::move(workers));
  print("peak", peak, "locked", semaphore.locked());

  // a plain semaphore may grow
  for (int i = 0; i < 2; ++i) semaphore.release();
  for (int i = 0; i < 4; ++i) {
    co_await semaphore.acquire();
    print("acquired", i, "locked", semaphore.locked());
  }
  try {
    co_await aio::wait_for(semaphore.acquire(), 10ms);
  } catch (const aio::timeout_error&) {
    print("timeout at zero");
  }

  // a bounded one may not
  aio::bounded_semaphore bounded(1);
  {
    const auto permit = co_await bounded.scoped();
    print("bounded locked", bounded.locked());
  }
  try {
    bounded.release();
  } catch (const value_error&) {
    print("released too often: value_error, locked", bounded.locked());
  }
  try {
    const aio::semaphore negative(-1);
  } catch (const value_error&) {
    print("negative start: value_error");
  }

  aio::semaphore zero(0);
  print("zero locked", zero.locked());
  const aio::task<> waiter = aio::ensure_future(zero.acquire());
  co_await aio::sleep(0s);
  zero.release();
  co_await waiter;
  const bool acquired = true;  // nothing in C++, always True in Python
  print("acquire returned", acquired, "locked", zero.locked());
}

AIO_TWIN(semaphore_basic) { aio::run(amain()); }

}  // namespace semaphore_basic
