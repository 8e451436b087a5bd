// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace cancel_while_waiting_on {
using namespace conformance;

template <class F>
aio::coro<> run(std::string_view what, F fn) {
  const auto target = [&]() -> aio::coro<> {
    try {
      co_await fn();
      print(what, "returned");
    } catch (const aio::cancelled_error&) {
      print(what, "cancelled");
      throw;
    }
  };
  const aio::task<> t = aio::create_task(target);
  co_await aio::sleep(0s);
  co_await aio::sleep(0s);
  t.cancel();
  co_await aio::wait(std::views::single(t));
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  aio::lock lock;
  aio::event event;
  aio::semaphore semaphore(0);
  aio::condition condition;
  aio::barrier barrier(2);
  aio::queue<std::string> empty;
  aio::queue<std::string> full(1);
  full.put_nowait("first");
  const aio::future<> future = loop.create_future();
  const aio::task<> child = aio::create_task(aio::sleep(60s));
  co_await lock.acquire();

  const auto in_condition = [&]() -> aio::coro<> {
    const auto guard = co_await condition.scoped();
    co_await condition.wait();
  };
  const auto in_timeout = []() -> aio::coro<> {
    co_await aio::timeout(60s, []() -> aio::coro<> { co_await aio::sleep(60s); });
  };
  const auto joined = [&]() -> aio::coro<> { co_await full.join(); };

  co_await run("sleep", [] { return aio::sleep(60s); });
  co_await run("lock", [&] { return lock.acquire(); });
  co_await run("event", [&] { return event.wait(); });
  co_await run("semaphore", [&] { return semaphore.acquire(); });
  co_await run("condition", in_condition);
  co_await run("barrier", [&] { return barrier.wait(); });
  co_await run("get", [&] { return empty.get(); });
  co_await run("put", [&] { return full.put("second"); });
  co_await run("join", joined);
  co_await run("timeout", in_timeout);
  co_await run("wait", [&] { return aio::wait(std::vector{child}); });
  co_await run("shield", [&] { return aio::shield(child); });
  print("child is still running", !child.done());
  co_await run("wait_for", [&] { return aio::wait_for(child, 60s); });
  print("child now cancelled", child.cancelled());
  co_await run("future", [&] { return future; });
  print("future now cancelled", future.cancelled());
  print("condition locked", condition.locked(), "lock locked", lock.locked());
  print("barrier waiting", barrier.n_waiting(), "full size", full.qsize(), "empty size",
        empty.qsize());
  lock.release();
  print("lock free", !lock.locked());
}

AIO_TWIN(cancel_while_waiting_on) { aio::run(amain()); }

}  // namespace cancel_while_waiting_on
