// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <variant>

namespace queue_join {
using namespace conformance;

using item = std::variant<int, std::string>;

aio::coro<> amain() {
  aio::queue<item> q;
  co_await q.join();
  print("join of an unused queue returns at once");
  std::vector<std::string> done;

  const auto worker = [&](char tag) -> aio::coro<> {
    while (true) {
      const int turns = std::get<int>(co_await q.get());
      for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
      done.push_back(fmt::format("{}{}", tag, turns));
      q.task_done();
    }
  };

  for (const int turns : {4, 1, 2, 1, 3}) q.put_nowait(turns);
  std::vector<aio::task<>> workers;
  for (const char tag : {'A', 'B'}) workers.push_back(aio::create_task(worker, tag));

  const auto joiner = [&](std::string tag) -> aio::coro<> {
    co_await q.join();
    print(tag, "joined after", done.size(), "items");
  };

  std::vector<aio::task<>> joiners;
  for (int i = 0; i < 2; ++i) {
    joiners.push_back(aio::create_task(joiner, fmt::format("j{}", i)));
  }
  co_await aio::gather(joiners);
  print(words(done));

  // put makes it unfinished again, get alone does not finish it
  q.put_nowait(0);
  aio::task<> j = aio::create_task(joiner, "late");
  co_await aio::sleep(0s);
  co_await aio::sleep(0s);
  co_await j;
  for (const aio::task<>& w : workers) w.cancel();
  co_await aio::wait(workers);

  q.put_nowait("x");
  const item taken = co_await q.get();
  print("got", std::get<std::string>(taken), "empty", q.empty());
  j = aio::create_task(joiner, "patient");
  co_await aio::sleep(0s);
  print("taken is not done:", j.done());
  q.task_done();
  co_await j;
  try {
    q.task_done();
  } catch (const value_error&) {
    print("task_done too often: value_error");
  }
}

AIO_TWIN(queue_join) { aio::run(amain()); }

}  // namespace queue_join
