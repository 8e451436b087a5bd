// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/net/detail/read_buffer.hpp>

#include <support/catch.hpp>
#include <support/net.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace {

using aio::detail::read_buffer;

void receive(read_buffer& buffer, std::string_view bytes) {
  const std::span<char> room = buffer.prepare();
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
  receive(buffer, "world");
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
        receive(buffer, piece);
        taken += buffer.take(out);
      }
      taken += buffer.take(buffer.size());
      CAPTURE(in, out);
      REQUIRE(taken == given);
    }
  }
}

TEST_CASE("read_buffer: the order holds for pieces of any size up to a block",
          "[net][read_buffer]") {
  const std::string source = test::pattern(4'000'000);
  for (const std::size_t out :
       {std::size_t{1000}, std::size_t{40'000}, std::size_t{100'000}}) {
    read_buffer buffer;
    std::string taken;
    std::string_view rest = source;
    for (std::size_t n = 1; !rest.empty(); n = n * 7 % 65'537) {
      const std::size_t in = std::min({n, rest.size(), buffer.prepare().size()});
      receive(buffer, rest.substr(0, in));
      rest.remove_prefix(in);
      taken += buffer.take(out);
    }
    taken += buffer.take(buffer.size());
    CAPTURE(out);
    REQUIRE((taken == source));
  }
}

TEST_CASE("read_buffer: there is always room for a large receive",
          "[net][read_buffer]") {
  read_buffer buffer;
  for (int i = 0; i < 2000; ++i) {
    REQUIRE(buffer.prepare().size() >= 16 * 1024);
    receive(buffer, "some bytes");
  }
}

TEST_CASE("read_buffer: a loan of which nothing was used leaves no trace",
          "[net][read_buffer]") {
  read_buffer buffer;
  static_cast<void>(buffer.prepare());
  CHECK(buffer.capacity() == 0);
  buffer.append("ab");
  static_cast<void>(buffer.prepare());
  CHECK(buffer.take(2) == "ab");
  static_cast<void>(buffer.prepare());
  buffer.commit(0);
  CHECK(buffer.capacity() == 0);
  buffer.append("cd");
  CHECK(buffer.data() == "cd");
}

TEST_CASE("read_buffer: few bytes take no more memory than they need",
          "[net][read_buffer]") {
  read_buffer buffer;
  receive(buffer, "0123456789");
  CHECK(buffer.capacity() == 10);
  receive(buffer, "0123456789");
  CHECK(buffer.capacity() == 20);
  CHECK(buffer.take(20) == "01234567890123456789");
}

TEST_CASE("read_buffer: when all was taken it owns nothing", "[net][read_buffer]") {
  for (const std::size_t size : {1, 5000, 20'000, 65'536}) {
    read_buffer buffer;
    receive(buffer, test::pattern(size));
    CHECK(buffer.capacity() >= size);
    buffer.drop(size);
    CHECK(buffer.capacity() == 0);
  }
}

#if !defined(AIO_NO_FRAME_POOL)
TEST_CASE("read_buffer: memory that was let go is received into again",
          "[net][read_buffer]") {
  read_buffer first;
  const char* const block = first.prepare().data();
  for (int i = 0; i < 100; ++i) {
    read_buffer buffer;
    receive(buffer, test::pattern(20'000));
    REQUIRE((buffer.data().data() == block));
    REQUIRE((first.prepare().data() != block));
    buffer.drop(20'000);
    REQUIRE((first.prepare().data() == block));
  }
}
#endif

TEST_CASE("read_buffer: what is left over moves to the front before memory grows",
          "[net][read_buffer]") {
  read_buffer buffer;
  std::string taken;
  for (int i = 0; i < 1000; ++i) {
    receive(buffer, "0123456789");
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
