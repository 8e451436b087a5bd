// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Large transfers: who sends waits for who receives, and every byte arrives once.

#include <aio/net.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>
#include <support/streams.hpp>

#include <aio/task/gather.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

aio::coro<> send_all(aio::stream_writer writer, std::string_view text,
                     std::size_t piece, std::size_t& most_queued) {
  for (std::size_t at = 0; at < text.size(); at += piece) {
    writer.write(text.substr(at, piece));
    most_queued = std::max(most_queued, writer.transport().get_write_buffer_size());
    co_await writer.drain();
  }
  writer.write_eof();
}

aio::coro<bool> receives(aio::stream_reader reader, std::string_view text,
                         std::size_t piece, int turns_between) {
  for (;;) {
    const std::string some = co_await reader.read(piece);
    if (some.empty()) break;
    if (text.substr(0, some.size()) != some) co_return false;
    text.remove_prefix(some.size());
    co_await test::turns(turns_between);
  }
  co_return text.empty();
}

/// An io_context runs several handlers for each turn, and each may bring more.
bool polls_in_rounds() { return std::getenv("AIO_TEST_IN_CONTEXT") != nullptr; }

/// Finds out how much it gets in one turn at most.
struct turn_meter : aio::protocol {
  turn_meter(aio::event_loop& of, std::size_t& most) : loop(of), most_in_turn(most) {}
  void data_received(std::string_view data) override {
    const std::uint64_t now = loop.core().turn_number();
    in_turn = std::exchange(turn, now) == now ? in_turn + data.size() : data.size();
    most_in_turn = std::max(most_in_turn, in_turn);
  }
  aio::event_loop& loop;
  std::size_t& most_in_turn;
  std::uint64_t turn = 0;
  std::size_t in_turn = 0;
};

constexpr std::size_t megabyte = 1024 * 1024;

}  // namespace

AIO_NET_TEST("backpressure: megabytes go both ways at once, in pieces of any size",
             "[paths][backpressure]") {
  const std::string text = test::pattern(4 * megabyte);
  constexpr std::size_t pieces[] = {1000, 16'384, 65'536, 1'000'000};
  for (const std::size_t piece : pieces) {
    auto link = co_await test::connect_streams(loop);
    std::size_t queued = 0;
    auto all = co_await aio::gather(send_all(link.client.writer, text, piece, queued),
                                    send_all(link.server.writer, text, piece, queued),
                                    receives(link.client.reader, text, 65'536, 0),
                                    receives(link.server.reader, text, 5000, 0));
    CAPTURE(piece);
    CHECK(std::get<2>(all));
    CHECK(std::get<3>(all));
    CHECK(queued <= 64 * 1024 + piece);  // the limit, and the piece that went over it
  }
}

AIO_NET_TEST("backpressure: a slow reader holds a fast sender back",
             "[paths][backpressure]") {
  const std::string text = test::pattern(8 * megabyte);
  auto link = co_await test::connect_streams(loop, 1024);
  std::size_t most_buffered = 0;
  std::size_t queued = 0;
  auto sending = aio::create_task(send_all(link.client.writer, text, 10'000, queued));
  std::string_view rest = text;
  for (;;) {
    most_buffered = std::max(most_buffered, link.server.reader.buffered());
    const std::string some = co_await link.server.reader.read(100'000);
    if (some.empty()) break;
    REQUIRE(rest.substr(0, some.size()) == some);
    rest.remove_prefix(some.size());
    co_await test::turns(3);
  }
  CHECK(rest.empty());
  CHECK(most_buffered < 200'000);  // twice the limit, and a receive
  co_await std::move(sending);
}

AIO_NET_TEST("backpressure: a reader that takes nothing stops the sender for good",
             "[paths][backpressure]") {
  auto link = co_await test::connect_streams(loop, 1024);
  std::size_t queued = 0;
  const std::string text = test::pattern(16 * megabyte);
  auto sending = aio::create_task(send_all(link.client.writer, text, 65'536, queued));
  const auto is_held_back = [&] {
    return !link.server.writer.transport().is_reading();
  };
  co_await test::until(is_held_back);
  co_await test::polls(200);
  CHECK_FALSE(sending.done());
  CHECK(link.server.reader.buffered() < 200'000);
  // And it goes on when the reader does.
  auto all = co_await receives(link.server.reader, text, megabyte, 0);
  CHECK(all);
  co_await std::move(sending);
}

AIO_NET_TEST(
    "backpressure: readexactly and read to the end go beyond the limit of a reader",
    "[paths][backpressure]") {
  const std::string text = test::pattern(megabyte);
  auto link = co_await test::connect_streams(loop, 1024);
  std::size_t queued = 0;
  auto sending = aio::create_task(send_all(link.client.writer, text, 50'000, queued));
  const auto is_held_back = [&] {
    return !link.server.writer.transport().is_reading();
  };
  co_await test::until(is_held_back);
  const std::string half = co_await link.server.reader.readexactly(megabyte / 2);
  CHECK((half == text.substr(0, megabyte / 2)));
  const std::string rest = co_await link.server.reader.read();
  CHECK((rest == text.substr(megabyte / 2)));
  co_await std::move(sending);
}

AIO_NET_TEST("backpressure: a peer that reads a few bytes at a time gets all of them",
             "[paths][backpressure]") {
  std::size_t queued = 0;
  const std::string text = test::pattern(200'000);
  auto handler = [&](aio::stream_reader, aio::stream_writer writer) {
    return send_all(std::move(writer), text, 30'000, queued);
  };
  auto server = co_await aio::start_server(handler, "127.0.0.1", 0);
  test::raw_socket peer = test::raw_socket::narrow_connected_to(server.port());
  std::string got;
  while (!peer.is_at_end()) {
    got += peer.receive_now();
    co_await test::polls(1);
  }
  CHECK((got == text));
}

AIO_NET_TEST("backpressure: others are served while one connection is flooded",
             "[paths][backpressure]") {
  auto flood = co_await test::connect_streams(loop);
  auto quiet = co_await test::connect_streams(loop);
  const std::string text = test::pattern(16 * megabyte);
  std::size_t queued = 0;
  auto sending = aio::create_task(send_all(flood.client.writer, text, 262'144, queued));
  auto receiving = aio::create_task(receives(flood.server.reader, text, megabyte, 0));
  int answers = 0;
  while (!receiving.done()) {
    quiet.client.writer.write("x");
    const std::string asked = co_await quiet.server.reader.readexactly(1);
    quiet.server.writer.write(asked);
    static_cast<void>(co_await quiet.client.reader.readexactly(1));
    ++answers;
  }
  CHECK(receiving.result());
  CHECK(answers >= 5);
  co_await std::move(sending);
}

AIO_NET_TEST("backpressure: one connection gets no more than its share of a turn",
             "[paths][backpressure]") {
  if (polls_in_rounds()) co_return;
  std::size_t most = 0;
  auto listening = co_await loop.create_server(
      [&] { return std::make_unique<turn_meter>(loop, most); }, "127.0.0.1", 0);
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", listening.port());
  const std::string text = test::pattern(16 * megabyte);
  std::size_t queued = 0;
  co_await send_all(writer, text, text.size(), queued);
  const std::string end = co_await reader.read();
  CHECK(end.empty());
  CHECK(most <= 2 * megabyte);  // in the turn, and in the poll before the next one
  CHECK(most >= megabyte / 4);  // there was more to be had
}

AIO_NET_TEST("backpressure: a reader that waits is woken before much is piled up",
             "[paths][backpressure]") {
  if (polls_in_rounds()) co_return;
  auto [client, server] = co_await test::connect_streams(loop);
  const std::string text = test::pattern(16 * megabyte);
  std::size_t queued = 0;
  auto sending = aio::create_task(send_all(client.writer, text, text.size(), queued));
  std::string got;
  std::size_t most = 0;
  while (got.size() < text.size()) {
    const std::string some = co_await server.reader.read(megabyte);
    REQUIRE(!some.empty());
    most = std::max(most, some.size());
    got += some;
  }
  CHECK((got == text));
  CHECK(most <= 128 * 1024);
  CHECK(most >= 64 * 1024);  // there was more to be had
  co_await std::move(sending);
}

AIO_NET_TEST("backpressure: two hundred clients that do not read cost little memory",
             "[paths][backpressure]") {
  const std::string piece(megabyte / 4, 'p');
  int writing = 0;
  const auto send_much = [&](aio::stream_reader reader,
                             aio::stream_writer writer) -> aio::coro<> {
    const std::string wish = co_await reader.readline();
    if (wish == "little\n") {
      writer.write("little\n");
      co_return;
    }
    ++writing;
    for (int i = 0; i < 256; ++i) {
      writer.write(piece);
      co_await writer.drain();
    }
  };
  const aio::server_options options{.backlog = 256};
  const aio::server server =
      co_await aio::start_server(send_much, "127.0.0.1", 0, options);
  const std::size_t before = test::anonymous_memory();
  std::vector<test::raw_socket> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(test::raw_socket::narrow_connected_to(server.port()));
    clients.back().send("much\n");
  }
  auto all_write = test::until([&] { return writing == 200; });
  co_await std::move(all_write);
  co_await test::polls(50);
  // Others are served meanwhile.
  auto [reader, writer] = co_await aio::open_connection("127.0.0.1", server.port());
  writer.write("little\n");
  const std::string little = co_await reader.read();
  CHECK(little == "little\n");
  // A write was accepted whole, as it always is; more was not.
  const std::size_t grown = test::anonymous_memory() - before;
  CHECK(grown / 200 < piece.size() + 128 * 1024);
  server.abort_clients();
  server.close();
  co_await server.wait_closed();
  co_await test::polls(2);
  CHECK(reports.count() == 200);  // each handler's drain() has met its end
  reports.take();
}
