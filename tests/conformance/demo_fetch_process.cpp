// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>
#include <cstddef>
#include <numeric>

namespace demo_fetch_process {
using namespace conformance;

aio::coro<std::string> fetch(int page) {
  print("fetch", page);
  co_await aio::sleep(50ms * page);
  if (page == 3) throw value_error("page 3 is broken");
  co_return fmt::format("page {}: ", page) +
      std::string(static_cast<std::size_t>(page), 'x');
}

aio::coro<std::size_t> process(std::string text) {
  co_await aio::sleep(0s);
  co_return text.size();
}

aio::coro<std::size_t> fetch_and_process(int page) {
  std::string text;
  try {
    text = co_await fetch(page);
  } catch (const value_error&) {
    print("skipped", page);
    co_return 0;
  }
  const std::size_t size = co_await process(text);
  print("processed", page, "size", size);
  co_return size;
}

// three stages connected by queues
aio::coro<> pipeline() {
  aio::queue<int> pages;
  aio::queue<std::string> texts(2);
  std::size_t total = 0;

  const auto fetcher = [&]() -> aio::coro<> {
    for (;;) {
      const int page = co_await pages.get();
      try {
        std::string text = co_await fetch(page);
        co_await texts.put(std::move(text));
      } catch (const value_error&) {
        print("pipeline skipped", page);
      }
      pages.task_done();
    }
  };
  const auto processor = [&]() -> aio::coro<> {
    for (;;) {
      std::string text = co_await texts.get();
      total += co_await process(std::move(text));
      texts.task_done();
    }
  };

  for (int page = 0; page < 4; ++page) pages.put_nowait(page);
  const std::vector<aio::task<>> workers{aio::create_task(fetcher()),
                                         aio::create_task(processor())};
  co_await pages.join();
  co_await texts.join();
  for (const auto& w : workers) w.cancel();
  const auto results = co_await aio::gather(aio::return_exceptions, workers);
  std::vector<int> cancelled;
  for (const auto& r : results) cancelled.push_back(r.cancelled());
  print("pipeline total", total, "workers cancelled", words(cancelled));
}

aio::coro<> amain() {
  std::vector<aio::coro<std::size_t>> jobs;
  const std::array<int, 4> order{4, 1, 3, 2};
  for (const int page : order) jobs.push_back(fetch_and_process(page));
  const auto sizes = co_await aio::gather(std::move(jobs));
  print("total", std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), "sizes",
        words(sizes));
  co_await pipeline();
}

AIO_TWIN(demo_fetch_process) { aio::run(amain()); }

}  // namespace demo_fetch_process
