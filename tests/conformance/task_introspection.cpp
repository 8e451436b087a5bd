// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>

namespace task_introspection {
using namespace conformance;

std::string names() {
  std::vector<std::string> all;
  for (const aio::any_task& t : aio::all_tasks()) all.push_back(t.name());
  std::sort(all.begin(), all.end());
  return fmt::format("{}", fmt::join(all, ","));
}

aio::coro<std::string> child() {
  const aio::any_task me = aio::current_task();
  print("in", me.name());
  co_await aio::sleep(0s);
  print("still", me.name(), "same task", me == aio::current_task());
  co_return me.name();
}

aio::coro<std::string> name_inline() { co_return aio::current_task().name(); }

void callback() {
  print("in a callback there is no current task:", !aio::current_task());
}

aio::coro<> amain() {
  using task = aio::task<std::string>;
  aio::event_loop& loop = aio::get_running_loop();
  aio::current_task().set_name("main");
  const std::string here = co_await name_inline();
  print("awaited coroutine runs in", here);
  const task one = aio::create_task(child(), {.name = "one"});
  const task two = aio::create_task(child(), {.name = "two"});
  const task three = loop.create_task(child(), {.name = "three"});
  print("all", names());
  two.set_name("second");
  loop.call_soon(callback);
  co_await aio::sleep(0s);
  print("all", names());
  const std::string first = co_await one;
  const std::string second = co_await two;
  const std::string third = co_await three;
  print(first, second, third);
  print("done tasks are gone:", names());
  const task auto1 = aio::create_task(child());
  const task auto2 = aio::create_task(child());
  print("automatic names differ", auto1.name() != auto2.name());
  auto1.cancel();
  auto2.cancel();
  print("cancelled but not finished:", aio::all_tasks().size());
  const std::vector<task> both = {auto1, auto2};
  co_await aio::wait(both);
  print("all", names());
}

AIO_TWIN(task_introspection) { aio::run(amain()); }

}  // namespace task_introspection
