// greet: three coroutines at once with gather(). Who waits the shortest time speaks
// first, and the whole takes as long as the slowest:
//
//   Hello, Bob!    Hello, Alice!    Hello, Charlie!      (on a line each)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>

using namespace std::chrono_literals;

aio::coro<> greet(std::string name, std::chrono::milliseconds delay) {
  co_await aio::sleep(delay);
  fmt::print("Hello, {}!\n", name);
}

aio::coro<> amain() {
  co_await aio::gather(greet("Alice", 400ms), greet("Bob", 200ms),
                       greet("Charlie", 600ms));
}

int main() { aio::run(amain()); }
