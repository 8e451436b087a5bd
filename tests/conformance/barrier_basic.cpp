// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>
#include <cstddef>

namespace barrier_basic {
using namespace conformance;

using indexes_of_party = std::pair<std::string, std::vector<std::size_t>>;

aio::coro<> amain() {
  aio::barrier barrier(3);
  print("parties", barrier.parties(), "waiting", barrier.n_waiting(), "broken",
        barrier.broken());
  std::vector<std::string> log;

  const auto party = [&](std::string tag, int rounds) -> aio::coro<indexes_of_party> {
    std::vector<std::size_t> indexes;
    for (int i = 0; i < rounds; ++i) {
      log.push_back(tag + " arrives");
      const std::size_t index = co_await barrier.wait();
      indexes.push_back(index);
      log.push_back(tag + " passes");
    }
    co_return indexes_of_party(tag, indexes);
  };

  const auto a = aio::create_task(party, "a", 1);
  co_await aio::sleep(0s);
  const auto b = aio::create_task(party, "b", 1);
  co_await aio::sleep(0s);
  print("waiting", barrier.n_waiting(), "a done", a.done(), "b done", b.done());
  const auto c = aio::create_task(party, "c", 1);
  const std::vector all{a, b, c};
  for (const auto& t : all) {
    const auto& [tag, indexes] = co_await t;
    print(tag, "index", words(indexes));
  }
  std::vector<char> passed;
  for (std::size_t i = 3; i < log.size(); ++i) passed.push_back(log[i][0]);
  std::sort(passed.begin(), passed.end());
  print(fmt::format("{}, {}, {}", log[0], log[1], log[2]),
        "| passed:", fmt::format("{}", fmt::join(passed, ",")));
  print("waiting", barrier.n_waiting(), "broken", barrier.broken());

  // used again and again; each round hands out 0, 1 and 2 once
  std::vector<aio::coro<indexes_of_party>> parties;
  for (const char* const tag : {"x", "y", "z"}) parties.push_back(party(tag, 4));
  const auto results = co_await aio::gather(std::move(parties));
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<std::size_t> round;
    for (const auto& [tag, indexes] : results) round.push_back(indexes[i]);
    std::sort(round.begin(), round.end());
    print("round", i, "indexes", words(round));
  }

  aio::barrier of_one(1);
  co_await aio::with(of_one, [](std::size_t position) -> aio::coro<> {
    print("barrier of one, position", position);
    co_return;
  });
  try {
    const aio::barrier of_zero(0);
  } catch (const value_error&) {
    print("barrier of zero: value_error");
  }
}

AIO_TWIN(barrier_basic) { aio::run(amain()); }

}  // namespace barrier_basic
