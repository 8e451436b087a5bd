// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>

namespace demo_wait_failing {
using namespace conformance;

using job = aio::task<std::string>;

struct download_error : std::runtime_error {
  using runtime_error::runtime_error;
};

aio::coro<std::string> download(std::string name, int turns) {
  for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
  if (name.starts_with("bad")) throw download_error(name);
  co_return fmt::format("{} has {} parts", name, turns);
}

std::vector<job> sorted(std::vector<job> tasks) {
  std::sort(tasks.begin(), tasks.end(),
            [](const job& a, const job& b) { return a.name() < b.name(); });
  return tasks;
}

void report(const std::vector<job>& done) {
  for (const job& t : sorted(done)) {
    if (t.cancelled()) {
      print(" ", t.name(), "cancelled");
    } else if (t.exception()) {
      print(" ", t.name(), "failed: download_error", label(t.exception()));
    } else {
      print(" ", t.name(), "->", t.result());
    }
  }
}

std::vector<job> start() {
  const std::vector<std::pair<std::string, int>> jobs{
      {"one", 3}, {"bad two", 5}, {"three", 9}, {"bad four", 12}};
  std::vector<job> tasks;
  for (const auto& [name, turns] : jobs) {
    tasks.push_back(aio::create_task(download(name, turns), {.name = name}));
  }
  return tasks;
}

aio::coro<> amain() {
  print("all completed");
  const auto all = co_await aio::wait(start());
  report(all.done);
  print("  pending", all.pending.size());

  print("until the first failure");
  const auto some = co_await aio::wait(start(), {.return_when = aio::first_exception});
  report(some.done);
  std::vector<std::string> names;
  for (const job& t : sorted(some.pending)) names.push_back(t.name());
  print("  pending:", fmt::format("{}", fmt::join(names, ", ")));
  for (const job& t : some.pending) t.cancel();
  const auto rest = co_await aio::wait(some.pending);
  report(rest.done);

  print("one by one");
  std::vector<job> pending = start();
  while (!pending.empty()) {
    auto next = co_await aio::wait(pending, {.return_when = aio::first_completed});
    pending = std::move(next.pending);
    report(next.done);
  }
}

AIO_TWIN(demo_wait_failing) { aio::run(amain()); }

}  // namespace demo_wait_failing
