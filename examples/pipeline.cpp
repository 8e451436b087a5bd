// pipeline: fetches three URLs and processes what came (both simulated), each URL in
// its own task. Fetches and processing overlap, so the whole takes as long as the
// slowest of the three, 1.2 s, and not their sum, 3.0 s. It prints every step with the
// time since the start.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>

using namespace std::chrono_literals;

class stopwatch {
 public:
  // In whole fifths of a second, so that a busy machine prints the same.
  double seconds() const {
    using fifths = std::chrono::duration<int, std::ratio<1, 5>>;
    return std::chrono::floor<fifths>(aio::get_running_loop().time() - start_).count() /
           5.0;
  }

 private:
  aio::time_point start_ = aio::get_running_loop().time();
};

aio::coro<std::string> fetch(std::string url, std::chrono::milliseconds delay) {
  co_await aio::sleep(delay);
  co_return "<html>" + url + "</html>";
}

aio::coro<std::size_t> process(std::string page) {
  co_await aio::sleep(600ms);
  co_return page.size();
}

aio::coro<std::size_t> fetch_and_process(const stopwatch& watch, std::string url,
                                         std::chrono::milliseconds delay) {
  fmt::print("{:.1f} s  {}: fetching\n", watch.seconds(), url);
  std::string page = co_await fetch(url, delay);
  fmt::print("{:.1f} s  {}: processing\n", watch.seconds(), url);
  const std::size_t size = co_await process(page);
  fmt::print("{:.1f} s  {}: done, {} bytes\n", watch.seconds(), url, size);
  co_return size;
}

aio::coro<> amain() {
  const stopwatch watch;
  auto [a, b, c] =
      co_await aio::gather(fetch_and_process(watch, "http://example.com/a", 600ms),
                           fetch_and_process(watch, "http://example.com/b", 200ms),
                           fetch_and_process(watch, "http://example.com/c", 400ms));
  fmt::print("{:.1f} s  {} bytes in total\n", watch.seconds(), a + b + c);
}

int main() { aio::run(amain()); }
