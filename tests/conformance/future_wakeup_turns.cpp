// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace future_wakeup_turns {
using namespace conformance;

int turn = 0;

template <class... Args>
void report(const Args&... args) {
  print(fmt::format("turn {}:", turn), args...);
}

aio::coro<> tick() {
  for (;;) {
    co_await aio::sleep(0s);
    ++turn;
  }
}

template <class Future>
aio::coro<std::string> waiter(std::string tag, Future fut) {
  report(tag, "waits");
  try {
    const auto value = co_await fut;
    report(tag, "got", value);
  } catch (const value_error&) {
    report(tag, "got value_error");
  }
  co_return tag;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  turn = 0;
  const aio::task<> ticking = loop.create_task(tick());
  const aio::future<int> f = loop.create_future<int>();
  std::vector<aio::task<std::string>> tasks;
  for (const char* tag : {"a", "b", "c"})
    tasks.push_back(loop.create_task(waiter(tag, f)));
  co_await aio::sleep(0s);
  co_await aio::sleep(0s);
  f.add_done_callback([](const aio::future<int>&) { report("callback"); });
  report("set_result");
  f.set_result(7);
  const aio::task<std::string> outer =
      loop.create_task(waiter("task-of-task", tasks[0]));
  co_await tasks[2];
  report("main resumed after c");
  report("a finished already", tasks[0].done());
  co_await outer;

  // awaiting something done does not give way
  const int before = turn;
  const int value = co_await f;
  const std::string a = co_await tasks[0];
  print(value, a, "turns", turn - before);

  const aio::future<int> g = loop.create_future<int>();
  const aio::task<std::string> t = loop.create_task(waiter("d", g));
  co_await aio::sleep(0s);
  report("set_exception");
  g.set_exception(value_error(""));
  co_await t;
  report("main resumed after d");
  ticking.cancel();
}

AIO_TWIN(future_wakeup_turns) { aio::run(amain()); }

}  // namespace future_wakeup_turns
