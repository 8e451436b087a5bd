// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/detail/read_buffer.hpp>

#include <support/catch.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace {

using aio::detail::read_buffer;

void receive(read_buffer& buffer, std::string_view bytes, std::size_t hint) {
  const std::span<char> room = buffer.prepare(hint);
  REQUIRE(room.size() >= bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  buffer.commit(bytes.size());
}

}  // namespace

TEST_CASE("read_buffer: new it is empty and owns no memory", "[net][read_buffer]") {
  const read_buffer buffer;
  CHECK(buffer.empty());
  CHECK(buffer.size() == 0);
  CHECK(buffer.data().empty());
  CHECK(buffer.capacity() == 0);
}

TEST_CASE("read_buffer: bytes come out as they went in", "[net][read_buffer]") {
  read_buffer buffer;
  buffer.append("hello ");
  receive(buffer, "world", 16);
  CHECK(buffer.data() == "hello world");
  CHECK(buffer.take(5) == "hello");
  buffer.drop(1);
  CHECK(buffer.data() == "world");
  CHECK(buffer.take(100) == "world");
  CHECK(buffer.empty());
}

TEST_CASE("read_buffer: the order holds whatever the sizes of pieces",
          "[net][read_buffer]") {
  for (std::size_t in = 1; in <= 40; ++in) {
    for (std::size_t out = 1; out <= 40; ++out) {
      read_buffer buffer;
      std::string given;
      std::string taken;
      char next = 'a';
      while (given.size() < 400) {
        std::string piece;
        for (std::size_t i = 0; i < in; ++i) {
          piece += next;
          next = next == 'z' ? 'a' : static_cast<char>(next + 1);
        }
        given += piece;
        receive(buffer, piece, in);
        taken += buffer.take(out);
      }
      taken += buffer.take(buffer.size());
      CAPTURE(in, out);
      REQUIRE(taken == given);
    }
  }
}

TEST_CASE(
    "read_buffer: it lends out all the room there is, and at least what was asked",
    "[net][read_buffer]") {
  read_buffer buffer;
  CHECK(buffer.prepare(100).size() == 100);
  buffer.commit(10);
  CHECK(buffer.prepare(1).size() == 90);
  CHECK(buffer.prepare(200).size() >= 200);
}

TEST_CASE("read_buffer: taking does not move the memory that is lent out",
          "[net][read_buffer]") {
  read_buffer buffer;
  buffer.append("some bytes");
  const std::span<char> room = buffer.prepare(8);
  CHECK(buffer.take(10) == "some bytes");  // all of it
  std::memcpy(room.data(), "and more", 8);
  buffer.commit(8);
  CHECK(buffer.data() == "and more");
}

TEST_CASE("read_buffer: a loan of which nothing was used ends without a trace",
          "[net][read_buffer]") {
  read_buffer buffer;
  buffer.append("ab");
  static_cast<void>(buffer.prepare(10));
  buffer.commit(0);
  CHECK(buffer.take(2) == "ab");
  buffer.append("cd");
  CHECK(buffer.data() == "cd");
}

TEST_CASE("read_buffer: memory is used again when all was taken",
          "[net][read_buffer]") {
  read_buffer buffer;
  for (int i = 0; i < 1000; ++i) {
    receive(buffer, "0123456789", 16);
    buffer.drop(10);
  }
  CHECK(buffer.capacity() == 16);
}

TEST_CASE("read_buffer: what is left over moves to the front before memory grows",
          "[net][read_buffer]") {
  read_buffer buffer;
  std::string taken;
  for (int i = 0; i < 1000; ++i) {
    receive(buffer, "0123456789", 10);
    taken += buffer.take(9 + static_cast<std::size_t>(i % 2));
    if (buffer.size() > 10) taken += buffer.take(10);
  }
  CHECK(buffer.capacity() < 100);
  taken += buffer.take(buffer.size());
  CHECK(taken.size() == 10'000);
}

TEST_CASE("read_buffer: take_into fills what it is given", "[net][read_buffer]") {
  read_buffer buffer;
  buffer.append("abcdef");
  std::array<std::byte, 4> four{};
  CHECK(buffer.take_into(four) == 4);
  CHECK(std::memcmp(four.data(), "abcd", 4) == 0);
  CHECK(buffer.take_into(four) == 2);
  CHECK(std::memcmp(four.data(), "efcd", 4) == 0);
  CHECK(buffer.take_into(four) == 0);
}

TEST_CASE("read_buffer: shrink gives memory back, but never bytes",
          "[net][read_buffer]") {
  read_buffer buffer;
  buffer.append(std::string(1000, 'x'));
  buffer.shrink(100);
  CHECK(buffer.size() == 1000);
  buffer.drop(1000);
  buffer.shrink(1000);
  CHECK(buffer.capacity() == 1000);
  buffer.shrink(100);
  CHECK(buffer.capacity() == 0);
  buffer.append("new");
  CHECK(buffer.data() == "new");
}
