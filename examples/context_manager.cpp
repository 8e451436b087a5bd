// context_manager: `async with`. aio::with() awaits enter(), then the block, then
// exit(), whether the block returns or throws; exit() is told of the exception. It
// prints the order of events, first of a block that ends well, then of one that fails.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

class connection {
 public:
  explicit connection(std::string name) : name_(std::move(name)) {}

  // async def __aenter__(self)
  aio::coro<connection&> enter() {
    fmt::print("aenter: connecting to {}\n", name_);
    co_await aio::sleep(10ms);
    co_return *this;
  }

  // async def __aexit__(self, exc_type, exc, tb)
  aio::coro<> exit(std::exception_ptr error) {
    co_await aio::sleep(10ms);
    fmt::print("aexit: disconnected from {}{}\n", name_,
               error ? " after an error" : "");
  }

  aio::coro<std::string> query(std::string what) {
    co_await aio::sleep(10ms);
    if (what.empty()) throw std::invalid_argument("an empty query");
    co_return fmt::format("{} of {}", what, name_);
  }

 private:
  std::string name_;
};

aio::coro<> amain() {
  auto ask = [](connection& c) -> aio::coro<std::string> {
    std::string answer = co_await c.query("the size");
    fmt::print("block: got {}\n", answer);
    co_return answer;
  };
  const std::string answer = co_await aio::with(connection("a database"), ask);
  fmt::print("result: {}\n", answer);

  try {
    co_await aio::with(connection("a broken one"), [](connection& c) -> aio::coro<> {
      co_await c.query("");
      fmt::print("block: never printed\n");
    });
  } catch (const std::invalid_argument& error) {
    fmt::print("caught: {}\n", error.what());
  }
}

int main() { aio::run(amain()); }
