// create_task: starts a coroutine beside the one that runs, which goes on at once and
// awaits it later. It prints
//
//   Task created
//   Task completed         (one second later)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>

using namespace std::chrono_literals;

aio::coro<> my_task() {
  co_await aio::sleep(1s);
  fmt::print("Task completed\n");
}

aio::coro<> amain() {
  aio::task<> task = aio::create_task(my_task());
  fmt::print("Task created\n");
  co_await task;
}

int main() { aio::run(amain()); }
