// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/run_workers.hpp>

#include <aio/io/run_coroutine_threadsafe.hpp>
#include <aio/net.hpp>
#include <aio/task/sleep.hpp>

#include <support/net.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::run_workers;
using test::boom;

namespace {

/// Where the workers of a test meet; the loops are there until all have left.
class meeting {
 public:
  explicit meeting(std::size_t members) : members_(members) {}

  /// Waits until all have come.
  aio::coro<> come() {
    {
      const std::lock_guard lock(mutex_);
      loops_.push_back(&aio::get_running_loop());
    }
    while (count() < members_) co_await aio::sleep(100us);
  }

  std::vector<aio::event_loop*> loops() {
    const std::lock_guard lock(mutex_);
    return loops_;
  }

 private:
  std::size_t count() { return loops().size(); }

  std::size_t members_;
  std::mutex mutex_;
  std::vector<aio::event_loop*> loops_;
};

}  // namespace

TEST_CASE("run_workers: each has a thread and a loop of its own", "[io][run_workers]") {
  meeting all(4);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  run_workers(4, [&]() -> aio::coro<> {
    co_await all.come();
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  const auto loops = all.loops();
  CHECK(std::set(loops.begin(), loops.end()).size() == 4);
  CHECK(threads.size() == 4);
  CHECK(threads.contains(std::this_thread::get_id()));
}

TEST_CASE("run_workers: none given means one for each core", "[io][run_workers]") {
  std::atomic<unsigned> count = 0;
  run_workers(0, [&]() -> aio::coro<> {
    ++count;
    co_return;
  });
  CHECK(count == std::max(1U, std::thread::hardware_concurrency()));
}

TEST_CASE("run_workers: one that fails ends the others, and its error comes out",
          "[io][run_workers]") {
  meeting all(3);
  std::atomic<int> cleaned = 0;
  std::atomic<int> number = 0;
  const auto serve = [&]() -> aio::coro<> {
    const int mine = ++number;
    const aio::detail::scope_exit clean([&] { ++cleaned; });
    co_await all.come();
    if (mine == 2) throw boom("second");
    co_await aio::sleep(1h);
  };
  CHECK(test::ending_of([&] { return run_workers(3, serve), 0; }) == "second");
  CHECK(cleaned == 3);
}

TEST_CASE("run_workers: one that returns leaves the others alone",
          "[io][run_workers]") {
  std::atomic<int> number = 0;
  std::atomic<int> ended = 0;
  run_workers(3, [&]() -> aio::coro<> {
    if (++number == 1) co_return;
    co_await aio::sleep(3ms);
    ++ended;
  });
  CHECK(ended == 2);
}

TEST_CASE("run_workers: Ctrl-C ends all of them in order", "[io][run_workers]") {
  const auto before = std::signal(SIGINT, SIG_DFL);  // the test framework has its own
  const auto caller = std::this_thread::get_id();
  meeting all(2);
  std::atomic<int> cleaned = 0;
  std::atomic<bool> raised = false;
  const auto serve = [&]() -> aio::coro<> {
    const aio::detail::scope_exit clean([&] { ++cleaned; });
    if (std::this_thread::get_id() == caller) co_return;  // it still takes the signal
    co_await all.come();
    if (!raised.exchange(true)) ::kill(::getpid(), SIGINT);
    co_await aio::sleep(1h);
  };
  CHECK_THROWS_AS(run_workers(3, serve), aio::keyboard_interrupt);
  std::signal(SIGINT, before);
  CHECK(cleaned == 3);
}

TEST_CASE("run_workers: not from within a loop", "[io][run_workers]") {
  auto nothing = []() -> aio::coro<> { co_return; };
  auto body = [&]() -> aio::coro<> {
    CHECK_THROWS_AS(run_workers(2, nothing), aio::usage_error);
    co_return;
  };
  aio::run(body());
}

TEST_CASE("run_workers: ten thousand messages between them", "[io][run_workers]") {
  constexpr int workers = 4;
  constexpr int each = 10'000 / workers;
  meeting all(workers);
  std::atomic<int> received = 0;
  std::atomic<int> wrong_thread = 0;
  run_workers(workers, [&]() -> aio::coro<> {
    co_await all.come();
    const auto loops = all.loops();
    for (int i = 0; i < each; ++i) {
      aio::event_loop* const to = loops[static_cast<std::size_t>(i) % loops.size()];
      to->call_soon_threadsafe([&, to] {
        if (&aio::get_running_loop() != to) ++wrong_thread;
        ++received;
      });
      if (i % 64 == 0) co_await aio::sleep(0s);
    }
    while (received < workers * each) co_await aio::sleep(100us);
  });
  CHECK(received == workers * each);
  CHECK(wrong_thread == 0);
}

TEST_CASE("run_workers: servers on one port share the connections, and end together",
          "[io][run_workers]") {
  // Each connection is told by which of the threads it is served.
  meeting all(3);
  std::atomic<std::uint16_t> port = 0;
  std::mutex mutex;
  std::set<std::string> served_by;
  std::atomic<int> ended = 0;
  auto tell = [](aio::stream_reader reader, aio::stream_writer writer) -> aio::coro<> {
    writer.write(fmt::format("{}\n", fmt::ptr(&aio::get_running_loop())));
    static_cast<void>(co_await reader.read());  // until the client has enough
  };
  auto ask = [&]() -> aio::coro<std::string> {
    auto [reader, writer] = co_await aio::open_connection("127.0.0.1", port.load());
    std::string answer = co_await reader.readline();
    co_return answer;
  };
  auto count_servers = [&]() -> std::size_t {
    const std::lock_guard lock(mutex);
    return served_by.size();
  };
  auto serve = [&]() -> aio::coro<> {
    // The first picks the port.
    std::uint16_t free = 0;
    static_cast<void>(port.compare_exchange_strong(free, 1));
    while (free != 0 && port.load() == 1) co_await aio::sleep(100us);
    const aio::server server = co_await aio::start_server(
        tell, "127.0.0.1", free == 0 ? std::uint16_t{0} : port.load(),
        {.reuse_port = true});
    if (free == 0) port = server.port();
    const aio::detail::scope_exit note([&] { ++ended; });
    co_await all.come();
    for (int i = 0; i < 200 && count_servers() < 3; ++i) {
      std::string answer = co_await ask();
      const std::lock_guard lock(mutex);
      served_by.insert(std::move(answer));
    }
    if (free == 0) throw boom("enough");  // which ends the others
    co_await server.serve_forever();
  };
  CHECK_THROWS_AS(run_workers(3, serve), boom);
  CHECK(served_by.size() == 3);
  CHECK(ended == 3);
}
