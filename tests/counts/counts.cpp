// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What the library's own operations cost in instructions and allocations, which repeat
// where times do not. check_counts.py runs this under callgrind and compares the counts
// with those in baselines.txt.
//
// Each operation is made N times, and then 3 * N times: the difference is that of the
// operation alone, without what begins and ends a run. For each there is a line
//
//     NAME <tab> N <tab> allocations of N <tab> allocations of 3 * N
//
// and callgrind dumps its counts twice, as "NAME/N" and "NAME/3N".

#include <aio/io/run.hpp>
#include <aio/net.hpp>
#include <aio/sync.hpp>
#include <aio/task.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) static_cast<void>(name)
#endif

using namespace std::chrono_literals;

namespace {

std::size_t allocations = 0;  // one thread

void* allocate(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

/// Keeps a result from being optimised away.
template <class T>
void use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

aio::coro<int> ready() { co_return 1; }

// --- tasks ------------------------------------------------------------------------------

aio::coro<> await_ready_child(int n) {
  for (int i = 0; i < n; ++i) use(co_await ready());
}

aio::coro<> yield_until(const bool& stop) {
  while (!stop) co_await aio::sleep(0s);
}

// Two tasks take turns, so that each sleep(0s) of this one is two switches.
aio::coro<> switch_tasks(int n) {
  bool stop = false;
  auto other = aio::create_task(yield_until(stop));
  for (int i = 0; i < n / 2; ++i) co_await aio::sleep(0s);
  stop = true;
  co_await other;
}

aio::coro<> create_and_join(int n) {
  for (int i = 0; i < n; ++i) use(co_await aio::create_task(ready()));
}

aio::coro<int> ready_later() {
  co_await aio::sleep(0s);
  co_return 1;
}

aio::coro<> gather_all(int n) {
  std::vector<aio::coro<int>> all;
  all.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) all.push_back(ready_later());
  use(co_await aio::gather(std::move(all)));
}

aio::coro<> group_all(int n) {
  co_await aio::with(aio::task_group(), [n](aio::task_group& group) -> aio::coro<> {
    for (int i = 0; i < n; ++i) group.create_task(ready_later());
    co_return;
  });
}

aio::coro<> timeout_around_ready(int n) {
  for (int i = 0; i < n; ++i) use(co_await aio::timeout(1s, [] { return ready(); }));
}

aio::coro<> sleep_long() { co_await aio::sleep(1h); }

aio::coro<> cancel_waiting(int n) {
  for (int i = 0; i < n; ++i) {
    auto waiting = aio::create_task(sleep_long());
    co_await aio::sleep(0s);
    waiting.cancel();
    co_await aio::wait(waiting);
  }
}

aio::coro<> echo_futures(aio::future<int>& ping, aio::future<int>& pong) {
  while (const int value = co_await ping) {
    ping = aio::get_running_loop().create_future<int>();
    pong.set_result(value);
  }
}

aio::coro<> hand_over_future(int n) {
  auto& loop = aio::get_running_loop();
  auto ping = loop.create_future<int>();
  auto pong = loop.create_future<int>();
  auto partner = aio::create_task(echo_futures(ping, pong));
  for (int i = 0; i < n / 2; ++i) {
    ping.set_result(1);
    use(co_await pong);
    pong = loop.create_future<int>();
  }
  ping.set_result(0);
  co_await partner;
}

// --- timers -----------------------------------------------------------------------------

// The loop may keep cancelled timers until it runs, which it does now and then.
aio::coro<> arm_and_cancel(int n) {
  auto& loop = aio::get_running_loop();
  for (int i = 0; i < n; ++i) {
    loop.call_later(1s, [] {}).cancel();
    if (i % 100 == 0) co_await aio::sleep(0s);
  }
}

aio::coro<> sleep_briefly() { co_await aio::sleep(1us); }

aio::coro<> sleep_at_once(int n) {
  std::vector<aio::coro<>> all;
  all.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) all.push_back(sleep_briefly());
  co_await aio::gather(std::move(all));
}

// --- taking turns -----------------------------------------------------------------------

aio::coro<> lock_and_unlock(int n) {
  aio::lock lock;
  for (int i = 0; i < n; ++i) {
    co_await lock.acquire();
    lock.release();
  }
}

aio::coro<> lock_until(aio::lock& lock, const bool& stop) {
  while (!stop) {
    co_await lock.acquire();
    co_await aio::sleep(0s);
    lock.release();
  }
}

// Two tasks want the lock all the time: each release hands it over.
aio::coro<> hand_over_lock(int n) {
  aio::lock lock;
  bool stop = false;
  auto other = aio::create_task(lock_until(lock, stop));
  for (int i = 0; i < n / 2; ++i) {
    co_await lock.acquire();
    co_await aio::sleep(0s);
    lock.release();
  }
  stop = true;
  co_await other;
}

aio::coro<> return_items(aio::queue<int>& there, aio::queue<int>& back) {
  while (const int item = co_await there.get()) back.put_nowait(item);
}

aio::coro<> hand_over_item(int n) {
  aio::queue<int> there;
  aio::queue<int> back;
  auto partner = aio::create_task(return_items(there, back));
  for (int i = 0; i < n / 2; ++i) {
    there.put_nowait(1);
    use(co_await back.get());
  }
  there.put_nowait(0);
  co_await partner;
}

aio::coro<> take_until_zero(aio::queue<int>& queue) {
  for (int item = 1; item != 0;) item = co_await queue.get();
}

aio::coro<> stream_items(int n) {
  aio::queue<int> queue(64);
  auto consumer = aio::create_task(take_until_zero(queue));
  for (int i = 0; i < n; ++i) co_await queue.put(1);
  co_await queue.put(0);
  co_await consumer;
}

// --- echoes -----------------------------------------------------------------------------

/// Tells when so many requests have been answered.
struct answers {
  int missing = 0;
  aio::future<> all{};

  void one_more() {
    if (--missing == 0) all.set_result();
  }
};

/// Fifty clients without a loop. Within a machine what they send has arrived when the
/// call returns, so the server always finds the same, and they find all replies.
class clients {
 public:
  explicit clients(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    for (int& fd : fds_) {
      fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        throw std::runtime_error("cannot connect");
      }
    }
  }
  clients(const clients&) = delete;
  clients& operator=(const clients&) = delete;
  ~clients() {
    for (const int fd : fds_) ::close(fd);
  }

  static constexpr int count = 50;

  void ask() {
    for (const int fd : fds_) send(fd, data_.data(), data_.size(), MSG_NOSIGNAL);
  }
  void take_replies() {
    for (const int fd : fds_) {
      if (recv(fd, data_.data(), data_.size(), MSG_DONTWAIT) != size) {
        throw std::runtime_error("no reply");
      }
    }
  }

 private:
  static constexpr ssize_t size = 64;

  std::array<int, count> fds_{};
  std::array<char, size> data_{};
};

struct echo_protocol final : aio::protocol {
  explicit echo_protocol(answers& to) : given(to) {}
  void connection_made(aio::transport& t) override { transport = &t; }
  void data_received(std::string_view data) override {
    transport->write(data);
    given.one_more();
  }
  aio::transport* transport = nullptr;
  answers& given;
};

aio::coro<> echo_stream(aio::stream_reader reader, aio::stream_writer writer,
                        answers& given) {
  std::array<std::byte, 1024> room;
  while (const std::size_t n = co_await reader.read_some(room)) {
    writer.write({reinterpret_cast<const char*>(room.data()), n});
    co_await writer.drain();
    given.one_more();
  }
  writer.close();
}

aio::coro<> ask_and_wait(clients& all, answers& given, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    given.missing = clients::count;
    given.all = aio::get_running_loop().create_future();
    all.ask();
    co_await given.all;
    all.take_replies();
  }
}

// --- counting ---------------------------------------------------------------------------

/// Counts `body(n)` and `body(3 * n)`, after a first run that fills caches and pools.
template <class Body>
aio::coro<> count(const char* name, int n, Body body) {
  std::array<std::size_t, 2> made{};
  co_await body(3 * n);
  for (const int times : {1, 3}) {
    const std::string label = std::string(name) + (times == 1 ? "/N" : "/3N");
    const std::size_t before = allocations;
    CALLGRIND_ZERO_STATS;
    co_await body(times * n);
    CALLGRIND_DUMP_STATS_AT(label.c_str());
    made[times == 1 ? 0 : 1] = allocations - before;
  }
  std::printf("%s\t%d\t%zu\t%zu\n", name, n, made[0], made[1]);
}

// A round is an echo for each client.
template <class Start>
aio::coro<> count_echoes(const char* name, Start start) {
  constexpr int rounds = 20;
  answers given;
  auto server = co_await start(given);
  {
    clients all(server.port());
    co_await count(name, rounds * clients::count,
                   [&](int n) { return ask_and_wait(all, given, n / clients::count); });
  }
  server.close();
  server.close_clients();
  co_await server.wait_closed();
}

aio::coro<aio::server> start_protocol_server(answers& given) {
  co_return co_await aio::get_running_loop().create_server(
      [&given] { return std::make_unique<echo_protocol>(given); }, "127.0.0.1", 0);
}

aio::coro<aio::server> start_stream_server(answers& given) {
  const auto handle = [&given](aio::stream_reader reader, aio::stream_writer writer) {
    return echo_stream(std::move(reader), std::move(writer), given);
  };
  co_return co_await aio::start_server(handle, "127.0.0.1", 0);
}

aio::coro<> count_all() {
  co_await count("await a ready child", 1000, await_ready_child);
  co_await count("switch", 1000, switch_tasks);
  co_await count("create_task and join", 1000, create_and_join);
  co_await count("gather, per coroutine", 1000, gather_all);
  co_await count("task_group, per child", 1000, group_all);
  co_await count("timeout around a ready child", 1000, timeout_around_ready);
  co_await count("cancel a waiting task", 100, cancel_waiting);
  co_await count("future awaited by another task", 1000, hand_over_future);
  co_await count("timer armed and cancelled", 1000, arm_and_cancel);
  co_await count("sleeps at once, each", 1000, sleep_at_once);
  co_await count("lock and unlock", 1000, lock_and_unlock);
  co_await count("lock handed over", 1000, hand_over_lock);
  co_await count("queue item to a waiting task", 1000, hand_over_item);
  co_await count("queue of 64, per item", 1000, stream_items);
  co_await count_echoes("echo of a protocol", start_protocol_server);
  co_await count_echoes("echo of streams", start_stream_server);
}

}  // namespace

int main() {
  CALLGRIND_START_INSTRUMENTATION;
  aio::run(count_all());
  CALLGRIND_STOP_INSTRUMENTATION;
}
