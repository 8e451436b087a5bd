// fetch_data: a list of coroutines, gathered. They run at the same time and end in
// another order than they were started in; gather() yields their results in the order
// of the list. It prints each start, each end, and then the results.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// Stands for a request to a database or another machine.
aio::coro<std::string> fetch_data(int id, std::chrono::milliseconds delay) {
  fmt::print("Fetching data {}...\n", id);
  co_await aio::sleep(delay);
  fmt::print("Data {} fetched\n", id);
  co_return fmt::format("result {}", id);
}

aio::coro<> amain() {
  std::vector<aio::coro<std::string>> requests;
  requests.push_back(fetch_data(1, 400ms));
  requests.push_back(fetch_data(2, 200ms));
  requests.push_back(fetch_data(3, 600ms));

  const auto results = co_await aio::gather(std::move(requests));
  for (const std::string& one : results) fmt::print("{}\n", one);
}

int main() { aio::run(amain()); }
