// wait_failures: wait() over four tasks, of which two fail and one is too slow. wait()
// throws nothing of theirs: it says who is done and who is not, and each task that is
// done has its result or its exception. It prints both lists, and cancels the rest.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

aio::coro<int> divide(int a, int b, std::chrono::milliseconds delay) {
  co_await aio::sleep(delay);
  if (b == 0) throw std::domain_error(fmt::format("{} / 0", a));
  co_return a / b;
}

void report(const aio::task<int>& task) {
  try {
    fmt::print("  {}: result {}\n", task.name(), task.result());
  } catch (const std::exception& error) {
    fmt::print("  {}: failed: {}\n", task.name(), error.what());
  }
}

aio::coro<> amain() {
  std::vector<aio::task<int>> tasks;
  tasks.push_back(aio::create_task(divide(6, 3, 30ms), {.name = "first"}));
  tasks.push_back(aio::create_task(divide(1, 0, 20ms), {.name = "second"}));
  tasks.push_back(aio::create_task(divide(8, 2, 1h), {.name = "third"}));
  tasks.push_back(aio::create_task(divide(2, 0, 10ms), {.name = "fourth"}));

  auto [done, pending] = co_await aio::wait(tasks, {.timeout = 500ms});
  fmt::print("Done: {}\n", done.size());
  for (const auto& task : done) report(task);
  fmt::print("Pending: {}\n", pending.size());
  for (auto& task : pending) {
    task.cancel();
    fmt::print("  {}: cancelling\n", task.name());
  }

  // A cancelled task ends when it runs again, not at once.
  const auto ended = co_await aio::wait(pending);
  for (const auto& task : ended.done) {
    fmt::print("  {}: cancelled: {}\n", task.name(), task.cancelled());
  }
}

int main() { aio::run(amain()); }
