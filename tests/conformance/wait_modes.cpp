// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>

namespace wait_modes {
using namespace conformance;

using tasks_of_work = std::vector<aio::task<int>>;

aio::coro<int> work(int turns, std::exception_ptr error = nullptr) {
  for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
  if (error) std::rethrow_exception(error);
  co_return turns;
}

std::string names(const tasks_of_work& tasks) {
  std::vector<std::string> sorted;
  for (const auto& t : tasks) sorted.push_back(t.name());
  std::sort(sorted.begin(), sorted.end());
  return sorted.empty() ? "none" : fmt::format("{}", fmt::join(sorted, ","));
}

void show(std::string_view what, const aio::wait_result<aio::task<int>>& result) {
  print(what, "done:", names(result.done), "pending:", names(result.pending));
}

struct spec {
  std::string_view name;
  int turns;
  std::exception_ptr error = nullptr;
};

tasks_of_work make(const std::vector<spec>& specs) {
  tasks_of_work tasks;
  for (const auto& [name, turns, error] : specs) {
    tasks.push_back(aio::create_task(work(turns, error), {.name = name}));
  }
  return tasks;
}

aio::coro<> amain() {
  tasks_of_work tasks = make({{"a", 3}, {"b", 1}, {"c", 5}});
  show("first completed",
       co_await aio::wait(tasks, {.return_when = aio::first_completed}));
  show("all completed", co_await aio::wait(tasks));
  show("again, all done",
       co_await aio::wait(tasks, {.return_when = aio::first_completed}));

  tasks =
      make({{"a", 1}, {"bad", 3, std::make_exception_ptr(value_error(""))}, {"c", 6}});
  show("first exception",
       co_await aio::wait(tasks, {.return_when = aio::first_exception}));
  show("all completed", co_await aio::wait(tasks));
  print("errors stay in the tasks:", label(tasks[1].exception()) == "value_error");

  tasks = make({{"a", 1}, {"b", 3}});
  show("no exception at all",
       co_await aio::wait(tasks, {.return_when = aio::first_exception}));

  // a cancelled task is not an exception for FIRST_EXCEPTION
  tasks = make({{"a", 4}, {"victim", 9}});
  tasks[1].cancel();
  show("with a cancelled one",
       co_await aio::wait(tasks, {.return_when = aio::first_exception}));
  tasks = make({{"a", 4}, {"victim", 9}});
  tasks[1].cancel();
  show("cancelled counts as completed",
       co_await aio::wait(tasks, {.return_when = aio::first_completed}));
  co_await tasks[0];

  try {
    co_await aio::wait(tasks_of_work());
  } catch (const value_error&) {
    print("nothing to wait for: value_error");
  }
}

AIO_TWIN(wait_modes) { aio::run(amain()); }

}  // namespace wait_modes
