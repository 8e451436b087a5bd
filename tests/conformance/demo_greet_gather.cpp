// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>
#include <cstddef>

namespace demo_greet_gather {
using namespace conformance;

aio::coro<std::size_t> greet(std::string name, std::chrono::milliseconds delay) {
  print(fmt::format("Hello, {}!", name));
  co_await aio::sleep(delay);
  print(fmt::format("Goodbye, {}!", name));
  co_return name.size();
}

aio::coro<> amain() {
  print("one after the other");
  const auto a = co_await greet("Ada", 10ms);
  const auto b = co_await greet("Bob", 0ms);
  print("letters", a, b);

  print("at the same time");
  const auto [cleo, dan, eve] = co_await aio::gather(
      greet("Cleo", 150ms), greet("Dan", 50ms), greet("Eve", 100ms));
  print("letters", cleo, dan, eve);

  print("as tasks");
  std::vector<aio::task<std::size_t>> tasks;
  const std::array<std::string, 2> names{"Fay", "Gus"};
  for (const std::string& name : names) {
    tasks.push_back(aio::create_task(greet(name, 0ms), {.name = name}));
  }
  for (const auto& t : tasks) print(t.name(), "done", t.done());
  for (const auto& t : tasks) {
    const auto letters = co_await t;
    print(t.name(), "returned", letters);
  }
}

AIO_TWIN(demo_greet_gather) { aio::run(amain()); }

}  // namespace demo_greet_gather
