// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/http/detail/websocket_deflate.hpp>

#include <aio/http/detail/websocket_frames.hpp>

#include <support/catch.hpp>

#include <optional>
#include <string>
#include <string_view>

#if AIO_WITH_ZLIB

using namespace aio::http::detail;

namespace {

using kind = ws_decoder::event::kind;

std::string compressed(std::string_view payload, unsigned first) {
  std::string made;
  append_frame(made, ws_opcode::text, payload, false);
  made[0] = static_cast<char>(first);
  return made;
}

ws_decoder decoder(ws_deflate how, std::size_t most = 0) {
  ws_decoder made(false, most);
  made.set_deflate(how);
  return made;
}

const ws_deflate on{.is_on = true};

/// All messages of these bytes, given `piece` at a time; a failure as its code.
std::string read(ws_decoder& from, std::string_view bytes, std::size_t piece) {
  std::string all;
  while (!bytes.empty()) {
    std::string_view some = bytes.substr(0, piece);
    bytes.remove_prefix(some.size());
    for (;;) {
      const auto made = from.next(some);
      if (made.what == kind::none) break;
      if (made.what == kind::failure) return all + std::to_string(made.code);
      all += made.data + ";";
    }
  }
  return all;
}

std::string answer_to(std::string_view offers) {
  const ws_deflate made = choose_deflate(offers);
  return made.is_on ? deflate_answer(made) : "";
}

}  // namespace

TEST_CASE("deflate: offers that can be accepted are", "[web][websocket]") {
  CHECK(answer_to("permessage-deflate") == "permessage-deflate");
  CHECK(answer_to("permessage-deflate; client_max_window_bits") ==
        "permessage-deflate");
  CHECK(answer_to("permessage-deflate;client_max_window_bits=10") ==
        "permessage-deflate");
  CHECK(answer_to("permessage-deflate; server_max_window_bits=\"10\"") ==
        "permessage-deflate; server_max_window_bits=10");
  CHECK(answer_to("permessage-deflate; server_no_context_takeover; "
                  "client_no_context_takeover") ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  CHECK(answer_to("x-webkit-deflate-frame, permessage-deflate; nonsense, "
                  "permessage-deflate; server_max_window_bits=9") ==
        "permessage-deflate; server_max_window_bits=9");
  for (const char* bad :
       {"", "deflate", "permessage-deflate; what",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits; client_max_window_bits"}) {
    CAPTURE(bad);
    CHECK(answer_to(bad) == "");
  }
}

TEST_CASE("deflate: answers are read strictly", "[web][websocket]") {
  const auto plain = read_deflate_answer("permessage-deflate");
  REQUIRE(plain);
  CHECK(plain->keeps_window);
  const auto all = read_deflate_answer(
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
      "client_max_window_bits=10; server_max_window_bits=12");
  REQUIRE(all);
  CHECK_FALSE(all->keeps_window);
  CHECK_FALSE(all->peer_keeps_window);
  CHECK(all->bits == 10);
  for (const char* bad : {"", "x", "permessage-deflate; what",
                          "permessage-deflate; client_max_window_bits",
                          "permessage-deflate; client_max_window_bits=8",
                          "permessage-deflate; server_max_window_bits=1"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_deflate_answer(bad));
  }
}

TEST_CASE("deflate: the examples of RFC 7692 are read", "[web][websocket]") {
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07";
  const std::string whole = compressed(hello + std::string(1, '\0'), 0xc1);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) {
    CAPTURE(piece);
    ws_decoder one = decoder(on);
    CHECK(read(one, whole, piece) == "Hello;");
    ws_decoder parts = decoder(on);
    CHECK(read(parts,
               compressed(hello.substr(0, 3), 0x41) +
                   compressed(hello.substr(3) + std::string(1, '\0'), 0x80),
               piece) == "Hello;");
    // The second message refers to the first.
    ws_decoder two = decoder(on);
    CHECK(read(two, whole + compressed(std::string("\xf2\x00\x11\x00\x00", 5), 0xc1),
               piece) == "Hello;Hello;");
    ws_decoder stored = decoder(on);
    CHECK(read(stored,
               compressed(std::string("\x00\x05\x00\xfa\xff", 5) + "Hello" +
                              std::string(1, '\0'),
                          0xc1),
               piece) == "Hello;");
    ws_decoder ended = decoder(on);
    CHECK(read(ended,
               compressed(std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8), 0xc1),
               piece) == "Hello;");
  }
}

TEST_CASE("deflate: what was compressed is read again", "[web][websocket]") {
  for (const bool keeps : {true, false}) {
    for (const int bits : {9, 12, 15}) {
      CAPTURE(keeps, bits);
      ws_deflate how{.is_on = true,
                     .bits = bits,
                     .keeps_window = keeps,
                     .peer_keeps_window = keeps};
      ws_deflater deflater(how);
      ws_decoder reader = decoder(how);
      for (const std::size_t size : {0UL, 1UL, 100UL, 70'000UL, 200'000UL}) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i) {
          text += static_cast<char>('a' + (i * i / 7) % 26);
        }
        const std::string frame = compressed(deflater.compress(text), 0xc1);
        CHECK(read(reader, frame, 4096) == text + ";");
        if (size > 1000) CHECK(frame.size() < size / 2);
      }
    }
  }
}

TEST_CASE("deflate: limits and broken data", "[web][websocket]") {
  ws_deflater deflater(on);
  const std::string bomb = deflater.compress(std::string(1'000'000, 'x'));
  CHECK(bomb.size() < 2000);
  ws_decoder small = decoder(on, 100'000);
  CHECK(read(small, compressed(bomb, 0xc1), 10'000) == "1009");
  ws_decoder exact = decoder(on, 1'000'000);
  CHECK(read(exact, compressed(bomb, 0xc1), 10'000).size() == 1'000'001);
  ws_decoder broken = decoder(on);
  CHECK(read(broken, compressed("\xff\xff\xff\xff", 0xc1), 100) == "1007");
  ws_decoder bad_text = decoder(on);
  ws_deflater other(on);
  CHECK(read(bad_text, compressed(other.compress("a\xff"), 0xc1), 100) == "1007");
}

TEST_CASE("deflate: the bit is for the first frame of a message", "[web][websocket]") {
  for (const unsigned first : {0xc8U, 0xc9U, 0xcaU, 0xc0U, 0xe1U, 0xd1U}) {
    CAPTURE(first);
    ws_decoder one = decoder(on);
    CHECK(read(one, compressed("", first), 100) == "1002");
  }
  ws_decoder later = decoder(on);
  CHECK(read(later, compressed("a", 0x01) + compressed("b", 0xc0), 100) == "1002");
  ws_decoder off = decoder({});
  CHECK(read(off, compressed("", 0xc1), 100) == "1002");
  ws_decoder plain = decoder(on);
  CHECK(read(plain, compressed("not compressed", 0x81), 100) == "not compressed;");
}

#endif
