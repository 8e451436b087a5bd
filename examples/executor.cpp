// executor: a call that blocks its thread, made with run_in_executor() so that it
// blocks another thread than the loop's. A ticker proves that the loop goes on
// meanwhile; then to_thread(), the short form, has another thread compute something.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

using namespace std::chrono_literals;

std::string blocking_call(int seconds_tenth) {
  std::this_thread::sleep_for(seconds_tenth * 100ms);
  return "blocking call finished";
}

std::uint64_t sum_to(std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i <= n; ++i) sum += i;
  return sum;
}

aio::coro<> tick() {
  for (int i = 1;; ++i) {
    co_await aio::sleep(300ms);
    fmt::print("tick {}\n", i);
  }
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  aio::task<> ticker = aio::create_task(tick());

  fmt::print("blocking call started\n");
  const std::string text = co_await loop.run_in_executor(blocking_call, 8);
  fmt::print("{}\n", text);
  ticker.cancel();

  const auto loop_thread = std::this_thread::get_id();
  bool is_elsewhere = false;
  const std::uint64_t sum = co_await aio::to_thread([&] {
    is_elsewhere = std::this_thread::get_id() != loop_thread;
    return sum_to(1'000'000);
  });
  fmt::print("1 + 2 + ... + 1000000 = {}, in another thread: {}\n", sum, is_elsewhere);
}

int main() { aio::run(amain()); }
