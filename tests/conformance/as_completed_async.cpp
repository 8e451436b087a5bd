// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>
#include <map>
#include <ranges>

namespace as_completed_async {
using namespace conformance;

aio::coro<std::string> job(std::string tag, aio::future<> gate, bool fails = false) {
  co_await gate;
  if (fails) throw value_error(tag);
  co_return tag;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  std::map<std::string, aio::future<>> gates;
  for (const char* const tag : {"a", "b", "c"}) gates[tag] = loop.create_future();
  std::map<std::string, aio::task<std::string>> tasks;
  for (const auto& [tag, gate] : gates) {
    tasks[tag] = aio::create_task(job(tag, gate, tag == "b"));
  }

  const auto opener = [&]() -> aio::coro<> {
    const char* const tags[] = {"c", "b", "a"};
    for (const char* const tag : tags) {
      co_await aio::sleep(10ms);
      gates[tag].set_result();
    }
  };
  const aio::task<> op = aio::create_task(opener);

  // asynchronous iteration hands out the tasks themselves, finished
  auto each = aio::as_completed(std::views::values(tasks));
  while (auto task = co_await each.next()) {
    const auto found = std::ranges::find_if(
        tasks, [&](const auto& entry) { return entry.second == *task; });
    const std::string tag = found->first;
    try {
      print(tag, "done", task->done(), "result", task->result());
    } catch (const value_error&) {
      print(tag, "done", task->done(), "value_error");
    }
  }
  co_await op;

  // a coroutine is wrapped in a task of its own; await gives the result
  std::vector<aio::coro<std::string>> coros;
  coros.push_back(job("wrapped", gates["a"]));
  auto wrapped = aio::as_completed(std::move(coros));
  while (auto task = co_await wrapped.next()) print("result", co_await *task);

  auto nothing = aio::as_completed(std::vector<aio::task<>>());
  while (auto task = co_await nothing.next()) print("not reached");
  print("nothing to iterate over");
}

AIO_TWIN(as_completed_async) { aio::run(amain()); }

}  // namespace as_completed_async
