// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The examples of docs/testing.md and of the front door, as they stand there. The last
// test of this file holds the guide to it.

#include <aio/aio.hpp>
#include <aio/testing.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// ----- the front door -----

TEST_CASE("guide: the example of the front door", "[testing][guide]") {
  aio::testing::run_virtual([]() -> aio::coro<> {
    const aio::time_point start = aio::get_running_loop().time();
    co_await aio::sleep(1h);
    assert(aio::get_running_loop().time() - start == 1h);
    static_cast<void>(start);  // in a build without asserts
  });
}

// ----- time -----

template <class Fetch>
aio::coro<std::string> fetch_with_retry(Fetch fetch, int attempts) {
  for (std::chrono::seconds pause = 1s;; pause *= 2) {
    try {
      co_return co_await fetch();
    } catch (const std::runtime_error&) {
      if (--attempts == 0) throw;
    }
    co_await aio::sleep(pause);
  }
}

TEST_CASE("retry: the pauses grow", "[testing][guide]") {
  aio::testing::run_virtual([]() -> aio::coro<> {
    int calls = 0;
    auto flaky = [&]() -> aio::coro<std::string> {
      if (++calls < 4) throw std::runtime_error("busy");
      co_return "page";
    };
    const aio::time_point start = aio::get_running_loop().time();
    const std::string page = co_await fetch_with_retry(flaky, 5);
    CHECK(page == "page");
    CHECK(aio::get_running_loop().time() - start == 7s);  // 1 + 2 + 4
  });
}

TEST_CASE("retry: gives up after so many attempts", "[testing][guide]") {
  auto always_busy = []() -> aio::coro<std::string> {
    throw std::runtime_error("busy");
    co_return "";
  };
  CHECK_THROWS_AS(aio::testing::run_virtual(fetch_with_retry(always_busy, 3)),
                  std::runtime_error);
}

TEST_CASE("guide: threads", "[testing][guide]") {
  aio::testing::run_virtual([]() -> aio::coro<> {
    const aio::time_point start = aio::get_running_loop().time();
    const int sum = co_await aio::to_thread([] { return 40 + 2; });
    CHECK(sum == 42);
    CHECK(aio::get_running_loop().time() == start);
  });
}

// ----- connections -----

aio::coro<> serve_upper(aio::stream_reader reader, aio::stream_writer writer) {
  for (;;) {
    std::string line = co_await aio::wait_for(reader.readline(), 30s);
    if (line.empty()) break;
    for (char& c : line) c = static_cast<char>(std::toupper(c));
    writer.write(line);
    co_await writer.drain();
  }
}

TEST_CASE("serve_upper: answers each line", "[testing][guide]") {
  aio::testing::run_virtual([]() -> aio::coro<> {
    auto [client, server] = aio::testing::memory_streams({.piece = 1});
    auto serving = aio::create_task(serve_upper, std::move(server.reader),
                                    std::move(server.writer));
    client.writer.write("hello\nworld\n");
    client.writer.write_eof();
    const std::string answers = co_await client.reader.read();
    CHECK(answers == "HELLO\nWORLD\n");
    co_await serving;
  });
}

TEST_CASE("serve_upper: leaves a client that says nothing", "[testing][guide]") {
  aio::testing::run_virtual([]() -> aio::coro<> {
    auto [client, server] = aio::testing::memory_streams();
    auto serving = aio::create_task(serve_upper, std::move(server.reader),
                                    std::move(server.writer));
    const std::string answers = co_await client.reader.read();
    CHECK(answers.empty());
    CHECK(aio::get_running_loop().time() == aio::time_point(30s));
    CHECK_THROWS_AS(serving.result(), aio::timeout_error);
  });
}

TEST_CASE("guide: a peer that does not read", "[testing][guide]") {
  aio::testing::run_virtual([]() -> aio::coro<> {
    auto [client, server] = aio::testing::memory_streams({.limit = 1024});
    client.writer.write(std::string(100'000, 'x'));
    bool is_late = false;
    try {
      co_await aio::wait_for(client.writer.drain(), 10s);
    } catch (const aio::timeout_error&) {
      is_late = true;
    }
    CHECK(is_late);
    const std::string all = co_await server.reader.readexactly(100'000);
    co_await client.writer.drain();
  });
}

// ----- order -----

aio::coro<std::string> start_up() {
  std::string config;
  std::string greeting;
  auto load = [&]() -> aio::coro<> {
    config = "hello";
    co_return;
  };
  auto greet = [&]() -> aio::coro<> {
    greeting = config + ", world";
    co_return;
  };
  auto loading = aio::create_task(load);
  auto greeting_all = aio::create_task(greet);  // relies on load() being first
  co_await aio::gather(loading, greeting_all);
  co_return greeting;
}

TEST_CASE("guide: a seed that shows the mistake", "[testing][guide]") {
  CHECK(aio::testing::run_virtual(start_up) == "hello, world");
  std::optional<std::uint64_t> bad_seed;
  for (std::uint64_t seed = 0; seed < 100 && !bad_seed; ++seed) {
    const std::string text = aio::testing::run_virtual(start_up, {.seed = seed});
    if (text != "hello, world") bad_seed = seed;
  }
  REQUIRE(bad_seed);
  CHECK(aio::testing::run_virtual(start_up, {.seed = bad_seed}) == ", world");
}

aio::coro<int> sum_of_workers() {
  aio::queue<int> jobs;
  int sum = 0;
  auto work = [&]() -> aio::coro<> {
    while (auto job = co_await jobs.next()) sum += *job;
  };
  auto first = aio::create_task(work);
  auto second = aio::create_task(work);
  for (int i = 1; i <= 10; ++i) jobs.put_nowait(i);
  jobs.shutdown();
  co_await aio::gather(first, second);
  co_return sum;
}

TEST_CASE("workers: the sum does not depend on the order", "[testing][guide]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    CHECK(aio::testing::run_virtual(sum_of_workers, {.seed = seed}) == 55);
  }
}

// ----- one certain order -----

template <class Store>
aio::coro<> count_visit(Store& store) {
  const int visits = co_await store.load();
  co_await store.save(visits + 1);
}

struct scripted_store {
  aio::testing::sequencer& steps;
  int& visits;
  std::size_t load_step;
  std::size_t save_step;

  aio::coro<int> load() {
    co_await steps.at(load_step);
    co_return visits;
  }
  aio::coro<> save(int n) {
    co_await steps.at(save_step);
    visits = n;
  }
};

TEST_CASE("count_visit: two at the same time count as one", "[testing][guide]") {
  aio::testing::run_virtual([]() -> aio::coro<> {
    aio::testing::sequencer steps;
    int visits = 0;
    scripted_store first{steps, visits, 1, 3};
    scripted_store second{steps, visits, 2, 4};
    auto a = aio::create_task(count_visit(first));
    auto b = aio::create_task(count_visit(second));
    co_await aio::gather(a, b);
    CHECK(visits == 1);  // so it needs a lock
  });
}

// ----- cancellation -----

aio::coro<> use_connection(aio::semaphore& free_connections) {
  const auto connection = co_await free_connections.scoped();
  auto [client, server] = aio::testing::memory_streams();
  aio::create_task(serve_upper, std::move(server.reader), std::move(server.writer));
  client.writer.write("query\n");
  const std::string answer = co_await client.reader.readline();
  co_await aio::sleep(1s);
}

TEST_CASE("use_connection: gives it back wherever it is cancelled",
          "[testing][guide]") {
  std::optional<aio::semaphore> free_connections;
  auto make = [&]() -> aio::coro<> {
    free_connections.emplace(1);
    return use_connection(*free_connections);
  };
  const int cancels = aio::testing::cancel_at_every_await(make, [&](auto& task) {
    CHECK(task.cancelled());
    CHECK_FALSE(free_connections->locked());
  });
  CHECK(cancels > 3);
}

// ----- deadlock -----

TEST_CASE("guide: the text of a deadlock", "[testing][guide]") {
  auto consume = [](aio::queue<int>& jobs) -> aio::coro<> {
    for (;;) co_await jobs.get();
  };
  auto body = [&]() -> aio::coro<> {
    aio::queue<int> jobs;
    auto consumer = aio::create_task({.name = "consumer"}, consume, std::ref(jobs));
    jobs.put_nowait(1);
    co_await consumer;
  };
  std::string text;
  try {
    aio::testing::run_virtual(body);
  } catch (const aio::testing::deadlock_error& e) {
    text = e.what();
  }
  CHECK(
      text.starts_with("deadlock: every task waits and nothing will happen\n"
                       "task 'main' waits\n"
                       "    at "));
  CHECK(text.find("task 'consumer' waits\n    at ") != std::string::npos);
  CHECK(text.find("guide_test.cpp:") != std::string::npos);
}

// ----- the guide itself -----

namespace {

std::string without_margin(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? std::string() : line.substr(begin);
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  INFO(file.string());
  REQUIRE(in.is_open());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(without_margin(line));
  return lines;
}

/// __FILE__ may be relative to wherever it was compiled: below the tree, then.
std::filesystem::path source_tree() {
  const std::filesystem::path here = __FILE__;
  if (here.is_absolute()) return here.parent_path() / "../..";
  std::filesystem::path found = std::filesystem::current_path();
  while (!std::filesystem::exists(found / "docs/testing.md")) {
    REQUIRE(found.has_relative_path());
    found = found.parent_path();
  }
  return found;
}

/// The ```cpp blocks.
std::vector<std::vector<std::string>> examples_in(
    const std::vector<std::string>& text) {
  std::vector<std::vector<std::string>> found;
  bool inside = false;
  for (const std::string& line : text) {
    if (line.starts_with("```")) {
      inside = line == "```cpp";
      if (inside) found.emplace_back();
    } else if (inside) {
      found.back().push_back(line);
    }
  }
  return found;
}

/// Each of the `at_least` so many examples of the guide stands in one of the files.
void check_examples(const char* guide, const std::vector<std::string>& files,
                    std::size_t at_least) {
  const std::filesystem::path root = source_tree();
  std::vector<std::vector<std::string>> code;
  for (const std::string& file : files) code.push_back(lines_of(root / file));
  const auto examples = examples_in(lines_of(root / guide));
  CHECK(examples.size() >= at_least);
  for (const auto& example : examples) {
    REQUIRE_FALSE(example.empty());
    INFO("the example that begins with: " << example.front());
    CHECK(std::ranges::any_of(code, [&](const auto& lines) {
      return !std::ranges::search(lines, example).empty();
    }));
  }
}

}  // namespace

TEST_CASE("guide: each of its examples stands in this file", "[testing][guide]") {
  check_examples("docs/testing.md", {"tests/testing/guide_test.cpp"}, 10);
}

TEST_CASE("guide: the examples of docs/asio.md are of programs that run",
          "[testing][guide]") {
  check_examples("docs/asio.md",
                 {"examples/asio_interop.cpp", "examples/foreign_main_loop.cpp",
                  "tests/io/spawn_test.cpp"},
                 8);
}

TEST_CASE("guide: the examples of docs/networking.md are of programs that run",
          "[testing][guide]") {
  check_examples("docs/networking.md",
                 {"examples/tcp_proxy.cpp", "examples/graceful_server.cpp",
                  "examples/position_server.cpp", "examples/udp_echo.cpp",
                  "examples/subprocess_pipeline.cpp", "examples/signals.cpp"},
                 7);
}
