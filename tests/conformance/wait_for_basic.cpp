// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace wait_for_basic {
using namespace conformance;

aio::coro<std::string> job(std::string tag, aio::duration delay,
                           aio::duration cleanup = 0s) {
  print(tag, "starts");
  std::exception_ptr cancelled;
  try {
    co_await aio::sleep(delay);
    co_return tag + " result";
  } catch (const aio::cancelled_error&) {
    print(tag, "cancelled");
    cancelled = std::current_exception();
  }
  co_await aio::sleep(cleanup);
  print(tag, "cleaned up");
  std::rethrow_exception(cancelled);
}

aio::coro<std::string> fails() {
  throw value_error("");
  co_return "";
}

template <class Awaitable>
aio::coro<> attempt(Awaitable aw, aio::time_limit timeout) {
  try {
    print("->", co_await aio::wait_for(std::move(aw), timeout));
  } catch (const aio::timeout_error&) {
    print("-> timeout");
  } catch (const value_error&) {
    print("-> value_error");
  }
}

aio::coro<> amain() {
  co_await attempt(job("in time", 0s), 60s);
  co_await attempt(job("no limit", 10ms), aio::no_limit);
  co_await attempt(job("too slow", 60s), 10ms);
  co_await attempt(job("slow cleanup", 60s, 50ms), 10ms);
  co_await attempt(fails(), 60s);
  co_await attempt(job("never started", 0s), 0s);
  co_await attempt(job("never started either", 0s), -1s);

  auto task = aio::create_task(job("task", 60s));
  co_await attempt(task, 10ms);
  print("task cancelled", task.cancelled());

  task = aio::create_task(job("running task", 60s));
  co_await aio::sleep(0s);
  co_await attempt(task, 0s);
  print("running task cancelled", task.cancelled());

  const auto done = aio::create_task(job("finished", 0s));
  co_await done;
  co_await attempt(done, 0s);
  co_await attempt(done, -5s);

  const auto future = aio::get_running_loop().create_future<std::string>();
  co_await attempt(future, 10ms);
  print("future cancelled", future.cancelled());
}

AIO_TWIN(wait_for_basic) { aio::run(amain()); }

}  // namespace wait_for_basic
