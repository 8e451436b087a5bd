// hello: a coroutine that gives way for a second and goes on where it was.
//
//   Coroutine started
//   Coroutine resumed      (one second later)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>

using namespace std::chrono_literals;

aio::coro<> my_coroutine() {
  fmt::print("Coroutine started\n");
  co_await aio::sleep(1s);
  fmt::print("Coroutine resumed\n");
}

int main() { aio::run(my_coroutine()); }
