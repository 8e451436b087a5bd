// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace demo_countdown {
using namespace conformance;

using lines = std::vector<std::string>;

aio::coro<std::string> countdown(std::string name, int n, lines& log) {
  while (n > 0) {
    log.push_back(fmt::format("{}:{}", name, n));
    co_await aio::sleep(0s);
    --n;
  }
  log.push_back(name + ":lift off");
  co_return name;
}

aio::coro<> slow_countdown(std::string name, int n, std::chrono::milliseconds pause,
                           lines& log) {
  for (int i = n; i > 0; --i) {
    log.push_back(fmt::format("{}{}", name, i));
    co_await aio::sleep(pause);
  }
  log.push_back(name + "0");
}

aio::coro<> amain() {
  lines log;
  const auto a = aio::create_task(countdown("A", 3, log));
  const auto b = aio::create_task(countdown("B", 5, log));
  print("winner so far: nobody, started", log.size());
  const std::string first = co_await a;
  const std::string second = co_await b;
  print(first, "and", second);
  print(fmt::format("{}", fmt::join(log, ", ")));

  // by time: the quick one overtakes the slow one
  log.clear();
  co_await aio::gather(slow_countdown("s", 2, 250ms, log),
                       slow_countdown("q", 3, 100ms, log));
  print(words(log));

  // an aborted countdown
  log.clear();
  const auto task = aio::create_task(countdown("C", 1000, log));
  for (int turn = 0; turn < 4; ++turn) co_await aio::sleep(0s);
  task.cancel();
  try {
    co_await task;
  } catch (const aio::cancelled_error&) {
    print("aborted after", words(log));
  }
}

AIO_TWIN(demo_countdown) { aio::run(amain()); }

}  // namespace demo_countdown
