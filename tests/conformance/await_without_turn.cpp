// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace await_without_turn {
using namespace conformance;

template <class Make>
aio::coro<> check(std::string_view what, Make make) {
  bool flag = false;
  aio::get_running_loop().call_soon([&flag] { flag = true; });
  co_await make();
  print(what, flag ? "gave way" : "went straight on");
  co_await aio::sleep(0s);
}

aio::coro<int> one() { co_return 1; }

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  const aio::future<> done = loop.create_future();
  done.set_result();
  const aio::task<int> task = aio::create_task(one());
  co_await task;
  aio::event event;
  event.set();
  aio::lock lock;
  aio::semaphore semaphore(1);
  aio::queue<int> queue(1);

  const auto use_lock = [&]() -> aio::coro<> {
    const auto guard = co_await lock.scoped();
  };

  co_await check("coroutine", one);
  co_await check("sleep 0", [] { return aio::sleep(0s); });
  co_await check("new task", [] { return aio::create_task(one()); });
  co_await check("done future", [&] { return done; });
  co_await check("done task", [&] { return task; });
  co_await check("set event", [&] { return event.wait(); });
  co_await check("free lock", use_lock);
  co_await check("free semaphore", [&] { return semaphore.acquire(); });
  co_await check("put with room", [&] { return queue.put(1); });
  co_await check("get with item", [&] { return queue.get(); });
  queue.task_done();
  co_await check("join of finished queue", [&] { return queue.join(); });
  co_await check("gather of nothing", [] { return aio::gather(); });
  co_await check("gather of done", [&] { return aio::gather(done); });
  co_await check("wait of done", [&] { return aio::wait(std::vector{task}); });
  co_await check("shield of done", [&] { return aio::shield(done); });
}

AIO_TWIN(await_without_turn) { aio::run(amain()); }

}  // namespace await_without_turn
