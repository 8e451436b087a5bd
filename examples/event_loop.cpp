// event_loop: a loop made by hand, which runs until a coroutine is done. (aio::run()
// does the same, and cleans up; this is what is below it.) It prints what a callback
// and two coroutines say in turn, and the result.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>

using namespace std::chrono_literals;

aio::coro<int> count_letters(std::string_view word) {
  fmt::print("Coroutine: counting the letters of '{}'\n", word);
  co_await aio::sleep(100ms);
  co_return static_cast<int>(word.size());
}

aio::coro<> say_goodbye() {
  fmt::print("Coroutine: goodbye\n");
  co_return;
}

int main() {
  aio::event_loop loop;
  loop.call_soon([] { fmt::print("Callback: the loop runs\n"); });

  const int letters = loop.run_until_complete(count_letters("asyncio"));
  fmt::print("Result: {}\n", letters);

  // Between two runs everything stands still, and may be run again.
  fmt::print("Running: {}\n", loop.is_running());
  loop.run_until_complete(say_goodbye());

  loop.close();
  fmt::print("Closed: {}\n", loop.is_closed());
}
