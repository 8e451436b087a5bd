// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/stream_transport.hpp>

#include <support/net.hpp>
#include <support/protocols.hpp>
#include <support/raw_socket.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using test::boom;
using test::connect_protocols;
using test::recorder;

namespace {

/// Tells one call from two: datagrams of a socket that keeps their bounds.
class call_recorder {
 public:
  explicit call_recorder(aio::event_loop& loop) {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) == 0);
    peer_ = aio::detail::descriptor(both[1]);
    const aio::detail::intrusive_ptr<aio::detail::stream_transport> made(
        new aio::detail::stream_transport(loop, aio::detail::descriptor(both[0]),
                                          aio::endpoint::unix_path("")));
    made->start(client_);
  }
  aio::transport& transport() { return client_->transport; }

  /// What each call has sent since the last question.
  std::vector<std::string> sent() const {
    std::vector<std::string> calls;
    char room[32'768];
    for (ssize_t n; (n = ::recv(peer_.get(), room, sizeof room, MSG_DONTWAIT)) > 0;) {
      calls.emplace_back(room, static_cast<std::size_t>(n));
    }
    return calls;
  }

 private:
  aio::detail::descriptor peer_;
  std::shared_ptr<recorder> client_ = std::make_shared<recorder>();
};

/// Receives into a buffer of its own.
class buffered_recorder : public aio::buffered_protocol {
 public:
  explicit buffered_recorder(std::size_t size) : room_(size) {}
  void connection_made(aio::transport& t) override { transport = t; }
  std::span<char> get_buffer(std::size_t hint) override {
    CHECK(hint > 0);
    return room_;
  }
  void buffer_updated(std::size_t size) override {
    most = std::max(most, size);
    received.append(room_.data(), size);
  }
  bool eof_received() override {
    ended = true;
    return false;
  }
  void connection_lost(std::exception_ptr) override { lost = true; }

  aio::transport transport;
  std::string received;
  std::size_t most = 0;
  bool ended = false;
  bool lost = false;

 private:
  std::vector<char> room_;
};

/// Writes until a write is left in the queue. Returns how many bytes that took.
std::size_t fill(aio::transport t, std::size_t above) {
  const std::string chunk(100'000, 'z');
  std::size_t written = 0;
  while (t.get_write_buffer_size() <= above) {
    t.write(chunk);
    written += chunk.size();
  }
  return written;
}

/// Waits until this end of the connection is over.
aio::coro<> end_of(std::shared_ptr<recorder> end) {
  return test::until([end] { return end->ended; });
}

}  // namespace

// ----- the order of callbacks -----

AIO_NET_TEST("transport: made, data, end of file, lost, each once and in this order",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.client->transport.write("hello ");
  link.client->transport.write("world");
  link.client->transport.close();
  co_await end_of(link.client);
  co_await end_of(link.server);
  CHECK(link.client->log == "made lost");
  CHECK(link.server->log == "made data eof lost");
  CHECK(link.server->received == "hello world");
}

AIO_NET_TEST("transport: connection_made may write, and close", "[net][transport]") {
  auto server = std::make_shared<recorder>();
  server->on_made = [](aio::transport& t) {
    t.write("bye");
    t.close();
  };
  auto link = co_await connect_protocols(loop, std::make_shared<recorder>(), server);
  co_await end_of(link.client);
  co_await end_of(link.server);
  CHECK(link.client->received == "bye");
  CHECK(link.client->log == "made data eof lost");
  CHECK(link.server->log == "made lost");
}

AIO_NET_TEST("transport: connection_lost comes on a later turn than close",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.client->transport.close();
  CHECK(link.client->transport.is_closing());
  CHECK_FALSE(link.client->ended);
  co_await test::turns(1);
  CHECK(link.client->ended);
}

AIO_NET_TEST("transport: close may be repeated, also by abort and from within",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.client->on_lost = [&] {
    link.client->transport.close();
    link.client->transport.abort();
  };
  link.client->transport.close();
  link.client->transport.close();
  link.client->transport.abort();
  co_await end_of(link.client);
  link.client->transport.close();
  link.client->transport.abort();
  co_await test::turns(3);
  CHECK(link.client->log == "made lost");
}

AIO_NET_TEST("transport: nothing is received after close", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.server->on_data = [&](std::string_view) { link.server->transport.close(); };
  const std::string much(3'000'000, 'x');
  link.client->transport.write(much);
  co_await end_of(link.server);
  CHECK(link.server->log == "made data lost");
  CHECK(link.server->received.size() < much.size());
}

// ----- the end of file -----

AIO_NET_TEST("transport: after the end of file it closes, unless it is kept open",
             "[net][transport]") {
  for (const bool keep_open : {false, true}) {
    auto link = co_await connect_protocols(loop);
    link.server->keep_open = keep_open;
    CHECK(link.client->transport.can_write_eof());
    link.client->transport.write("question");
    link.client->transport.write_eof();
    link.client->transport.write_eof();  // may be repeated
    CHECK_THROWS_AS(link.client->transport.write("x"), aio::usage_error);
    const auto has_ended = [&] {
      return link.server->log.find("eof") != std::string::npos;
    };
    co_await test::until(has_ended);
    CHECK(link.server->transport.is_closing() == !keep_open);
    if (keep_open) {
      co_await test::polls(3);
      CHECK_FALSE(link.server->ended);
      link.server->transport.write("late answer");
      link.server->transport.close();
    }
    co_await end_of(link.server);
    co_await end_of(link.client);
    CHECK(link.server->received == "question");
    CHECK(link.client->received == (keep_open ? "late answer" : ""));
    CHECK_FALSE(link.client->error);
  }
}

// ----- failing callbacks -----

AIO_NET_TEST("transport: an exception in data_received ends the connection with it",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.server->on_data = [](std::string_view) { throw boom("in data_received"); };
  link.client->transport.write("x");
  co_await end_of(link.server);
  co_await end_of(link.client);
  CHECK(link.server->log == "made data lost with an error");
  CHECK(test::name_of(link.server->error) == "in data_received");
  CHECK(reports.take() == "in data_received");
}

AIO_NET_TEST("transport: an exception in eof_received ends the connection with it",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.server->on_eof = [] { throw boom("in eof_received"); };
  link.client->transport.write_eof();
  co_await end_of(link.server);
  CHECK(test::name_of(link.server->error) == "in eof_received");
  CHECK(reports.take() == "in eof_received");
}

AIO_NET_TEST("transport: an exception in connection_made ends the connection",
             "[net][transport]") {
  auto server = std::make_shared<recorder>();
  server->on_made = [](aio::transport&) { throw boom("in connection_made"); };
  auto link = co_await connect_protocols(loop, std::make_shared<recorder>(), server);
  co_await end_of(link.server);
  co_await end_of(link.client);
  CHECK(reports.take() == "in connection_made");
}

AIO_NET_TEST("transport: an exception in connection_lost is reported, and it is over",
             "[net][transport]") {
  const std::size_t before = test::open_descriptors();
  auto link = co_await connect_protocols(loop);
  link.server->on_lost = [] { throw boom("in connection_lost"); };
  link.server->transport.close();
  co_await end_of(link.server);
  co_await end_of(link.client);
  CHECK(reports.take() == "in connection_lost");
  CHECK(link.server->transport.native_handle() == -1);
  co_await test::polls(2);
  CHECK(test::open_descriptors() == before);
}

AIO_NET_TEST(
    "transport: an exception in pause_writing is reported, and writing goes on",
    "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.client->on_pause = [] { throw boom("in pause_writing"); };
  const std::size_t written = fill(link.client->transport, 64 * 1024);
  CHECK(reports.take() == "in pause_writing");
  link.client->transport.close();
  co_await end_of(link.server);
  CHECK(link.server->received.size() == written);
}

// ----- flow of writing -----

AIO_NET_TEST(
    "transport: pause_writing comes inside write, once, and resume_writing after",
    "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.server->transport.pause_reading();
  aio::transport& t = link.client->transport;
  t.set_write_buffer_limits(50'000, 10'000);
  CHECK(t.get_write_buffer_limits() ==
        std::pair<std::size_t, std::size_t>(10'000, 50'000));

  std::size_t sent = fill(t, 50'000);
  CHECK(link.client->log == "made pause");
  CHECK(t.get_write_buffer_size() > 50'000);
  for (int i = 0; i < 3; ++i) {
    t.write(std::string(100'000, 'z'));
    sent += 100'000;
  }
  co_await test::polls(3);
  CHECK(link.client->log == "made pause");

  link.server->transport.resume_reading();
  const auto is_resumed = [&] { return link.client->log == "made pause resume"; };
  co_await test::until(is_resumed);
  CHECK(t.get_write_buffer_size() <= 10'000);
  t.close();
  co_await end_of(link.server);
  CHECK(link.server->received.size() == sent);
  CHECK(link.client->log == "made pause resume lost");
}

AIO_NET_TEST("transport: pause and resume of writing alternate", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  aio::transport& t = link.client->transport;
  t.set_write_buffer_limits(1000);
  for (int i = 0; i < 20; ++i) {
    link.server->transport.pause_reading();
    fill(t, 1000);
    link.server->transport.resume_reading();
    const auto is_empty = [&] { return t.get_write_buffer_size() == 0; };
    co_await test::until(is_empty);
  }
  std::string expected = "made";
  for (int i = 0; i < 20; ++i) expected += " pause resume";
  CHECK(link.client->log == expected);
}

AIO_NET_TEST("transport: the limits of the write buffer follow each other",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  aio::transport& t = link.client->transport;
  using limits = std::pair<std::size_t, std::size_t>;
  CHECK(t.get_write_buffer_limits() == limits(16 * 1024, 64 * 1024));
  t.set_write_buffer_limits(1000);
  CHECK(t.get_write_buffer_limits() == limits(250, 1000));
  t.set_write_buffer_limits(std::nullopt, 1000);
  CHECK(t.get_write_buffer_limits() == limits(1000, 4000));
  CHECK_THROWS_AS(t.set_write_buffer_limits(10, 11), std::invalid_argument);
  t.set_write_buffer_limits();
  CHECK(t.get_write_buffer_limits() == limits(16 * 1024, 64 * 1024));
}

AIO_NET_TEST("transport: lower limits take effect at once", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.server->transport.pause_reading();
  aio::transport& t = link.client->transport;
  fill(t, 0);
  const std::size_t queued = t.get_write_buffer_size();
  const std::string before = link.client->log;
  t.set_write_buffer_limits(queued - 1);
  CHECK(link.client->log == "made pause");
  CHECK((before == "made" || before == "made pause"));
}

AIO_NET_TEST("transport: writelines sends as many as one call takes at once",
             "[net][transport]") {
  call_recorder link(loop);
  std::vector<std::string> lines;
  std::string all;
  for (int i = 0; i < 60; ++i) lines.push_back("line " + std::to_string(i) + '\n');
  for (const auto& line : lines) all += line;
  link.transport().writelines(lines);
  co_await test::polls(2);
  CHECK(link.sent() == std::vector<std::string>{all});
  link.transport().abort();
  co_await test::polls(2);
}

AIO_NET_TEST("transport: who writes several times in a turn soon needs one call for it",
             "[net][transport]") {
  using calls = std::vector<std::string>;
  call_recorder link(loop);
  aio::transport& t = link.transport();
  t.write("a");
  t.write("b");
  t.write("c");
  CHECK(link.sent() == calls{"a"});
  co_await test::polls(2);
  CHECK(link.sent() == calls{"bc"});
  for (int i = 0; i < 3; ++i) {
    t.write("d");
    t.write("e");
    CHECK(link.sent().empty());
    co_await test::polls(2);
    CHECK(link.sent() == calls{"de"});
  }
  t.write("f");
  CHECK(t.get_write_buffer_size() == 1);
  co_await test::polls(2);
  CHECK(link.sent() == calls{"f"});
  t.write("g");  // it does so no more
  CHECK(link.sent() == calls{"g"});
  co_await test::polls(2);
  const std::string large(20'000, 'i');
  t.write("h");
  t.write(large);  // worth a call of its own
  CHECK((link.sent() == calls{"h", large}));
  t.close();
  co_await test::polls(2);
}

AIO_NET_TEST(
    "transport: what waits for the end of a turn is sent before abort drops it",
    "[net][transport]") {
  call_recorder link(loop);
  link.transport().write("a");
  link.transport().write("b");
  link.transport().write("c");
  link.transport().abort();
  CHECK(link.sent() == std::vector<std::string>{"a", "bc"});
  co_await test::polls(2);
  CHECK(link.sent().empty());
}

AIO_NET_TEST(
    "transport: writelines that are too much for the kernel are queued in order",
    "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.server->transport.pause_reading();
  const std::string piece = test::pattern(300'000);
  const std::vector<std::string> pieces(30, piece);
  link.client->transport.writelines(pieces);
  CHECK(link.client->transport.get_write_buffer_size() > 0);
  link.client->transport.writelines(std::vector<std::string_view>{"the ", "end"});
  link.client->transport.close();
  link.server->transport.resume_reading();
  co_await end_of(link.server);
  std::string all;
  for (const auto& one : pieces) all += one;
  CHECK((link.server->received == all + "the end"));
}

AIO_NET_TEST("transport: writelines sends each of a range", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  const std::vector<std::string> lines = {"one ", "two ", "three"};
  link.client->transport.writelines(lines);
  link.client->transport.write("");
  link.client->transport.close();
  co_await end_of(link.server);
  CHECK(link.server->received == "one two three");
}

AIO_NET_TEST("transport: many writes after the loss are reported, once",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.client->transport.abort();
  for (int i = 0; i < 100; ++i) link.client->transport.write("dropped");
  co_await end_of(link.client);
  for (int i = 0; i < 100; ++i) link.client->transport.write("dropped");
  CHECK(reports.count() == 1);
  reports.take();
}

// ----- flow of reading -----

AIO_NET_TEST(
    "transport: nothing is delivered while reading is paused, and nothing is lost",
    "[net][transport]") {
  constexpr std::size_t sizes[] = {1, 200, 256, 3000, 100'000};
  for (const std::size_t size : sizes) {
    // The receive is under way when reading is paused, or not yet.
    for (const int turns : {0, 4}) {
      auto link = co_await connect_protocols(loop);
      CHECK(link.server->transport.is_reading());
      co_await test::polls(turns);
      link.server->transport.pause_reading();
      link.server->transport.pause_reading();  // may be repeated
      CHECK_FALSE(link.server->transport.is_reading());
      const std::string sent = test::pattern(size);
      link.client->transport.write(sent);
      link.client->transport.close();
      co_await test::polls(10);
      CHECK(link.server->log == "made");
      link.server->transport.resume_reading();
      link.server->transport.resume_reading();  // may be repeated
      CHECK(link.server->log == "made");        // never from within
      co_await end_of(link.server);
      CAPTURE(size, turns);
      CHECK(link.server->log == "made data eof lost");
      CHECK((link.server->received == sent));
    }
  }
}

AIO_NET_TEST("transport: an end of file that comes during a pause is held back as well",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  co_await test::polls(4);
  link.server->transport.pause_reading();
  link.client->transport.close();
  co_await test::polls(10);
  CHECK(link.server->log == "made");
  link.server->transport.resume_reading();
  co_await end_of(link.server);
  CHECK(link.server->log == "made eof lost");
}

AIO_NET_TEST("transport: reading can be paused for each piece", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  int pieces = 0;
  link.server->on_data = [&](std::string_view) {
    ++pieces;
    link.server->transport.pause_reading();
    loop.call_soon([&] { link.server->transport.resume_reading(); });
  };
  const std::string sent = test::pattern(500'000);
  link.client->transport.write(sent);
  link.client->transport.close();
  co_await end_of(link.server);
  CHECK((link.server->received == sent));
  CHECK(pieces > 5);
}

AIO_NET_TEST("transport: paused in connection_made it does not read until it may",
             "[net][transport]") {
  auto server = std::make_shared<recorder>();
  server->on_made = [](aio::transport& t) { t.pause_reading(); };
  auto link = co_await connect_protocols(loop, std::make_shared<recorder>(), server);
  link.client->transport.write("early");
  co_await test::polls(5);
  CHECK(link.server->log == "made");
  link.server->transport.resume_reading();
  const auto has_come = [&] { return link.server->received == "early"; };
  co_await test::until(has_come);
}

AIO_NET_TEST("transport: closed while it holds bytes back it delivers nothing any more",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  co_await test::polls(4);
  link.server->transport.pause_reading();
  link.client->transport.write("held back");
  co_await test::polls(4);
  link.server->transport.close();
  link.server->transport.resume_reading();
  co_await end_of(link.server);
  CHECK(link.server->log == "made lost");
  link.server->transport.pause_reading();
  link.server->transport.resume_reading();
  co_await test::turns(2);
  CHECK(link.server->log == "made lost");
}

AIO_NET_TEST("transport: resumed after the end it does nothing", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  co_await test::polls(4);
  link.server->transport.pause_reading();
  link.client->transport.write("held back");
  co_await test::polls(4);
  link.server->transport.close();
  co_await end_of(link.server);
  link.server->transport.resume_reading();
  co_await test::turns(2);
  CHECK(link.server->log == "made lost");
  CHECK_FALSE(link.server->transport.is_reading());
}

// ----- loss -----

AIO_NET_TEST("transport: a reset is connection_lost with the error",
             "[net][transport]") {
  auto server = std::make_shared<recorder>();
  auto listening = co_await loop.create_server([&] { return server; }, "127.0.0.1", 0);
  test::raw_socket client = test::raw_socket::connected_to(listening.port());
  const auto is_there = [&] { return static_cast<bool>(server->transport); };
  co_await test::until(is_there);
  co_await test::polls(3);
  client.reset();
  co_await end_of(server);
  CHECK(server->log == "made lost with an error");
  CHECK_THAT(test::name_of(server->error), ContainsSubstring("reset"));
}

AIO_NET_TEST("transport: abort drops the queue and is no error", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.server->transport.pause_reading();
  const std::size_t written = fill(link.client->transport, 200'000);
  link.client->transport.abort();
  CHECK(link.client->transport.get_write_buffer_size() == 0);
  co_await end_of(link.client);
  CHECK_FALSE(link.client->error);
  link.server->transport.resume_reading();
  co_await end_of(link.server);
  CHECK(link.server->received.size() < written);
}

AIO_NET_TEST("transport: it knows its addresses, also after the end",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  const aio::endpoint ours = link.client->transport.sockname();
  CHECK(link.server->transport.peername() == ours);
  CHECK(link.client->transport.peername() == link.server->transport.sockname());
  CHECK(link.client->transport.native_handle() >= 0);
  link.client->transport.close();
  co_await end_of(link.client);
  CHECK(link.client->transport.native_handle() == -1);
  CHECK(link.client->transport.sockname() == ours);
  CHECK(link.client->transport.get_protocol() == nullptr);
}

// ----- changing the protocol -----

AIO_NET_TEST("transport: another protocol can take over", "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  CHECK(link.server->transport.get_protocol() == link.server);
  auto second = std::make_shared<recorder>();
  link.server->on_data = [&](std::string_view) {
    link.server->transport.set_protocol(second);
  };
  link.client->transport.write("first");
  const auto is_replaced = [&] {
    return link.server->transport.get_protocol() == second;
  };
  co_await test::until(is_replaced);
  link.client->transport.write("second");
  link.client->transport.close();
  co_await end_of(second);
  CHECK(link.server->log == "made data");
  CHECK(link.server->received == "first");
  CHECK(second->log == " data eof lost");
  CHECK(second->received == "second");
}

AIO_NET_TEST("transport: a protocol takes over while a receive is under way",
             "[net][transport]") {
  // From one that receives into its own memory to one that does not, and back.
  auto first = std::make_shared<buffered_recorder>(100);
  auto second = std::make_shared<recorder>();
  auto third = std::make_shared<buffered_recorder>(10);
  auto listening = co_await loop.create_server([&] { return first; }, "127.0.0.1", 0);
  test::raw_socket client = test::raw_socket::connected_to(listening.port());
  client.send("1");
  const auto one = [&] { return first->received == "1"; };
  co_await test::until(one);
  co_await test::polls(4);
  aio::transport t = first->transport;
  t.set_protocol(second);
  first.reset();  // and its memory
  client.send("22222");
  const auto two = [&] { return second->received == "22222"; };
  co_await test::until(two);
  co_await test::polls(4);
  t.set_protocol(third);
  client.send("3333333333333333333333333");
  const auto three = [&] { return third->received.size() == 25; };
  co_await test::until(three);
  CHECK(third->received == std::string(25, '3'));
  client.close();
  const auto is_over = [&] { return third->lost; };
  co_await test::until(is_over);
}

AIO_NET_TEST("transport: what is no protocol is refused", "[net][transport]") {
  struct base_only : aio::base_protocol {};
  auto link = co_await connect_protocols(loop);
  CHECK_THROWS_AS(link.client->transport.set_protocol(std::make_shared<base_only>()),
                  std::invalid_argument);
  CHECK_THROWS_AS(link.client->transport.set_protocol(nullptr), std::invalid_argument);
  link.server->transport.write("still the old one");
  const auto has_come = [&] { return !link.client->received.empty(); };
  co_await test::until(has_come);
}

// ----- buffered protocols -----

AIO_NET_TEST("transport: a buffered protocol gets all bytes in its own memory",
             "[net][transport]") {
  constexpr std::size_t rooms[] = {1, 100, 65'536, 300'000};
  for (const std::size_t room : rooms) {
    auto server = std::make_shared<buffered_recorder>(room);
    auto listening =
        co_await loop.create_server([&] { return server; }, "127.0.0.1", 0);
    test::raw_socket client = test::raw_socket::connected_to(listening.port());
    const std::string sent = test::pattern(room == 1 ? 2000 : 200'000);
    client.send(sent);
    client.close();
    const auto is_over = [&] { return server->lost; };
    co_await test::until(is_over);
    CAPTURE(room);
    CHECK((server->received == sent));
    CHECK(server->ended);
    CHECK(server->most <= room);
  }
}

AIO_NET_TEST("transport: an empty buffer of a protocol ends its connection",
             "[net][transport]") {
  auto server = std::make_shared<buffered_recorder>(0);
  auto listening = co_await loop.create_server([&] { return server; }, "127.0.0.1", 0);
  test::raw_socket client = test::raw_socket::connected_to(listening.port());
  client.send("x");
  const auto is_over = [&] { return server->lost; };
  co_await test::until(is_over);
  CHECK(reports.take() == "usage");
}

// ----- as a guest -----

TEST_CASE("transport: of a guest loop the callbacks are a part of the loop",
          "[net][transport][guest]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  std::string log;
  const auto note = [&](std::string what) {
    CHECK(&aio::get_running_loop() == &loop);
    aio::create_task([&log, what]() -> aio::coro<> {
      log += what + ' ';
      co_return;
    });
  };
  auto server = std::make_shared<test::recorder>();
  server->on_made = [&](aio::transport&) { note("made"); };
  server->on_data = [&](std::string_view) {
    note("data");
    server->transport.write("answer");
  };
  server->on_lost = [&] { note("lost"); };
  auto body = [&]() -> aio::coro<> {
    auto listening =
        co_await loop.create_server([&] { return server; }, "127.0.0.1", 0);
    auto [reader, writer] =
        co_await aio::open_connection("127.0.0.1", listening.port());
    writer.write("question");
    const std::string answer = co_await reader.readexactly(6);
    log += answer + ' ';
    writer.close();
    listening.close();
    co_await listening.wait_closed();
  };
  auto all = loop.create_task(body());
  context.run();  // and ends, for nothing is left to wait for
  CHECK(all.done());
  CHECK(log == "made data answer lost ");
}

// ----- handles -----

AIO_NET_TEST("transport: the connection lives without handles and ends with the loop",
             "[net][transport]") {
  auto link = co_await connect_protocols(loop);
  link.client->transport = aio::transport();
  link.server->transport.write("are you there?");
  const auto has_come = [&] { return !link.client->received.empty(); };
  co_await test::until(has_come);
  CHECK(link.client->log == "made data");
}

TEST_CASE("transport: an empty one says that there is no connection",
          "[net][transport]") {
  aio::transport empty;
  CHECK_FALSE(empty);
  CHECK_THROWS_AS(empty.write("x"), aio::usage_error);
  CHECK_THROWS_AS(empty.close(), aio::usage_error);
}

TEST_CASE("transport: closing the loop ends the connections that are left",
          "[net][transport]") {
  const std::size_t before = test::open_descriptors();
  auto client = std::make_shared<recorder>();
  auto server = std::make_shared<recorder>();
  {
    aio::event_loop loop;
    loop.run_until_complete(connect_protocols(loop, client, server));
    server->transport.pause_reading();
    fill(client->transport, 200'000);
    client->transport = aio::transport();
    loop.close();
    CHECK(client->log == "made pause lost");
    CHECK(server->log == "made lost");
    CHECK(server->transport.is_closing());
    server->transport = aio::transport();
  }
  CHECK(client.use_count() == 1);
  CHECK(server.use_count() == 1);
  CHECK(test::open_descriptors() == before);
}
