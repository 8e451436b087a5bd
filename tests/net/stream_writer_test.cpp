// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/stream_writer.hpp>

#include <support/net.hpp>
#include <support/streams.hpp>

#include <aio/task/gather.hpp>

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::connect_streams;
using test::ending;

namespace {

/// How many bytes have arrived in the kernel, and are left there.
std::size_t arrived(const test::end_of_stream& at) {
  char got[1000];
  const int fd = at.writer.transport().native_handle();
  const ssize_t n = ::recv(fd, got, sizeof got, MSG_PEEK | MSG_DONTWAIT);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

}  // namespace

// ----- writing -----

AIO_NET_TEST("stream_writer: what is written comes out at the other end, both ways",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  link.client.writer.write("to the server\n");
  link.server.writer.write("to the client\n");
  const std::string at_server = co_await link.server.reader.readline();
  const std::string at_client = co_await link.client.reader.readline();
  CHECK(at_server == "to the server\n");
  CHECK(at_client == "to the client\n");
}

AIO_NET_TEST("stream_writer: a write sends at once, without a turn",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  link.client.writer.write("now");
  CHECK(link.client.writer.transport().get_write_buffer_size() == 0);
  CHECK(arrived(link.server) == 3);
}

AIO_NET_TEST("stream_writer: the further writes of a turn leave together on the next",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  for (int i = 0; i < 10; ++i) link.client.writer.write("0123456789");
  CHECK(arrived(link.server) == 10);
  CHECK(link.client.writer.transport().get_write_buffer_size() == 90);
  co_await test::turns(1);
  CHECK(link.client.writer.transport().get_write_buffer_size() == 0);
  const std::string all = co_await link.server.reader.readexactly(100);
  CHECK(all.substr(0, 20) == "01234567890123456789");
}

AIO_NET_TEST("stream_writer: write_all writes and waits", "[net][stream_writer]") {
  auto link = co_await test::connect_streams(loop);
  const std::string text = test::pattern(16'000'000);
  auto sending = aio::create_task(link.client.writer.write_all(text));
  co_await test::polls(2);
  CHECK_FALSE(sending.done());
  const std::string got = co_await link.server.reader.readexactly(text.size());
  CHECK((got == text));
  co_await sending;
}

AIO_NET_TEST("stream_writer: writelines writes each of a range",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::vector<std::string> strings = {"one\n", "two\n"};
  link.client.writer.writelines(strings);
  constexpr std::array<std::string_view, 2> views = {"three\n", "four\n"};
  link.client.writer.writelines(views);
  link.client.writer.write("");  // nothing
  link.client.writer.close();
  const std::string all = co_await link.server.reader.read();
  CHECK(all == "one\ntwo\nthree\nfour\n");
}

// ----- drain -----

AIO_NET_TEST("stream_writer: drain does not give way below the high-water mark",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  bool turned = false;
  loop.call_soon([&] { turned = true; });
  link.client.writer.write("a");
  link.client.writer.write("b");
  co_await link.client.writer.drain();
  CHECK_FALSE(turned);
  co_await test::turns(1);
  CHECK(turned);
}

AIO_NET_TEST("stream_writer: drain waits until the other end has taken enough",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::size_t written = test::fill(link.client.writer);
  auto draining = aio::create_task(ending(link.client.writer.drain()));
  co_await test::polls(20);
  CHECK_FALSE(draining.done());  // nobody reads
  std::size_t read = 0;
  while (!draining.done()) {
    const std::string some = co_await link.server.reader.read(64 * 1024);
    read += some.size();
    REQUIRE(read <= written);
  }
  const auto [low, high] = link.client.writer.transport().get_write_buffer_limits();
  CHECK(link.client.writer.transport().get_write_buffer_size() <= low);
  const std::string how = co_await draining;
  CHECK(how == "returned");
  const std::string rest = co_await link.server.reader.readexactly(written - read);
  CHECK(rest.size() == written - read);
}

AIO_NET_TEST("stream_writer: any number of tasks may drain, and all go on",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::size_t written = test::fill(link.client.writer);
  std::vector<aio::task<std::string>> draining;
  for (int i = 0; i < 5; ++i) {
    draining.push_back(aio::create_task(ending(link.client.writer.drain())));
  }
  co_await test::polls(3);
  for (const auto& one : draining) CHECK_FALSE(one.done());
  const std::string all = co_await link.server.reader.readexactly(written);
  CHECK(all.size() == written);
  for (const auto& one : draining) {
    const std::string how = co_await one;
    CHECK(how == "returned");
  }
}

AIO_NET_TEST("stream_writer: a cancelled drain leaves the bytes on their way",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::size_t written = test::fill(link.client.writer);
  const std::string how =
      co_await ending(aio::wait_for(link.client.writer.drain(), 5ms));
  CHECK(how == "timeout");
  link.client.writer.close();
  const std::string all = co_await link.server.reader.read();
  CHECK(all.size() == written);
}

AIO_NET_TEST("stream_writer: the limits of the queue can be set",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  aio::transport& t = link.client.writer.transport();
  t.set_write_buffer_limits(0);
  test::fill(link.client.writer);
  auto draining = aio::create_task(ending(link.client.writer.drain()));
  co_await test::polls(2);
  CHECK_FALSE(draining.done());
  t.abort();
  const std::string how = co_await draining;
  CHECK_THAT(how, Catch::Matchers::ContainsSubstring("the connection is lost"));
}

AIO_NET_TEST("stream_writer: drain on a closed connection says that it is lost",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  link.client.writer.close();
  bool reset = false;
  try {
    co_await link.client.writer.drain();
  } catch (const boost::system::system_error& error) {
    reset = error.code() == boost::system::errc::connection_reset;
  }
  CHECK(reset);
  co_await link.client.writer.wait_closed();
  const std::string again = co_await ending(link.client.writer.drain());
  CHECK_THAT(again, Catch::Matchers::ContainsSubstring("the connection is lost"));
}

// ----- half close -----

AIO_NET_TEST("stream_writer: after write_eof the answer still comes",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  CHECK(link.client.writer.can_write_eof());
  link.client.writer.write("one two ");
  link.client.writer.write("three");
  link.client.writer.write_eof();
  link.client.writer.write_eof();  // may be repeated
  CHECK_THROWS_AS(link.client.writer.write("too late"), aio::usage_error);
  CHECK_FALSE(link.client.writer.is_closing());
  const std::string question = co_await link.server.reader.read();
  CHECK(question == "one two three");
  CHECK(link.server.reader.at_eof());
  link.server.writer.write("ONE TWO THREE");
  link.server.writer.close();
  const std::string answer = co_await link.client.reader.read();
  CHECK(answer == "ONE TWO THREE");
}

AIO_NET_TEST("stream_writer: write_eof waits for what is queued",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::size_t written = test::fill(link.client.writer);
  link.client.writer.write_eof();
  const std::string all = co_await link.server.reader.read();
  CHECK(all.size() == written);
  link.server.writer.write("thanks");
  const std::string answer = co_await link.client.reader.readexactly(6);
  CHECK(answer == "thanks");
}

// ----- the end -----

AIO_NET_TEST("stream_writer: close sends what is queued, then ends the stream",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::size_t written = test::fill(link.client.writer);
  link.client.writer.close();
  link.client.writer.close();  // may be repeated
  CHECK(link.client.writer.is_closing());
  auto closed = aio::create_task(ending(link.client.writer.wait_closed()));
  co_await test::polls(5);
  CHECK_FALSE(closed.done());
  const std::string all = co_await link.server.reader.read();
  CHECK(all.size() == written);
  const std::string how = co_await closed;
  CHECK(how == "returned");
}

AIO_NET_TEST("stream_writer: abort drops what is queued", "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::size_t written = test::fill(link.client.writer);
  link.client.writer.transport().abort();
  co_await link.client.writer.wait_closed();
  std::size_t got = 0;
  try {
    for (;;) {
      const std::string some = co_await link.server.reader.read(1024 * 1024);
      if (some.empty()) break;
      got += some.size();
    }
  } catch (const boost::system::system_error&) {  // a reset is as good an end
  }
  CHECK(got < written);
}

AIO_NET_TEST("stream_writer: wait_closed returns at once when it is over, for anybody",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  aio::stream_writer same = link.client.writer;
  auto other = aio::create_task(ending(same.wait_closed()));
  co_await test::polls(2);
  CHECK_FALSE(other.done());
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
  bool turned = false;
  loop.call_soon([&] { turned = true; });
  co_await link.client.writer.wait_closed();
  CHECK_FALSE(turned);
  co_await test::turns(1);
  CHECK(turned);
  const std::string how = co_await other;
  CHECK(how == "returned");
}

AIO_NET_TEST("stream_writer: a cancelled wait_closed lets the connection close",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::string how =
      co_await ending(aio::wait_for(link.client.writer.wait_closed(), 2ms));
  CHECK(how == "timeout");
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
  CHECK(link.client.writer.is_closing());
}

AIO_NET_TEST(
    "stream_writer: writes after the end are dropped and many are reported, once",
    "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
  CHECK(link.client.writer.transport().native_handle() == -1);
  link.client.writer.write_eof();  // nothing to end
  for (int i = 0; i < 3; ++i) link.client.writer.write("nobody hears this");
  CHECK(reports.count() == 0);
  for (int i = 0; i < 100; ++i) link.client.writer.write("nobody hears this");
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring("is lost"));
  reports.take();
}

AIO_NET_TEST("stream_writer: what had arrived can be read after close",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  link.server.writer.write("FOUR\nFIVE\n");
  const std::string two = co_await link.client.reader.readexactly(2);
  CHECK(two == "FO");
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
  const std::string line = co_await link.client.reader.readline();
  const std::string rest = co_await link.client.reader.read(100);
  CHECK(line == "UR\n");
  CHECK(rest == "FIVE\n");
  CHECK(link.client.reader.at_eof());
}

AIO_NET_TEST("stream_writer: what a held-back reader had can be read after close",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop, 16);
  link.server.writer.write(std::string(100, 'x'));
  const auto held_back = [&] { return !link.client.writer.transport().is_reading(); };
  co_await test::until(held_back);
  link.client.writer.close();
  co_await link.client.writer.wait_closed();
  const std::string most = co_await link.client.reader.read(90);
  CHECK(most.size() == 90);
  const std::string rest = co_await link.client.reader.read();
  CHECK(rest.size() == 10);
}

AIO_NET_TEST("stream_writer: dropping the last one closes, after what is queued",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const std::size_t written = test::fill(link.client.writer);
  aio::stream_writer copy = link.client.writer;
  link.client.writer = aio::stream_writer();
  co_await test::polls(2);
  CHECK_FALSE(copy.is_closing());
  copy = aio::stream_writer();
  const std::string all = co_await link.server.reader.read();
  CHECK(all.size() == written);
  CHECK(link.server.reader.at_eof());
}

AIO_NET_TEST("stream_writer: the reader alone keeps nothing open",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  link.client.writer = aio::stream_writer();
  const std::string at_client = co_await link.client.reader.read();
  const std::string at_server = co_await link.server.reader.read();
  CHECK((at_client + at_server).empty());
}

// ----- about it -----

AIO_NET_TEST("stream_writer: it knows both addresses, also after the end",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  const aio::stream_writer& client = link.client.writer;
  const aio::endpoint ours = client.sockname();
  const aio::endpoint theirs = client.peername();
  CHECK(ours.address() == "127.0.0.1");
  CHECK(ours.port() != 0);
  CHECK(link.server.writer.peername() == ours);
  CHECK(link.server.writer.sockname() == theirs);
  client.close();
  co_await client.wait_closed();
  CHECK(client.sockname() == ours);
  CHECK(client.peername() == theirs);
}

AIO_NET_TEST("stream_writer: an empty one says that it is", "[net][stream_writer]") {
  aio::stream_writer empty;
  CHECK_FALSE(empty);
  CHECK_THROWS_AS(empty.write("x"), aio::usage_error);
  CHECK_THROWS_AS(empty.drain(), aio::usage_error);
  CHECK_THROWS_AS(empty.wait_closed(), aio::usage_error);
  CHECK_THROWS_AS(empty.close(), aio::usage_error);
  co_return;
}

AIO_NET_TEST("stream_writer: copies are the same writer, and fit into a set",
             "[net][stream_writer]") {
  auto link = co_await connect_streams(loop);
  std::set<aio::stream_writer> all;
  all.insert(link.client.writer);
  all.insert(link.client.writer);
  all.insert(link.server.writer);
  CHECK(all.size() == 2);
  const aio::stream_writer copy = link.client.writer;
  CHECK(copy == link.client.writer);
  CHECK(copy != link.server.writer);
  CHECK(all.erase(copy) == 1);
  co_return;
}
