// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A peer that is suddenly gone, in every state of a connection: who waits is told, the
// connection ends, nothing else is disturbed.

#include <aio/net.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>

#include <boost/system/error_code.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;

namespace {

using boost::system::error_code;
namespace errc = boost::system::errc;

/// The error code that an await ends with; none if it returned.
template <class A>
aio::coro<error_code> error_of(A awaitable) {
  error_code code;
  try {
    static_cast<void>(co_await std::move(awaitable));
  } catch (const boost::system::system_error& error) {
    code = error.code();
  }
  co_return code;
}

bool is_gone(const error_code& code) {
  return code == errc::connection_reset || code == errc::broken_pipe;
}

/// A connection with streams on our side and a raw socket on the other.
struct half_raw {
  aio::stream_reader reader;
  aio::stream_writer writer;
  test::raw_socket peer;
};

aio::coro<half_raw> connect(test::raw_socket& listener, bool narrow = false) {
  if (narrow) {
    const int room = 4096;  // inherited by what is accepted
    ::setsockopt(listener.fd(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", listener.port());
  co_return half_raw{reader, writer, listener.accept()};
}

void fill(const aio::stream_writer& writer) {
  const std::string chunk(64 * 1024, 'f');
  while (writer.transport().get_write_buffer_size() < 128 * 1024) writer.write(chunk);
}

}  // namespace

AIO_NET_TEST("vanishing peer: a read that waits gets the reset, and so do later ones",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto link = co_await connect(listener);
  auto reading = aio::create_task(error_of(link.reader.readline()));
  co_await test::polls(3);
  link.peer.reset();
  const error_code first = co_await reading;
  CHECK(first == errc::connection_reset);
  const error_code later = co_await error_of(link.reader.read(1));
  CHECK(later == errc::connection_reset);
  CHECK(link.writer.is_closing());
}

AIO_NET_TEST("vanishing peer: nobody reads, and yet it is noticed",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto link = co_await connect(listener);
  link.peer.send("unread");
  co_await test::polls(3);
  link.peer.reset();
  const error_code closed = co_await error_of(link.writer.wait_closed());
  CHECK(closed == errc::connection_reset);
}

AIO_NET_TEST("vanishing peer: a drain that waits gets the error",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto link = co_await connect(listener, true);
  fill(link.writer);
  auto draining = aio::create_task(error_of(link.writer.drain()));
  auto second = aio::create_task(error_of(link.writer.drain()));
  co_await test::polls(3);
  CHECK_FALSE(draining.done());
  link.peer.reset();
  const error_code one = co_await draining;
  const error_code two = co_await second;
  CHECK(is_gone(one));
  CHECK(is_gone(two));
}

AIO_NET_TEST("vanishing peer: a writer that does not read meets the error in drain",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto link = co_await connect(listener);
  link.peer.reset();
  error_code met;
  for (int i = 0; i < 1000 && !met; ++i) {
    link.writer.write("is anybody there?");
    met = co_await error_of(link.writer.drain());
    co_await test::polls(1);
  }
  CHECK(is_gone(met));
  for (int i = 0; i < 3; ++i) link.writer.write("dropped");
  const error_code again = co_await error_of(link.writer.drain());
  CHECK(is_gone(again));
}

AIO_NET_TEST("vanishing peer: it read our end of file, then it vanishes",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto link = co_await connect(listener);
  link.writer.write("question");
  link.writer.write_eof();
  auto reading = aio::create_task(error_of(link.reader.read()));
  co_await test::polls(3);
  link.peer.reset();
  const error_code how = co_await reading;
  CHECK(how == errc::connection_reset);
}

AIO_NET_TEST("vanishing peer: after its end of file, while we still send",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto link = co_await connect(listener, true);
  link.peer.shut_down_sending();
  const std::string end = co_await link.reader.read();
  CHECK(end.empty());
  fill(link.writer);
  auto draining = aio::create_task(error_of(link.writer.drain()));
  co_await test::polls(3);
  CHECK_FALSE(draining.done());
  link.peer.reset();
  const error_code how = co_await draining;
  CHECK(is_gone(how));
}

AIO_NET_TEST("vanishing peer: while what is queued is flushed by close",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto link = co_await connect(listener, true);
  fill(link.writer);
  link.writer.close();
  auto closing = aio::create_task(error_of(link.writer.wait_closed()));
  co_await test::polls(3);
  CHECK_FALSE(closing.done());
  link.peer.reset();
  const error_code how = co_await closing;
  CHECK(is_gone(how));
}

AIO_NET_TEST("vanishing peer: while its flood holds the reader back",
             "[paths][vanishing_peer]") {
  auto listener = test::raw_socket::listening();
  auto pair =
      co_await aio::open_connection("127.0.0.1", listener.port(), {.limit = 100});
  test::raw_socket peer = listener.accept();
  peer.send(std::string(10'000, 'x'));
  const auto is_held_back = [&] { return !pair.second.transport().is_reading(); };
  co_await test::until(is_held_back);
  peer.reset();
  co_await test::polls(3);
  error_code how;
  std::size_t got = 0;
  try {
    for (;;) {
      const std::string some = co_await pair.first.read(1000);
      if (some.empty()) break;
      got += some.size();
    }
  } catch (const boost::system::system_error& error) {
    how = error.code();
  }
  CHECK(how == errc::connection_reset);
  CHECK(got > 0);
}

AIO_NET_TEST("vanishing peer: a client that goes before it is accepted is no trouble",
             "[paths][vanishing_peer]") {
  int served = 0;
  auto handler = [&](aio::stream_reader reader,
                     aio::stream_writer writer) -> aio::coro<> {
    ++served;
    const error_code how = co_await error_of(reader.readline());
    if (how) co_return;
    writer.write("hello\n");
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  for (int i = 0; i < 20; ++i) {
    test::raw_socket gone = test::raw_socket::connected_to(server.port());
    if (i % 2 == 0) gone.send("x");
    gone.reset();
  }
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  writer.write("\n");
  const std::string line = co_await reader.readline();
  CHECK(line == "hello\n");
}

AIO_NET_TEST("vanishing peer: a handler that does not care is reported with the error",
             "[paths][vanishing_peer]") {
  auto handler = [](aio::stream_reader reader, aio::stream_writer) -> aio::coro<> {
    static_cast<void>(co_await reader.readline());
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  test::raw_socket client = test::raw_socket::connected_to(server.port());
  co_await test::polls(5);
  client.reset();
  const auto is_reported = [&] { return reports.count() > 0; };
  co_await test::until(is_reported);
  CHECK_THAT(reports.take(), Catch::Matchers::ContainsSubstring("reset"));
  server.close();
  co_await server.wait_closed();
}

TEST_CASE("vanishing peer: SIGPIPE does not end the process, with or without aio::run",
          "[paths][vanishing_peer]") {
  const auto before = std::signal(SIGPIPE, SIG_DFL);
  {
    aio::event_loop loop;
    auto body = []() -> aio::coro<> {
      auto listener = test::raw_socket::listening();
      auto link = co_await connect(listener);
      link.peer.reset();
      for (int i = 0; i < 50 && !link.writer.is_closing(); ++i) {
        link.writer.write("one");
        link.writer.write("two");
        co_await test::polls(1);
      }
      CHECK(link.writer.is_closing());
    };
    loop.run_until_complete(body());
  }
  CHECK(std::signal(SIGPIPE, before) == SIG_DFL);
  aio::run([]() -> aio::coro<> { co_return; });
  CHECK(std::signal(SIGPIPE, before) == SIG_IGN);  // for those who write to pipes
}

AIO_NET_TEST("vanishing peer: without a word, and the next write meets the reset",
             "[paths][vanishing]") {
  auto listener = test::raw_socket::listening();
  auto end = co_await connect(listener);
  // In repair mode a socket closes as if its machine had lost its power.
  const int on = 1;
  if (::setsockopt(end.peer.fd(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) != 0) {
    WARN("skipped: TCP_REPAIR is not allowed here");
    co_return;
  }
  end.peer.close();
  // Nothing tells a reader; who must know sets itself a limit.
  bool is_late = false;
  try {
    co_await aio::wait_for(end.reader.read(1), 20ms);
  } catch (const aio::timeout_error&) {
    is_late = true;
  }
  CHECK(is_late);
  end.writer.write("anybody there?");
  const error_code code = co_await error_of(end.reader.read(1));
  CHECK(is_gone(code));
}

AIO_NET_TEST("vanishing peer: one that neither reads nor goes is left by abort()",
             "[paths][vanishing]") {
  auto listener = test::raw_socket::listening();
  auto end = co_await connect(listener, true);
  fill(end.writer);
  end.writer.close();
  bool is_late = false;
  try {
    co_await aio::wait_for(end.writer.wait_closed(), 20ms);
  } catch (const aio::timeout_error&) {
    is_late = true;
  }
  CHECK(is_late);
  end.writer.transport().abort();
  co_await end.writer.wait_closed();
}

AIO_NET_TEST("vanishing peer: on a unix socket too it is an error and no signal",
             "[paths][vanishing]") {
  // SIGPIPE has its default action here: it would end the process.
  int both[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) ==
          0);
  const aio::connect_options ours{.sock = both[0]};
  auto [reader, writer] = co_await aio::open_connection(ours);
  ::close(both[1]);
  writer.write("x");
  const error_code code = co_await error_of(writer.wait_closed());
  CHECK(is_gone(code));
}
