// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>

namespace as_completed_plain {
using namespace conformance;

constexpr std::string_view tags = "abcd";

aio::coro<std::string> job(char tag, aio::future<> gate, bool fails = false) {
  co_await gate;
  if (fails) throw value_error(std::string(1, tag));
  co_return std::string(1, tag);
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  std::vector<aio::future<>> gates;
  for (int i = 0; i < 4; ++i) gates.push_back(loop.create_future());
  std::vector<aio::task<std::string>> tasks;
  for (std::size_t i = 0; i < 4; ++i) {
    tasks.push_back(aio::create_task(job(tags[i], gates[i], tags[i] == 'c')));
  }
  co_await aio::sleep(0s);

  const auto opener = [&]() -> aio::coro<> {
    const std::size_t order[] = {2, 0, 3, 1};
    for (const std::size_t i : order) {
      print("open gate of", tags[i]);
      gates[i].set_result();
      for (int turn = 0; turn < 6; ++turn) co_await aio::sleep(0s);
    }
  };
  const aio::task<> op = aio::create_task(opener);
  for (auto next_one : aio::as_completed(tasks)) {
    try {
      print("next:", co_await std::move(next_one));
    } catch (const value_error& e) {
      print("next: value_error from", e.what());
    }
  }
  co_await op;

  // results that are already there come out without waiting for anything new
  std::vector<std::string> again;
  const std::vector two{tasks[0], tasks[3]};
  for (auto next_one : aio::as_completed(two)) {
    again.push_back(co_await std::move(next_one));
  }
  std::sort(again.begin(), again.end());
  print("again:", words(again));

  int count = 0;
  for (auto next_one : aio::as_completed(std::vector<aio::task<>>())) {
    next_one.close();
    ++count;
  }
  print("nothing:", count);
}

AIO_TWIN(as_completed_plain) { aio::run(amain()); }

}  // namespace as_completed_plain
