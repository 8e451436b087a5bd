// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>
#include <ranges>

namespace wait_timeout {
using namespace conformance;

aio::coro<> nap(aio::duration delay) {
  try {
    co_await aio::sleep(delay);
  } catch (const aio::cancelled_error&) {
    print(aio::current_task().name(), "cancelled");
    throw;
  }
}

std::string names(const std::vector<aio::task<>>& tasks) {
  std::vector<std::string> sorted;
  for (const auto& t : tasks) sorted.push_back(t.name());
  std::sort(sorted.begin(), sorted.end());
  return sorted.empty() ? "none" : fmt::format("{}", fmt::join(sorted, ","));
}

aio::coro<> amain() {
  const aio::task<> quick = aio::create_task(nap(10ms), {.name = "quick"});
  const aio::task<> slow = aio::create_task(nap(60s), {.name = "slow"});
  const std::vector both{quick, slow};
  aio::wait_result<aio::task<>> ended = co_await aio::wait(both, {.timeout = 100ms});
  print("timeout raises nothing; done", names(ended.done), "pending",
        names(ended.pending));
  print("pending ones are not cancelled:", slow.cancelling(), slow.done());

  ended = co_await aio::wait(std::views::single(slow), {.timeout = 0s});
  print("zero timeout: done", names(ended.done), "pending", names(ended.pending));
  ended = co_await aio::wait(std::views::single(quick), {.timeout = -1s});
  print("negative timeout, finished task: done", names(ended.done), "pending",
        names(ended.pending));

  const auto waiter = aio::create_task(
      aio::wait(std::views::single(slow), {.timeout = 60s}), {.name = "waiter"});
  co_await aio::sleep(0s);
  waiter.cancel();
  try {
    co_await waiter;
  } catch (const aio::cancelled_error&) {
    print("wait itself cancelled; slow cancelling", slow.cancelling());
  }

  slow.cancel();
  ended = co_await aio::wait(std::views::single(slow), {.timeout = 60s});
  print("after the cancel: done", names(ended.done), "cancelled", slow.cancelled());

  // several in one turn are reported together
  const aio::future<> gate = aio::get_running_loop().create_future();

  const auto gated = [&]() -> aio::coro<> { co_await gate; };

  std::vector<aio::task<>> three;
  for (int i = 0; i < 3; ++i) {
    three.push_back(aio::create_task({.name = fmt::format("g{}", i)}, gated));
  }
  three.push_back(aio::create_task(nap(60s), {.name = "other"}));
  co_await aio::sleep(0s);
  gate.set_result();
  ended = co_await aio::wait(three, {.return_when = aio::first_completed});
  print("first completed reports", names(ended.done), "pending", names(ended.pending));
  three[3].cancel();
  co_await aio::wait(std::views::single(three[3]));
}

AIO_TWIN(wait_timeout) { aio::run(amain()); }

}  // namespace wait_timeout
