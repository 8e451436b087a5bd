// subprocess_pipeline: a shell's pipeline, sort | uniq -c | sort -rn, with a coroutine
// between every two programs: it passes the bytes on as fast as the next one takes them,
// and could look at them on their way. Then a program that takes too long, and one that
// cannot be run. It prints how often which word came, and how the others ended.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;

/// What one program writes becomes what the next one reads.
aio::coro<> pass_on(aio::stream_reader from, aio::stream_writer to) {
  for (;;) {
    std::string some = co_await from.read(64 * 1024);
    if (some.empty()) break;
    to.write(some);
    co_await to.drain();
  }
  to.close();
}

aio::coro<> feed(aio::stream_writer to) {
  const std::vector<std::string> words = {"pear", "apple", "pear",
                                          "plum", "apple", "pear"};
  for (std::size_t i = 0; i < 60'000; ++i) {
    to.write(words[i % words.size()] + "\n");
    co_await to.drain();
  }
  to.close();
}

aio::coro<> count_words() {
  const aio::subprocess_options both = {.in = aio::pipe, .out = aio::pipe};
  auto sort = co_await aio::create_subprocess_exec(both, "sort");
  auto count = co_await aio::create_subprocess_exec(both, "uniq", "-c");
  auto rank = co_await aio::create_subprocess_exec(both, "sort", "-rn");

  co_await aio::with(aio::task_group(), [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(feed(sort.in));
    group.create_task(pass_on(sort.out, count.in));
    group.create_task(pass_on(count.out, rank.in));
    for (;;) {
      const std::string line = co_await rank.out.readline();
      if (line.empty()) break;
      fmt::print("Counted: {}", line.substr(line.find_first_not_of(' ')));
    }
  });
  const auto [a, b, c] = co_await aio::gather(sort.wait(), count.wait(), rank.wait());
  fmt::print("All have ended: {} {} {}\n", a, b, c);
}

aio::coro<> lose_patience() {
  auto slow = co_await aio::create_subprocess_exec({}, "sleep", "60");
  try {
    co_await aio::wait_for(slow.wait(), 50ms);
  } catch (const aio::timeout_error&) {
    slow.terminate();
  }
  const int code = co_await slow.wait();
  fmt::print("Too slow: ended by signal {}\n", -code);
}

aio::coro<> fail_to_run() {
  try {
    co_await aio::create_subprocess_exec({}, "no-such-program");
  } catch (const boost::system::system_error& error) {
    fmt::print("Not run: {}\n", error.code().message());
  }
}

aio::coro<> amain() {
  co_await count_words();
  co_await lose_patience();
  co_await fail_to_run();
}

int main() { aio::run(amain()); }
