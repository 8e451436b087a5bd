// future: a result that a callback of the loop sets a second later. The coroutine that
// awaits it sleeps meanwhile, and prints
//
//   Waiting for the future (done: false)
//   Future is done!        (one second later)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>

using namespace std::chrono_literals;

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  aio::future<std::string> future = loop.create_future<std::string>();
  loop.call_later(1s, [future]() mutable { future.set_result("Future is done!"); });

  fmt::print("Waiting for the future (done: {})\n", future.done());
  const std::string& result = co_await future;
  fmt::print("{}\n", result);
}

int main() { aio::run(amain()); }
