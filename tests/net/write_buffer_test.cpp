// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/detail/write_buffer.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace {

using aio::detail::write_buffer;

std::size_t chunks_of(const write_buffer& queue) {
  std::size_t count = 0;
  queue.for_each_chunk(1'000'000, [&](std::string_view) { ++count; });
  return count;
}

/// Sends as a kernel does that takes at most `vectors` chunks and `room` bytes.
std::string send(write_buffer& queue, std::size_t vectors, std::size_t room) {
  std::string sent;
  queue.for_each_chunk(vectors, [&](std::string_view chunk) {
    sent += chunk.substr(0, std::min(chunk.size(), room - sent.size()));
  });
  queue.consume(sent.size());
  return sent;
}

}  // namespace

TEST_CASE("write_buffer: new it is empty", "[net][write_buffer]") {
  const write_buffer queue;
  CHECK(queue.empty());
  CHECK(queue.size() == 0);
  CHECK(chunks_of(queue) == 0);
}

TEST_CASE("write_buffer: small writes share a chunk, an empty one leaves none",
          "[net][write_buffer]") {
  write_buffer queue;
  queue.append("");
  CHECK(queue.empty());
  for (int i = 0; i < 100; ++i) queue.append("0123456789");
  CHECK(queue.size() == 1000);
  CHECK(chunks_of(queue) == 1);
}

TEST_CASE("write_buffer: a large write has a chunk of its own", "[net][write_buffer]") {
  write_buffer queue;
  queue.append("small");
  queue.append(std::string(100'000, 'L'));
  queue.append("small");
  CHECK(chunks_of(queue) == 3);
  CHECK(queue.size() == 100'010);
}

TEST_CASE(
    "write_buffer: bytes leave in the order of the writes, however they are taken",
    "[net][write_buffer]") {
  const std::size_t sizes[] = {1, 3, 500, 7, 16'384, 16'385, 2, 40'000, 16'383, 11};
  constexpr std::size_t rooms[] = {1, 2, 511, 16'384, 16'390, 50'000, 1'000'000};
  constexpr std::size_t vector_counts[] = {1, 2, 64};
  for (const std::size_t room : rooms) {
    for (const std::size_t vectors : vector_counts) {
      write_buffer queue;
      std::string given;
      char c = 'a';
      for (const std::size_t size : sizes) {
        const std::string piece(size, c++);
        given += piece;
        queue.append(piece);
      }
      std::string sent;
      // One byte at a time only for the beginning.
      const std::size_t calls = room < 10 ? 2000 : 1'000'000;
      for (std::size_t i = 0; i < calls && !queue.empty(); ++i) {
        sent += send(queue, vectors, room);
        REQUIRE(queue.size() == given.size() - sent.size());
      }
      while (!queue.empty()) sent += send(queue, 64, 1'000'000);
      CAPTURE(room, vectors);
      REQUIRE(sent == given);
    }
  }
}

TEST_CASE("write_buffer: what is written between two sends comes behind",
          "[net][write_buffer]") {
  write_buffer queue;
  queue.append("first");
  queue.consume(3);
  queue.append("second");
  CHECK(send(queue, 64, 100) == "stsecond");
  CHECK(queue.empty());
  queue.append("third");
  CHECK(send(queue, 64, 100) == "third");
}

TEST_CASE("write_buffer: clear drops all, also a chunk that was half sent",
          "[net][write_buffer]") {
  write_buffer queue;
  queue.append("0123456789");
  queue.consume(4);
  queue.clear();
  CHECK(queue.empty());
  queue.append("new");
  CHECK(send(queue, 64, 100) == "new");
}
