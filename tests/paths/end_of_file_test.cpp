// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Bytes and an end of file that arrive together are both delivered. The kernel reports
// them with one event, so who receives less than there is, or does not receive again
// after a short read, never hears of the end.

#include <aio/net.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// Around the sizes of the receives and their sums, and more than the largest.
constexpr std::size_t sizes[] = {1,      255,    256,    257,    511,    512,
                                 513,    2303,   2304,   2305,   18'687, 18'688,
                                 18'689, 65'535, 65'536, 65'537, 84'224, 200'000};
constexpr int repetitions = 5;  // in each of the four moments

/// Where the loop stands when bytes and end arrive.
enum class when { before_accept, before_receive, while_receiving, behind_a_byte };

/// What one connection brought.
struct result {
  std::string bytes;
  bool ended = false;
};

/// Sends from outside, while the loop does not run, and waits for what came of it.
aio::coro<> check_arrival(aio::event_loop& loop, aio::server server, when moment,
                          aio::future<result>& arrived) {
  for (const std::size_t size : sizes) {
    const std::string sent = test::pattern(size);
    for (int i = 0; i < repetitions; ++i) {
      arrived = loop.create_future<result>();
      test::raw_socket client = test::raw_socket::connected_to(server.port());
      std::string_view rest = sent;
      if (moment == when::before_receive) {
        co_await test::polls(1);
      } else if (moment == when::while_receiving) {
        co_await test::polls(4);
      } else if (moment == when::behind_a_byte) {
        client.send(rest.substr(0, 1));
        rest.remove_prefix(1);
        co_await test::polls(4);
      }
      if (!rest.empty()) client.send(rest);
      client.shut_down_sending();
      const result got = co_await arrived;
      CAPTURE(size, i);
      REQUIRE(got.ended);
      REQUIRE(got.bytes.size() == sent.size());
      REQUIRE((got.bytes == sent));
    }
  }
  server.close();
  co_await server.wait_closed();
}

/// Runs the body for each moment.
template <class Start>
aio::coro<> check_all_moments(aio::event_loop& loop, Start start) {
  for (const when moment : {when::before_accept, when::before_receive,
                            when::while_receiving, when::behind_a_byte}) {
    aio::future<result> arrived = loop.create_future<result>();
    aio::server server = co_await start(arrived);
    CAPTURE(static_cast<int>(moment));
    co_await check_arrival(loop, server, moment, arrived);
  }
}

struct receiver : aio::protocol {
  explicit receiver(aio::future<result>& to) : arrived(to) {}
  void data_received(std::string_view data) override { got.bytes += data; }
  bool eof_received() override {
    got.ended = true;
    return false;
  }
  void connection_lost(std::exception_ptr) override { arrived.set_result(got); }

  aio::future<result> arrived;
  result got;
};

struct buffered_receiver : aio::buffered_protocol {
  buffered_receiver(aio::future<result>& to, std::size_t size)
      : arrived(to), room(size) {}
  std::span<char> get_buffer(std::size_t) override { return room; }
  void buffer_updated(std::size_t size) override {
    got.bytes.append(room.data(), size);
  }
  bool eof_received() override {
    got.ended = true;
    return false;
  }
  void connection_lost(std::exception_ptr) override { arrived.set_result(got); }

  aio::future<result> arrived;
  std::vector<char> room;
  result got;
};

}  // namespace

AIO_NET_TEST("end of file: it comes with the last bytes to a read to the end",
             "[paths][end_of_file]") {
  co_await check_all_moments(loop, [](aio::future<result>& arrived) {
    return aio::start_server(
        [&arrived](aio::stream_reader reader, aio::stream_writer) -> aio::coro<> {
          result got;
          got.bytes = co_await reader.read();
          got.ended = reader.at_eof();
          arrived.set_result(got);
        },
        "127.0.0.1", 0);
  });
}

AIO_NET_TEST("end of file: it comes behind the last bytes to reads of some bytes",
             "[paths][end_of_file]") {
  co_await check_all_moments(loop, [](aio::future<result>& arrived) {
    return aio::start_server(
        [&arrived](aio::stream_reader reader, aio::stream_writer) -> aio::coro<> {
          result got;
          for (;;) {
            const std::string some = co_await reader.read(100'000);
            if (some.empty()) break;
            got.bytes += some;
          }
          got.ended = reader.at_eof();
          arrived.set_result(got);
        },
        "127.0.0.1", 0);
  });
}

AIO_NET_TEST("end of file: it comes to a reader that is held back by its limit",
             "[paths][end_of_file]") {
  co_await check_all_moments(loop, [](aio::future<result>& arrived) {
    return aio::start_server(
        [&arrived](aio::stream_reader reader, aio::stream_writer) -> aio::coro<> {
          result got;
          for (;;) {
            const std::string some = co_await reader.read(1000);
            if (some.empty()) break;
            got.bytes += some;
            co_await aio::sleep(aio::duration::zero());  // more comes than it takes
          }
          got.ended = reader.at_eof();
          arrived.set_result(got);
        },
        "127.0.0.1", 0, {.limit = 300});
  });
}

AIO_NET_TEST("end of file: it comes behind the last bytes to a protocol",
             "[paths][end_of_file]") {
  co_await check_all_moments(loop, [&loop](aio::future<result>& arrived) {
    return loop.create_server(
        [&arrived] { return std::make_unique<receiver>(arrived); }, "127.0.0.1", 0);
  });
}

AIO_NET_TEST("end of file: it comes behind the last bytes to a buffered protocol",
             "[paths][end_of_file]") {
  constexpr std::size_t rooms[] = {256, 65'536};
  for (const std::size_t room : rooms) {
    CAPTURE(room);
    co_await check_all_moments(loop, [&loop, room](aio::future<result>& arrived) {
      return loop.create_server(
          [&arrived, room] {
            return std::make_unique<buffered_receiver>(arrived, room);
          },
          "127.0.0.1", 0);
    });
  }
}

AIO_NET_TEST("end of file: it comes to a client whose loop was busy meanwhile",
             "[paths][end_of_file]") {
  const test::raw_socket listener = test::raw_socket::listening();
  for (const std::size_t size : sizes) {
    const std::string sent = test::pattern(size);
    for (int i = 0; i < 4 * repetitions; ++i) {
      auto streams = co_await aio::open_connection("127.0.0.1", listener.port());
      test::raw_socket peer = listener.accept();
      const int room = 4 * 1024 * 1024;
      ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
      if (i % 2 == 0) co_await test::polls(3);
      peer.send(sent);
      peer.close();
      const std::string got = co_await streams.first.read();
      CAPTURE(size, i);
      REQUIRE(got.size() == sent.size());
      REQUIRE((got == sent));
      REQUIRE(streams.first.at_eof());
    }
  }
  co_return;
}

AIO_NET_TEST("end of file: on a unix socket too it comes with the last bytes",
             "[paths][end_of_file]") {
  for (const std::size_t size : sizes) {
    if (size > 65'537) continue;  // more would wait for us
    const std::string sent = test::pattern(size);
    for (int i = 0; i < 4 * repetitions; ++i) {
      int both[2];
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
      test::raw_socket peer(both[1]);
      const aio::connect_options ours{.sock = both[0]};
      auto streams = co_await aio::open_connection(ours);
      if (i % 2 == 0) co_await test::polls(3);
      peer.send(sent);
      peer.shut_down_sending();
      const std::string got = co_await streams.first.read();
      CAPTURE(size, i);
      REQUIRE(got.size() == sent.size());
      REQUIRE((got == sent));
    }
  }
}
