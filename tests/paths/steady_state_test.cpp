// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What a connection costs once it is there: no allocation per request, and little memory
// while it is idle.

#include <aio/net.hpp>

#include <support/net.hpp>
#include <support/raw_socket.hpp>

#include <malloc.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct heap_use {
  std::size_t allocations = 0;
  std::ptrdiff_t bytes = 0;  ///< with what the heap adds to each block
};
thread_local heap_use heap;

constexpr std::size_t header = sizeof(std::size_t);

}  // namespace

#if !defined(AIO_NO_FRAME_POOL)

void* operator new(std::size_t size) {
  void* const made = std::malloc(size);
  if (made == nullptr) throw std::bad_alloc();
  ++heap.allocations;
  heap.bytes += static_cast<std::ptrdiff_t>(::malloc_usable_size(made) + header);
  return made;
}
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  heap.bytes -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory) + header);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { ::operator delete(memory); }

namespace {

struct echo_protocol : aio::protocol {
  void connection_made(aio::transport& t) override { transport = &t; }
  void data_received(std::string_view data) override { transport->write(data); }
  aio::transport* transport = nullptr;
};

aio::coro<> echo_read_some(aio::stream_reader reader, aio::stream_writer writer) {
  std::array<char, 1024> room;
  for (;;) {
    const std::size_t n =
        co_await reader.read_some(std::as_writable_bytes(std::span(room)));
    if (n == 0) break;
    writer.write({room.data(), n});
    co_await writer.drain();
  }
}

aio::coro<> echo_lines(aio::stream_reader reader, aio::stream_writer writer) {
  while (auto line = co_await reader.next_line()) {
    writer.write(*line);
    co_await writer.drain();
  }
}

aio::coro<> echo_once(const test::raw_socket& client, std::string_view request) {
  client.send(request);
  std::array<char, 256> answer;  // a larger frame would not come from the pool
  std::size_t got = 0;
  while (got < request.size()) {
    co_await test::polls(1);
    const ssize_t n =
        ::recv(client.fd(), answer.data() + got, answer.size() - got, MSG_DONTWAIT);
    if (n > 0) got += static_cast<std::size_t>(n);
  }
}

/// Allocations of a thousand echoes, after some that do not count.
aio::coro<std::size_t> allocations_of_echoes(aio::server server, std::string request) {
  const test::raw_socket client = test::raw_socket::connected_to(server.port());
  for (int i = 0; i < 100; ++i) co_await echo_once(client, request);
  const std::size_t before = heap.allocations;
  for (int i = 0; i < 1000; ++i) co_await echo_once(client, request);
  const std::size_t made = heap.allocations - before;
  server.close();
  server.close_clients();
  co_await server.wait_closed();
  co_return made;
}

/// Bytes of the heap for each of two hundred connections that have made an echo.
aio::coro<std::size_t> bytes_per_idle_connection(aio::server server) {
  constexpr std::size_t count = 200;
  std::vector<test::raw_socket> clients;
  clients.reserve(count + 1);
  const auto connect = [&] {
    clients.push_back(test::raw_socket::connected_to(server.port()));
  };
  connect();
  co_await echo_once(clients.back(), "the first one\n");
  const std::ptrdiff_t before = heap.bytes;
  for (std::size_t i = 0; i < count; ++i) {
    connect();
    co_await echo_once(clients.back(), "a line of some length, not a short one\n");
  }
  const std::ptrdiff_t grown = heap.bytes - before;
  server.close();
  server.close_clients();
  co_await server.wait_closed();
  co_return static_cast<std::size_t>(grown) / count;
}

}  // namespace

AIO_NET_TEST("steady state: a protocol echoes without an allocation",
             "[paths][steady_state]") {
  auto server = co_await loop.create_server(
      [] { return std::make_unique<echo_protocol>(); }, "127.0.0.1", 0);
  const std::size_t made = co_await allocations_of_echoes(server, std::string(64, 'x'));
  CHECK(made == 0);
}

AIO_NET_TEST("steady state: streams echo without an allocation",
             "[paths][steady_state]") {
  auto server = co_await aio::start_server(echo_read_some, "127.0.0.1", 0);
  const std::size_t made = co_await allocations_of_echoes(server, std::string(64, 'x'));
  CHECK(made == 0);
}

AIO_NET_TEST("steady state: a line costs its string and nothing more",
             "[paths][steady_state]") {
  auto server = co_await aio::start_server(echo_lines, "127.0.0.1", 0);
  const std::size_t made_for_long =
      co_await allocations_of_echoes(server, std::string(63, 'x') + '\n');
  CHECK(made_for_long == 1000);
  auto again = co_await aio::start_server(echo_lines, "127.0.0.1", 0);
  const std::size_t made_for_short = co_await allocations_of_echoes(again, "short\n");
  CHECK(made_for_short == 0);
}

AIO_NET_TEST("steady state: an idle connection of a protocol is small",
             "[paths][steady_state]") {
  auto server = co_await loop.create_server(
      [] { return std::make_unique<echo_protocol>(); }, "127.0.0.1", 0);
  const std::size_t bytes = co_await bytes_per_idle_connection(server);
  CHECK(bytes > 0);
  CHECK(bytes <= 700);
}

AIO_NET_TEST("steady state: a handler that waits for a line is small",
             "[paths][steady_state]") {
  auto server = co_await aio::start_server(echo_lines, "127.0.0.1", 0);
  const std::size_t bytes = co_await bytes_per_idle_connection(server);
  CHECK(bytes > 0);
  CHECK(bytes <= 1100);
}

#endif
