// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/io/descriptors.hpp>

#include <support/net.hpp>

#include <aio/core/context.hpp>
#include <aio/io/wait_ready.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

using aio::detail::wait_ready;
using test::ending;
using direction = aio::detail::descriptors::direction;

namespace {

/// Two connected sockets that do not block.
class socket_pair {
 public:
  socket_pair() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         ends_.data()) == 0);
  }
  ~socket_pair() {
    for (const int end : ends_) {
      if (end >= 0) ::close(end);
    }
  }

  int a() const { return ends_[0]; }
  int b() const { return ends_[1]; }
  void close_a() { ::close(std::exchange(ends_[0], -1)); }

  void send(std::string_view bytes) const {
    REQUIRE(::write(a(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  std::string receive() const {
    std::array<char, 256> room;
    const ssize_t n = ::read(b(), room.data(), room.size());
    return n < 0 ? "nothing" : std::string(room.data(), static_cast<std::size_t>(n));
  }

 private:
  std::array<int, 2> ends_;
};

}  // namespace

AIO_NET_TEST("add_reader: the callback is called until it has read all",
             "[io][descriptors]") {
  const socket_pair pair;
  std::string log;
  loop.add_reader(
      pair.b(),
      [&](const std::string& tag) {
        log += tag;
        if (log.size() == 3) log += pair.receive();
      },
      std::string("."));
  pair.send("some");
  co_await test::polls(10);
  CHECK(log == "...some");
  pair.send("more");
  co_await test::until([&] { return log.size() > 7; });
  CHECK(loop.remove_reader(pair.b()));
  CHECK_FALSE(loop.remove_reader(pair.b()));
  log.clear();
  co_await test::polls(5);
  CHECK(log.empty());
}

AIO_NET_TEST("add_reader: a new callback replaces the old one, which is let go",
             "[io][descriptors]") {
  const socket_pair pair;
  int alive = 0;
  int old_calls = 0;
  std::string got;
  loop.add_reader(pair.b(), [&, token = test::counted(alive)] { ++old_calls; });
  CHECK(alive == 1);
  loop.add_reader(pair.b(), [&] { got += pair.receive(); });
  CHECK(alive == 0);
  pair.send("x");
  co_await test::until([&] { return !got.empty(); });
  CHECK(got == "x");
  CHECK(old_calls == 0);
  CHECK(loop.remove_reader(pair.b()));
}

AIO_NET_TEST("add_reader: a callback may remove and replace itself",
             "[io][descriptors]") {
  const socket_pair pair;
  std::string log;
  pair.send("x");
  loop.add_reader(pair.b(), [&, text = std::string("first ")] {
    loop.add_reader(pair.b(), [&, text2 = std::string("second ")] {
      CHECK(loop.remove_reader(pair.b()));
      log += text2;  // still there
    });
    log += text;
  });
  co_await test::until([&] { return log.size() > 6; });
  co_await test::polls(3);
  CHECK(log == "first second ");
}

AIO_NET_TEST("add_reader: it runs in the context it was added in, and keeps it",
             "[io][descriptors]") {
  static aio::context_var<int> var("var", 0);
  const socket_pair pair;
  std::vector<int> seen;
  var.set(1);
  loop.add_reader(pair.b(), [&] {
    seen.push_back(var.get());
    var.set(var.get() + 10);
    if (seen.size() == 2) loop.remove_reader(pair.b());
  });
  var.set(2);
  pair.send("x");
  co_await test::until([&] { return seen.size() == 2; });
  CHECK(seen == std::vector<int>{1, 11});
  CHECK(var.get() == 2);
}

AIO_NET_TEST("add_reader: an exception is reported, and the callback stays",
             "[io][descriptors]") {
  const socket_pair pair;
  int calls = 0;
  pair.send("x");
  loop.add_reader(pair.b(), [&] {
    if (++calls == 1) throw test::boom();
    pair.receive();
  });
  co_await test::until([&] { return calls == 2; });
  CHECK(reports.take() == "boom");
  CHECK(loop.remove_reader(pair.b()));
}

AIO_NET_TEST("add_writer: reader and writer of one descriptor are independent",
             "[io][descriptors]") {
  const socket_pair pair;
  std::string got;
  int writes = 0;
  loop.add_reader(pair.b(), [&] { got += pair.receive(); });
  loop.add_writer(pair.b(), [&] { ++writes; });
  co_await test::until([&] { return writes >= 3; });
  CHECK(got.empty());
  CHECK(loop.remove_writer(pair.b()));
  CHECK_FALSE(loop.remove_writer(pair.b()));
  const int writes_before = writes;
  pair.send("x");
  co_await test::until([&] { return !got.empty(); });
  CHECK(writes == writes_before);
  loop.add_writer(pair.b(), [&] { ++writes; });
  CHECK(loop.remove_reader(pair.b()));
  co_await test::until([&] { return writes > writes_before; });
  CHECK(loop.remove_writer(pair.b()));
}

AIO_NET_TEST("add_reader: the reader comes before the writer, both in one turn",
             "[io][descriptors]") {
  const socket_pair pair;
  std::string order;
  pair.send("x");
  loop.add_writer(pair.b(), [&] { order += 'w'; });
  loop.add_reader(pair.b(), [&] { order += 'r'; });
  co_await test::until([&] { return order.size() >= 4; });
  CHECK(order.substr(0, 4) == "rwrw");
  loop.remove_reader(pair.b());
  loop.remove_writer(pair.b());
}

AIO_NET_TEST(
    "add_reader: the end and the loss of a peer are both readable and writable",
    "[io][descriptors]") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
  bool is_told = false;
  const std::string full(1 << 20, 'f');
  REQUIRE(::write(ends[1], full.data(), full.size()) > 0);
  loop.add_writer(ends[1], [&] { is_told = true; });
  co_await test::polls(3);
  CHECK_FALSE(is_told);  // it is full
  ::close(ends[0]);
  co_await test::until([&] { return is_told; });
  CHECK(loop.remove_writer(ends[1]));
  ::close(ends[1]);

  socket_pair pair;
  std::string got = "-";
  loop.add_reader(pair.b(), [&] { got = pair.receive(); });
  pair.close_a();
  co_await test::until([&] { return got.empty(); });
  CHECK(loop.remove_reader(pair.b()));
}

AIO_NET_TEST("add_reader: a descriptor that was closed may be another one now",
             "[io][descriptors]") {
  std::string got;
  std::optional<socket_pair> pair(std::in_place);
  const int number = pair->b();
  loop.add_reader(number, [] {});
  pair.reset();
  pair.emplace();
  REQUIRE(pair->b() == number);
  loop.add_reader(number, [&] { got = pair->receive(); });
  pair->send("again");
  co_await test::until([&] { return !got.empty(); });
  CHECK(got == "again");
  CHECK(loop.remove_reader(number));
}

AIO_NET_TEST("add_reader: takes sockets of Asio", "[io][descriptors]") {
  using socket = boost::asio::local::stream_protocol::socket;
  socket one(loop.io_context());
  socket other(loop.io_context());
  boost::asio::local::connect_pair(one, other);
  bool is_called = false;
  loop.add_writer(one, [&] { is_called = true; });
  co_await test::until([&] { return is_called; });
  CHECK(loop.remove_writer(one));
}

AIO_NET_TEST("add_reader: what cannot be is refused", "[io][descriptors]") {
  CHECK_THROWS_AS(loop.add_reader(-1, [] {}), std::invalid_argument);
  CHECK_THROWS_AS(loop.add_reader(1000, [] {}), boost::system::system_error);
  CHECK_FALSE(loop.remove_reader(1000));
  CHECK_FALSE(loop.remove_writer(-1));
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  CHECK_THROWS_AS(loop.add_reader(file, [] {}), boost::system::system_error);
  ::close(file);
  co_return;
}

TEST_CASE("add_reader: a loop that closes lets go of callbacks and waiters",
          "[io][descriptors]") {
  const socket_pair pair;
  const socket_pair other;
  int alive = 0;
  {
    aio::event_loop loop;
    loop.add_reader(pair.b(), [token = test::counted(alive)] {});
    loop.add_writer(other.b(), [&loop, token = test::counted(alive)] { loop.stop(); });
    test::reports reports(loop.core());
    auto waiting = loop.create_task(
        [&]() -> aio::coro<> { co_await wait_ready(loop, pair.a(), direction::read); });
    loop.run_forever();
    CHECK(alive == 2);
    CHECK_FALSE(waiting.done());
    loop.close();
    CHECK(reports.count() == 1);  // the task
    CHECK(alive == 0);
    CHECK_FALSE(loop.remove_reader(pair.b()));
    CHECK_THROWS_AS(loop.add_reader(pair.b(), [] {}), aio::usage_error);
  }
}

TEST_CASE("add_reader: a loop in somebody else's context is served by it",
          "[io][descriptors]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  const socket_pair pair;
  std::string log;
  loop.add_reader(pair.b(), [&] {
    log += '.';
    if (log.size() < 3) return;
    log += pair.receive();
    loop.remove_reader(pair.b());
  });
  pair.send("read");
  context.run();  // until nobody waits any more
  CHECK(log == "...read");
}

AIO_NET_TEST("wait_ready: waits in both directions, beside callbacks of the other",
             "[io][descriptors]") {
  const socket_pair pair;
  int calls = 0;
  loop.add_writer(pair.b(), [&] { ++calls; });
  loop.call_soon([&] { pair.send("x"); });
  co_await wait_ready(loop, pair.b(), direction::read);
  CHECK(pair.receive() == "x");
  CHECK(loop.remove_writer(pair.b()));
  co_await wait_ready(loop, pair.b(), direction::write);
}

AIO_NET_TEST("wait_ready: takes the place of a callback", "[io][descriptors]") {
  const socket_pair pair;
  int calls = 0;
  loop.add_reader(pair.b(), [&] { ++calls; });
  loop.call_soon([&] { pair.send("x"); });
  co_await wait_ready(loop, pair.b(), direction::read);
  CHECK(calls == 0);
  CHECK_FALSE(loop.remove_reader(pair.b()));
}

AIO_NET_TEST("wait_ready: only one may wait, and a callback does not drive it away",
             "[io][descriptors]") {
  const socket_pair pair;
  auto waiting = aio::create_task(
      [&]() -> aio::coro<> { co_await wait_ready(loop, pair.b(), direction::read); });
  co_await test::turns(1);
  const std::string second =
      co_await ending(wait_ready(loop, pair.b(), direction::read));
  CHECK(second == "usage");
  CHECK_THROWS_AS(loop.add_reader(pair.b(), [] {}), aio::usage_error);
  pair.send("x");
  co_await waiting;
}

AIO_NET_TEST("wait_ready: cancelled it waits no more, and others may",
             "[io][descriptors]") {
  const socket_pair pair;
  auto waiting = aio::create_task(
      [&]() -> aio::coro<> { co_await wait_ready(loop, pair.b(), direction::read); });
  co_await test::turns(1);
  waiting.cancel();
  const std::string how = co_await ending(waiting);
  CHECK(how == "cancelled");
  loop.call_soon([&] { pair.send("x"); });
  co_await wait_ready(loop, pair.b(), direction::read);
  CHECK(pair.receive() == "x");
}
