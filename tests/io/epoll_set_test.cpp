// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/epoll_set.hpp>
#include <aio/io/wait_ready.hpp>

#include <support/net.hpp>
#include <support/test.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

using aio::detail::epoll_set;
using aio::detail::never;
using direction = aio::detail::wait_ready::direction;
using namespace std::chrono_literals;

namespace {

struct socket_pair {
  socket_pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0); }
  socket_pair(const socket_pair&) = delete;
  socket_pair& operator=(const socket_pair&) = delete;
  ~socket_pair() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  void send() { REQUIRE(::write(fds[1], "x", 1) == 1); }
  int fds[2];
};

struct counter final : aio::detail::watcher {
  void ready(std::uint32_t events) override {
    ++calls;
    last = events;
    if (then) then();
  }
  int calls = 0;
  std::uint32_t last = 0;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("epoll_set: tells what has happened, edges once and levels each time",
          "[io][epoll_set]") {
  epoll_set set;
  socket_pair edge;
  socket_pair level;
  counter by_edge;
  counter by_level;
  set.add(edge.fds[0], EPOLLIN | EPOLLRDHUP | EPOLLET, by_edge);
  set.add(level.fds[0], EPOLLIN, by_level);
  CHECK(set.size() == 2);
  set.wait(aio::time_point::min());
  CHECK(by_edge.calls + by_level.calls == 0);
  edge.send();
  level.send();
  for (int i = 0; i < 3; ++i) set.wait(aio::time_point::min());
  CHECK(by_edge.calls == 1);
  CHECK(by_level.calls == 3);
  ::shutdown(edge.fds[1], SHUT_WR);
  set.wait(aio::time_point::min());
  CHECK(by_edge.calls == 2);
  CHECK((by_edge.last & EPOLLRDHUP) != 0);
  set.remove(edge.fds[0], by_edge);
  set.remove(level.fds[0], by_level);
  CHECK(set.size() == 0);
}

TEST_CASE(
    "epoll_set: who is removed by another watcher of the same batch is not called",
    "[io][epoll_set]") {
  epoll_set set;
  socket_pair first;
  socket_pair second;
  counter a;
  counter b;
  set.add(first.fds[0], EPOLLIN, a);
  set.add(second.fds[0], EPOLLIN, b);
  a.then = [&] { set.remove(second.fds[0], b); };
  b.then = [&] { set.remove(first.fds[0], a); };
  first.send();
  second.send();
  set.wait(never);
  CHECK(a.calls + b.calls == 1);
}

TEST_CASE("epoll_set: after an exception the rest of the batch is still told",
          "[io][epoll_set]") {
  epoll_set set;
  socket_pair first;
  socket_pair second;
  counter a;
  counter b;
  set.add(first.fds[0], EPOLLIN | EPOLLET, a);
  set.add(second.fds[0], EPOLLIN | EPOLLET, b);
  a.then = b.then = [&] {
    if (a.calls + b.calls == 1) throw std::runtime_error("the first one");
  };
  first.send();
  second.send();
  CHECK_THROWS_AS(set.wait(never), std::runtime_error);
  set.wait(never);
  CHECK(a.calls == 1);
  CHECK(b.calls == 1);
}

TEST_CASE("epoll_set: who waits gets the rest next time when much was kept",
          "[io][epoll_set]") {
  epoll_set set;
  socket_pair pairs[4];
  counter counters[4];
  int calls = 0;
  for (int i = 0; i < 4; ++i) {
    set.add(pairs[i].fds[0], EPOLLIN | EPOLLET, counters[i]);
    counters[i].then = [&] {
      ++calls;
      set.count_kept(200 * 1024);
    };
    pairs[i].send();
  }
  set.wait(never);
  CHECK(calls == 2);
  set.wait(never);
  CHECK(calls == 4);
  for (socket_pair& one : pairs) one.send();
  set.wait(aio::time_point::min());
  CHECK(calls == 8);  // but not who only looks
  for (int i = 0; i < 4; ++i) set.remove(pairs[i].fds[0], counters[i]);
}

TEST_CASE("epoll_set: a watcher that waits again gets nothing and does not hang",
          "[io][epoll_set]") {
  epoll_set set;
  socket_pair pair;
  counter a;
  a.then = [&] { set.wait(never); };
  set.add(pair.fds[0], EPOLLIN | EPOLLET, a);
  pair.send();
  set.wait(never);
  CHECK(a.calls == 1);
}

TEST_CASE("epoll_set: waits until the deadline, and not when it is woken",
          "[io][epoll_set][threads]") {
  epoll_set set;
  const auto before = std::chrono::steady_clock::now();
  set.wait(before + 3ms);
  CHECK(std::chrono::steady_clock::now() >= before + 3ms);
  std::thread other([&] { set.wake(); });
  set.wait(never);
  other.join();
  set.wake();
  set.wait(never);  // also if it came before
}

TEST_CASE("epoll_set: what cannot be waited for is refused", "[io][epoll_set]") {
  epoll_set set;
  counter a;
  CHECK_THROWS_AS(set.add(-1, EPOLLIN, a), boost::system::system_error);
  CHECK(set.size() == 0);
}

AIO_NET_TEST("wait_ready: ends when the descriptor is ready, or cancelled",
             "[io][epoll_set]") {
  socket_pair pair;
  auto writable = aio::detail::wait_ready(loop, pair.fds[0], direction::write);
  co_await std::move(writable);
  auto body = [&]() -> aio::coro<int> {
    auto readable = aio::detail::wait_ready(loop, pair.fds[0], direction::read);
    co_await std::move(readable);
    co_return 1;
  };
  auto reading = aio::create_task(body());
  co_await aio::sleep(0s);
  pair.send();
  const int one = co_await reading;
  CHECK(one == 1);
  // Ready and cancelled: the await raises, and the descriptor may be waited for again.
  auto cancelled = aio::create_task(body());
  co_await aio::sleep(0s);
  cancelled.cancel();
  const auto is_over = [&] { return cancelled.done(); };
  co_await test::until(is_over);
  CHECK(cancelled.cancelled());
  const int again = co_await body();
  CHECK(again == 1);
}
