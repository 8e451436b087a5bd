// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace runner_basic {
using namespace conformance;

template <class T>
aio::coro<T> answer(T n) {
  co_await aio::sleep(0s);
  co_return n;
}

aio::coro<> fail() {
  throw key_error("");
  co_return;
}

aio::coro<int> nested() {
  aio::coro<int> coro = answer(1);
  try {
    aio::run(std::move(coro));
  } catch (const aio::usage_error&) {
    print("run inside a running loop:", label());
  }
  // refused, so it is still ours
  co_return co_await std::move(coro);
}

aio::coro<> background(std::vector<int>& log) {
  for (int i = 0; i < 4; ++i) {
    log.push_back(i);
    co_await aio::sleep(0s);
  }
}

aio::coro<aio::task<>> starts(std::vector<int>& log) {
  co_return aio::create_task(background(log));
}

aio::coro<> waits(aio::task<> task) { co_await task; }

AIO_TWIN(runner_basic) {
  print("run returns", aio::run(answer(42)));
  try {
    aio::run(fail());
  } catch (const key_error&) {
    print("run raises key_error");
  }
  print("nested", aio::run(nested()));
  try {
    aio::get_running_loop();
  } catch (const aio::usage_error&) {
    print("no running loop outside:", label());
  }

  std::vector<int> log;
  aio::runner runner;
  aio::event_loop& loop = runner.get_loop();
  print("one", runner.run(answer<std::string>("first")));
  print("two", runner.run(answer<std::string>("second")));
  print("same loop", &runner.get_loop() == &loop, "closed", loop.is_closed());
  try {
    runner.run(fail());
  } catch (const key_error&) {
    print("key_error, the runner is still usable");
  }
  print("three", runner.run(answer<std::string>("third")));

  // a task left over by one run goes on in the next one
  const aio::task<> task = runner.run(starts(log));
  print("not all in the first run", log.size() < 4, "done", task.done());
  runner.run(waits(task));
  print("finished in the next run:", words(log));

  runner.close();
  print("closed", loop.is_closed());
  runner.close();
  try {
    runner.get_loop();
  } catch (const aio::usage_error&) {
    print("get_loop of a closed runner:", label());
  }
}

}  // namespace runner_basic
