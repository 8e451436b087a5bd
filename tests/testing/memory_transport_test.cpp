// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/testing/memory_transport.hpp>  // first: proves the header stands alone

#include <aio/testing/memory_streams.hpp>
#include <aio/testing/run_virtual.hpp>

#include <support/protocols.hpp>
#include <support/test.hpp>

#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using aio::testing::memory_transports;
using test::boom;
using test::recorder;
using test::turns;

namespace {

/// Receives into a buffer of its own.
class buffered_recorder : public aio::buffered_protocol {
 public:
  explicit buffered_recorder(std::size_t size) : room_(size) {}
  std::span<char> get_buffer(std::size_t hint) override {
    CHECK(hint > 0);
    return room_;
  }
  void buffer_updated(std::size_t size) override {
    received.append(room_.data(), size);
  }
  bool eof_received() override {
    ended = true;
    return false;
  }
  void connection_lost(std::exception_ptr) override { lost = true; }

  std::string received;
  bool ended = false;
  bool lost = false;

 private:
  std::vector<char> room_;
};

struct two_recorders {
  std::shared_ptr<recorder> client = std::make_shared<recorder>();
  std::shared_ptr<recorder> server = std::make_shared<recorder>();

  void connect(const aio::testing::memory_options& options = {}) {
    memory_transports(client, server, options);
  }
};

}  // namespace

AIO_TEST("memory_transport: both protocols are told of the connection at once",
         "[testing][memory_transport]") {
  two_recorders ends;
  const auto [client, server] = memory_transports(ends.client, ends.server);
  CHECK(ends.client->log == "made");
  CHECK(ends.server->log == "made");
  CHECK(ends.client->transport == client);
  CHECK(ends.server->transport == server);
  CHECK(client.get_protocol() == ends.client);
  CHECK(client.peername() == server.sockname());
  CHECK(client.sockname() == server.peername());
  CHECK(to_string(server.sockname()) == "192.0.2.2:80");
  CHECK(client.native_handle() == -1);
  CHECK(client.is_reading());
  CHECK(client.can_write_eof());
  co_await turns(2);
  CHECK(ends.client->log == "made");  // and nothing else happens
}

AIO_TEST("memory_transport: bytes arrive on the next turn, in one piece",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect();
  int pieces = 0;
  ends.server->on_data = [&](std::string_view) { ++pieces; };
  ends.client->transport.write("hel");
  ends.client->transport.write("");
  ends.client->transport.writelines(std::vector<std::string>{"lo", "!"});
  CHECK(ends.server->received.empty());
  CHECK(ends.client->transport.get_write_buffer_size() == 6);
  co_await turns(1);
  CHECK(ends.server->received == "hello!");
  CHECK(ends.client->transport.get_write_buffer_size() == 0);
  CHECK(pieces == 1);
}

AIO_TEST("memory_transport: with pieces so many bytes arrive per turn",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect({.piece = 2});
  ends.client->transport.write("abcde");
  ends.client->transport.write_eof();
  std::string seen;
  for (int i = 0; i < 5; ++i) {
    co_await turns(1);
    seen += ends.server->received + '|';
  }
  CHECK(seen == "ab|abcd|abcde|abcde|abcde|");
  CHECK(ends.server->log == "made data eof lost");
}

AIO_TEST("memory_transport: a callback may answer, and the answer arrives",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.server->on_data = [&](std::string_view data) {
    ends.server->transport.write("re: " + std::string(data));
  };
  ends.client->on_made = [](aio::transport& t) { t.write("at once"); };
  ends.connect();
  co_await turns(2);
  CHECK(ends.client->received == "re: at once");
}

AIO_TEST("memory_transport: close sends what is queued, then both ends are lost",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect();
  ends.client->transport.write("last words");
  ends.client->transport.close();
  ends.client->transport.close();
  CHECK(ends.client->transport.is_closing());
  CHECK_FALSE(ends.client->ended);
  co_await turns(4);
  CHECK(ends.server->received == "last words");
  CHECK(ends.client->log == "made lost");
  CHECK(ends.server->log == "made data eof lost");
  CHECK_FALSE(ends.client->transport.get_protocol());
}

AIO_TEST("memory_transport: the end of file leaves the other direction open",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.server->keep_open = true;
  ends.connect();
  ends.client->transport.write("question");
  ends.client->transport.write_eof();
  ends.client->transport.write_eof();
  CHECK_THROWS_AS(ends.client->transport.write("more"), aio::usage_error);
  co_await turns(2);
  CHECK(ends.server->log == "made data eof");
  ends.server->transport.write("answer");
  co_await turns(1);
  CHECK(ends.client->received == "answer");
  ends.server->transport.close();
  co_await turns(3);
  CHECK(ends.client->log == "made data eof lost");
  CHECK(ends.server->log == "made data eof lost");
}

AIO_TEST("memory_transport: abort drops what is queued",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect();
  ends.client->transport.write("never seen");
  ends.client->transport.abort();
  co_await turns(3);
  CHECK(ends.client->log == "made lost");
  CHECK(ends.server->log == "made eof lost");
  CHECK(ends.server->received.empty());
}

AIO_TEST("memory_transport: a peer that closes with bytes unread breaks the connection",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect();
  ends.client->transport.write("unread");
  ends.server->transport.close();
  co_await turns(2);
  CHECK(ends.server->log == "made lost");
  CHECK(ends.client->log == "made lost with an error");
  CHECK_THAT(test::name_of(ends.client->error),
             Catch::Matchers::ContainsSubstring("Connection reset"));
}

AIO_TEST("memory_transport: writing to a peer that is gone breaks the connection",
         "[testing][memory_transport]") {
  test::reports reports(loop);
  two_recorders ends;
  ends.client->keep_open = true;
  ends.connect();
  ends.server->transport.close();
  co_await turns(2);
  CHECK(ends.client->log == "made eof");
  ends.client->transport.write("anybody there?");
  co_await turns(2);
  CHECK(ends.client->log == "made eof lost with an error");
  for (int i = 0; i < 4; ++i) ends.client->transport.write("still?");
  CHECK(reports.count() == 0);
  for (int i = 0; i < 4; ++i) ends.client->transport.write("still?");
  CHECK(reports.count() == 1);
}

AIO_TEST("memory_transport: nothing arrives while reading is paused",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect();
  ends.server->transport.pause_reading();
  CHECK_FALSE(ends.server->transport.is_reading());
  ends.client->transport.write("later");
  ends.client->transport.write_eof();
  co_await turns(3);
  CHECK(ends.server->log == "made");
  ends.server->transport.resume_reading();
  ends.server->transport.resume_reading();
  co_await turns(3);
  CHECK(ends.server->log == "made data eof lost");
}

AIO_TEST("memory_transport: the water marks pause and resume the writer",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect({.piece = 4});
  aio::transport client = ends.client->transport;
  client.set_write_buffer_limits(10, 3);
  CHECK(client.get_write_buffer_limits() == std::pair<std::size_t, std::size_t>(3, 10));
  client.write("0123456789");
  CHECK(ends.client->log == "made");
  client.write("a");
  CHECK(ends.client->log == "made pause");
  client.write("b");
  co_await turns(2);  // 4 of 12 are left
  CHECK(ends.client->log == "made pause");
  co_await turns(1);
  CHECK(ends.client->log == "made pause resume");
  client.set_write_buffer_limits(std::nullopt, 5);
  CHECK(client.get_write_buffer_limits() == std::pair<std::size_t, std::size_t>(5, 20));
  CHECK_THROWS_AS(client.set_write_buffer_limits(1, 2), std::invalid_argument);
  client.write("xyz");
  client.set_write_buffer_limits(0);
  CHECK(ends.client->log == "made pause resume pause");
}

AIO_TEST("memory_transport: receives into the buffers of a buffered protocol",
         "[testing][memory_transport]") {
  auto client = std::make_shared<recorder>();
  auto server = std::make_shared<buffered_recorder>(3);
  memory_transports(client, server);
  const std::string sent(5000, 'x');
  client->transport.write("abcdefgh" + sent);
  client->transport.close();
  co_await turns(4);
  CHECK(server->received == "abcdefgh" + sent);
  CHECK(server->ended);
  CHECK(server->lost);
}

AIO_TEST("memory_transport: a callback that throws ends its connection, with a report",
         "[testing][memory_transport]") {
  test::reports reports(loop);
  two_recorders ends;
  ends.server->on_data = [](std::string_view) { throw boom(); };
  ends.connect();
  ends.client->transport.write("x");
  co_await turns(3);
  CHECK(reports.take() == "boom");
  CHECK(test::name_of(ends.server->error) == "boom");
  CHECK(ends.client->log == "made eof lost");
}

AIO_TEST("memory_transport: a callback may abort either end",
         "[testing][memory_transport]") {
  two_recorders own;
  own.server->on_data = [&](std::string_view) { own.server->transport.abort(); };
  own.connect({.piece = 1});
  own.client->transport.write("abc");
  co_await turns(3);
  CHECK(own.server->received == "a");
  CHECK(own.server->log == "made data lost");
  CHECK(own.client->log == "made lost with an error");  // two bytes were unread

  two_recorders other;
  other.server->on_data = [&](std::string_view) { other.client->transport.abort(); };
  other.connect();
  other.client->transport.write("abc");
  co_await turns(3);
  CHECK(other.client->log == "made lost");
  CHECK(other.server->log == "made data eof lost");
}

AIO_TEST("memory_transport: two protocols that chatter leave room for others",
         "[testing][memory_transport]") {
  two_recorders ends;
  ends.connect();
  ends.client->on_data = [&](std::string_view) { ends.client->transport.write("x"); };
  ends.server->on_data = [&](std::string_view) { ends.server->transport.write("x"); };
  ends.client->transport.write("x");
  co_await turns(20);
  CHECK(ends.server->received.size() >= 9);
  CHECK(ends.server->received.size() <= 20);
  ends.client->transport.abort();
  co_await turns(2);
}

TEST_CASE("memory_transport: a loop that ends takes its connections down",
          "[testing][memory_transport]") {
  two_recorders ends;
  aio::testing::run_virtual([&]() -> aio::coro<> {
    ends.connect();
    ends.client->transport.write("on its way");
    co_return;
  });
  CHECK(ends.client->ended);
  CHECK(ends.server->ended);
  CHECK(ends.client->transport.is_closing());
  ends.client->transport.close();
  ends.server->transport.abort();
  CHECK(ends.server->transport.get_write_buffer_size() == 0);
}

AIO_TEST("memory_transport: what is no protocol is refused",
         "[testing][memory_transport]") {
  auto client = std::make_shared<recorder>();
  CHECK_THROWS_AS(memory_transports(client, std::make_shared<aio::base_protocol>()),
                  std::invalid_argument);
  CHECK_THROWS_AS(memory_transports(client, client, {.piece = 0}),
                  std::invalid_argument);
  CHECK(client->log.empty());
  co_return;
}
