// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What a WebSocket makes of bytes, in the manner of the Autobahn test suite: each case is
// sent whole and in pieces, and what is received and answered must be the same.

#include <aio/http/detail/websocket_core.hpp>

#include <aio/task/sleep.hpp>
#include <aio/testing/memory_streams.hpp>

#include <support/protocols.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace aio::http;
using detail::websocket_core;
using detail::ws_decoder;
using detail::ws_opcode;
using detail::ws_side;

/// A frame as a client sends it; `first`: the bits and the opcode.
std::string frame(unsigned first, std::string payload, bool masked = true) {
  const detail::ws_mask mask{0x37, 0xfa, 0x21, 0x3d};
  std::string made;
  detail::append_frame(made, ws_opcode::text, payload, false);
  made[0] = static_cast<char>(first);
  if (!masked) return made;
  made[1] = static_cast<char>(static_cast<unsigned char>(made[1]) | 0x80U);
  made.resize(made.size() - payload.size());
  made.append(reinterpret_cast<const char*>(mask.data()), 4);
  detail::apply_mask(payload.data(), payload.size(), mask, 0);
  return made + payload;
}
std::string text(std::string payload) { return frame(0x81, std::move(payload)); }
std::string first_part(std::string payload) { return frame(0x01, std::move(payload)); }
std::string more_of_it(std::string payload) { return frame(0x00, std::move(payload)); }
std::string last_part(std::string payload) { return frame(0x80, std::move(payload)); }
std::string ping(std::string payload) { return frame(0x89, std::move(payload)); }
std::string pong(std::string payload) { return frame(0x8a, std::move(payload)); }
std::string goodbye(int code, std::string_view reason = {}) {
  return frame(0x88, detail::close_payload(code, reason));
}
const std::string bye = goodbye(1000);

/// "'abc'", or how long it is.
std::string shown(const std::string& data) {
  if (data.size() > 40) return "(" + std::to_string(data.size()) + ")";
  return "'" + data + "'";
}

std::string shown(const ws_message& m) {
  switch (m.type) {
    case ws_msg_type::text:
      return "text " + shown(m.data);
    case ws_msg_type::binary:
      return "binary " + shown(m.data);
    case ws_msg_type::ping:
      return "ping " + shown(m.data);
    case ws_msg_type::pong:
      return "pong " + shown(m.data);
    case ws_msg_type::close:
      return "close " + std::to_string(m.code) + shown(m.data);
    case ws_msg_type::closing:
      return "closing";
    case ws_msg_type::closed:
      return "closed " + std::to_string(m.code);
    case ws_msg_type::error:
      return "error " + std::to_string(m.code);
  }
  return "?";
}

/// The frames that were sent.
std::string shown_frames(std::string_view bytes) {
  ws_decoder decoder(false, 0);
  std::string all;
  for (;;) {
    const auto made = decoder.next(bytes);
    using kind = ws_decoder::event::kind;
    if (made.what == kind::none) return all;
    if (made.what == kind::failure) return all + " nonsense";
    if (made.opcode == ws_opcode::close) {
      all += " close " + std::to_string(made.code);
    } else {
      all += made.opcode == ws_opcode::ping ? " ping " : " pong ";
      all += shown(made.data);
    }
  }
}

/// What a server receives of these bytes, and after "->" what it answers.
aio::coro<std::string> talk(std::string input, std::optional<std::size_t> piece,
                            ws_options options) {
  const auto client = std::make_shared<test::recorder>();
  const auto server = std::make_shared<websocket_core>(ws_side::server, options);
  aio::testing::memory_options how{.piece = piece};
  auto ends = aio::testing::memory_transports(client, server, how);
  server->start(ends.second, {});
  ends.first.write(input);
  ends.first.write_eof();
  std::string all;
  for (;;) {
    const ws_message made = co_await websocket_core::receive(server, aio::time_limit());
    all += shown(made) + " ";
    if (made.type == ws_msg_type::closed || made.type == ws_msg_type::close ||
        made.type == ws_msg_type::error) {
      break;
    }
  }
  co_await test::turns(3);
  while (!client->ended) co_await aio::sleep(std::chrono::milliseconds(1));
  co_return all + "->" + shown_frames(client->received);
}

struct test_case {
  std::string input;
  std::string expected;
};

/// Each of them, whole and cut everywhere.
aio::coro<> check(std::vector<test_case> cases, ws_options options = {}) {
  std::size_t number = 0;
  for (const test_case& one : cases) {
    CAPTURE(number, one.expected);
    ++number;
    std::vector<std::optional<std::size_t>> pieces{std::nullopt, 7, 3, 2, 1};
    if (one.input.size() > 1000) pieces = {std::nullopt, 997};
    for (const auto piece : pieces) {
      const std::string seen = co_await talk(one.input, piece, options);
      CHECK(seen == one.expected);
    }
  }
}

const std::string refused = "error 1002 -> close 1002";
const std::string not_utf8 = "error 1007 -> close 1007";

}  // namespace

AIO_TEST("websocket suite: whole messages", "[web][websocket]") {
  std::vector<test_case> cases{
      {text("") + bye, "text '' close 1000'' -> close 1000"},
      {text("Hello") + bye, "text 'Hello' close 1000'' -> close 1000"},
      {frame(0x82, "") + bye, "binary '' close 1000'' -> close 1000"},
      {frame(0x82, "\xff\xfe") + bye, "binary '\xff\xfe' close 1000'' -> close 1000"},
      {text("a") + text("b") + frame(0x82, "c") + bye,
       "text 'a' text 'b' binary 'c' close 1000'' -> close 1000"},
      {text("cut off"), "text 'cut off' closed 1006 ->"},
      {text("cut off").substr(0, 7), "closed 1006 ->"},
      {"", "closed 1006 ->"},
  };
  for (const std::size_t size :
       {124UL, 125UL, 126UL, 127UL, 128UL, 65535UL, 65536UL, 65537UL, 1000000UL}) {
    const std::string what =
        "(" + std::to_string(size) + ") close 1000'' -> close 1000";
    cases.push_back({text(std::string(size, '*')) + bye, "text " + what});
    cases.push_back({frame(0x82, std::string(size, '\xfe')) + bye, "binary " + what});
  }
  co_await check(std::move(cases));
}

AIO_TEST("websocket suite: pings are answered, pongs are not seen",
         "[web][websocket]") {
  const std::string longest(125, 'p');
  std::vector<test_case> cases{
      {ping("") + bye, "close 1000'' -> pong '' close 1000"},
      {ping("hi") + bye, "close 1000'' -> pong 'hi' close 1000"},
      {ping(longest) + bye, "close 1000'' -> pong (125) close 1000"},
      {ping(longest + "q"), refused},
      {ping("1") + ping("2") + text("x") + ping("3") + bye,
       "text 'x' close 1000'' -> pong '1' pong '2' pong '3' close 1000"},
      {pong("") + pong("not asked for") + bye, "close 1000'' -> close 1000"},
      {frame(0x09, "in parts"), refused},
      {frame(0x0a, "in parts"), refused},
      {frame(0x08, ""), refused},
  };
  co_await check(std::move(cases));
  std::vector<test_case> seen{
      {ping("a") + pong("b") + bye, "ping 'a' pong 'b' close 1000'' -> close 1000"}};
  co_await check(std::move(seen), {.autoping = false});
}

AIO_TEST("websocket suite: reserved bits and opcodes are refused", "[web][websocket]") {
  std::vector<test_case> cases;
  for (unsigned bits = 0x10; bits <= 0x70; bits += 0x10) {
    cases.push_back({frame(0x81 | bits, "x"), refused});
    cases.push_back({text("a") + frame(0x82 | bits, ""), "text 'a' " + refused});
    cases.push_back({frame(0x89 | bits, "x"), refused});
    cases.push_back({frame(0x88 | bits, ""), refused});
  }
  for (unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    cases.push_back({frame(0x80 | opcode, ""), refused});
    cases.push_back({text("a") + frame(0x80 | opcode, "data") + ping("late"),
                     "text 'a' " + refused});
  }
  co_await check(std::move(cases));
}

AIO_TEST("websocket suite: fragments become one message", "[web][websocket]") {
  const std::vector<test_case> cases{
      {first_part("Hel") + last_part("lo") + bye,
       "text 'Hello' close 1000'' -> close 1000"},
      {first_part("") + more_of_it("") + last_part("") + bye,
       "text '' close 1000'' -> close 1000"},
      {first_part("") + more_of_it("x") + last_part("") + bye,
       "text 'x' close 1000'' -> close 1000"},
      {frame(0x02, "a") + more_of_it("b") + more_of_it("c") + last_part("d") + bye,
       "binary 'abcd' close 1000'' -> close 1000"},
      {first_part("a") + ping("p") + last_part("b") + bye,
       "text 'ab' close 1000'' -> pong 'p' close 1000"},
      {first_part("a") + pong("p") + ping("q") + more_of_it("b") + ping("r") +
           last_part("c") + text("d") + bye,
       "text 'abc' text 'd' close 1000'' -> pong 'q' pong 'r' close 1000"},
      {last_part("of nothing"), refused},
      {more_of_it("of nothing"), refused},
      {text("a") + last_part("of nothing"), "text 'a' " + refused},
      {first_part("a") + text("b"), refused},
      {first_part("a") + frame(0x02, "b"), refused},
      {first_part("a") + more_of_it("b") + first_part("c"), refused},
      {first_part("a") + bye, "close 1000'' -> close 1000"},
  };
  co_await check(cases);
}

AIO_TEST("websocket suite: masks and lengths have one form", "[web][websocket]") {
  const std::string mask = "\x01\x02\x03\x04";
  const auto head = [](std::initializer_list<int> bytes) {
    std::string made;
    for (const int b : bytes) made += static_cast<char>(b);
    return made;
  };
  const std::vector<test_case> cases{
      {frame(0x81, "x", false), refused},
      {frame(0x89, "x", false), refused},
      {frame(0x88, "", false), refused},
      {head({0x81, 0xfe, 0x00, 0x05}) + mask + "12345", refused},
      {head({0x81, 0xfe, 0x00, 0x7d}) + mask, refused},
      {head({0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 5}) + mask, refused},
      {head({0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff}) + mask, refused},
      {head({0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}) + mask, refused},
      {head({0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) + mask,
       refused},
      {head({0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) + mask,
       "error 1009 -> close 1009"},
      {"GET / HTTP/1.1\r\n\r\n", refused},
  };
  co_await check(cases);
}

AIO_TEST("websocket suite: limits", "[web][websocket]") {
  const std::string ten(10, 'x');
  const std::string big = "error 1009 -> close 1009";
  const std::vector<test_case> small{
      {text(ten) + bye, "text 'xxxxxxxxxx' close 1000'' -> close 1000"},
      {text(ten + "y"), big},
      {text(std::string(70000, 'y')), big},
      {first_part(ten) + last_part("") + bye,
       "text 'xxxxxxxxxx' close 1000'' -> close 1000"},
      {first_part(ten) + last_part("y"), big},
      {first_part("12345") + more_of_it("12345") + more_of_it("1"), big},
      {frame(0x02, "123456") + ping(std::string(100, 'p')) + last_part("123456"),
       "error 1009 -> pong (100) close 1009"},
      {text("a") + text(ten + ten), "text 'a' " + big},
  };
  co_await check(small, {.max_msg_size = 10});
  const std::string five_million = text(std::string(5'000'000, 'z')) + bye;
  const std::vector<test_case> usual{{five_million, big}};
  co_await check(usual);
  const std::vector<test_case> unlimited{
      {five_million, "text (5000000) close 1000'' -> close 1000"}};
  co_await check(unlimited, {.max_msg_size = 0});
}

AIO_TEST("websocket suite: texts are UTF-8", "[web][websocket]") {
  std::vector<test_case> cases;
  const std::vector<std::string> good{
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
      std::string(1, '\0'),
      "\xc2\x80",
      "\xdf\xbf",
      "\xe0\xa0\x80",
      "\xef\xbf\xbf",
      "\xf0\x90\x80\x80",
      "\xf4\x8f\xbf\xbf",
      "\xed\x9f\xbf",
      "\xee\x80\x80",
      "\xef\xbf\xbd",
      "\xef\xbf\xbe",
  };
  for (const std::string& one : good) {
    const std::string expected = "text " + shown(one) + " close 1000'' -> close 1000";
    cases.push_back({text(one) + bye, expected});
    for (std::size_t at = 1; at < one.size(); ++at) {  // also cut within a character
      cases.push_back(
          {first_part(one.substr(0, at)) + ping("") + last_part(one.substr(at)) + bye,
           "text " + shown(one) + " close 1000'' -> pong '' close 1000"});
    }
  }
  const std::vector<std::string> bad{"\x80",
                                     "\xbf",
                                     "\x80\xbf",
                                     "\xc0\xaf",
                                     "\xc1\xbf",
                                     "\xe0\x80\xaf",
                                     "\xe0\x9f\xbf",
                                     "\xf0\x80\x80\xaf",
                                     "\xf0\x8f\xbf\xbf",
                                     "\xf8\x88\x80\x80\x80",
                                     "\xfc\x84\x80",
                                     "\xfe",
                                     "\xff",
                                     "\xed\xa0\x80",
                                     "\xed\xbf\xbf",
                                     "\xed\xa0\x80\xed\xb0\x80",
                                     "\xf4\x90\x80\x80",
                                     "\xf5\x80\x80\x80",
                                     "\xc2 ",
                                     "\xe2\x82 ",
                                     "\xf0\x9f\x8d "};
  for (const std::string& one : bad) {
    cases.push_back({text(one), not_utf8});
    cases.push_back({text("good " + one + " good"), not_utf8});
    cases.push_back({first_part("good") + last_part(one), not_utf8});
    // The first bad byte is enough; the rest need never come.
    if (one.size() > 1) {
      cases.push_back({first_part(one + "more") + ping("unseen"), not_utf8});
    }
  }
  // A character that is half there at the end.
  for (const char* half : {"\xc3", "\xe2\x82", "\xf0\x9f", "\xf0\x9f\x8d"}) {
    cases.push_back({text(half), not_utf8});
    cases.push_back({first_part(half) + last_part(""), not_utf8});
    cases.push_back({frame(0x82, half) + bye, "binary " + shown(std::string(half)) +
                                                  " close 1000'' -> close 1000"});
  }
  co_await check(std::move(cases));
}

AIO_TEST("websocket suite: closing", "[web][websocket]") {
  const std::string longest(123, 'r');
  std::vector<test_case> cases{
      {frame(0x88, ""), "close 1005'' -> close 1005"},
      {goodbye(1000, "that is all"), "close 1000'that is all' -> close 1000"},
      {goodbye(1000, longest), "close 1000(123) -> close 1000"},
      {goodbye(1000, longest + "r"), refused},
      {frame(0x88, "\x03"), refused},
      {goodbye(1000, "\xff"), not_utf8},
      {goodbye(1000, "\xe2\x82"), not_utf8},
      {bye + text("late") + ping("late"), "close 1000'' -> close 1000"},
      {bye + bye, "close 1000'' -> close 1000"},
      {bye + std::string(3000, '\xff'), "close 1000'' -> close 1000"},
  };
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
                         1013, 1014, 3000, 3999, 4000, 4999}) {
    const std::string number = std::to_string(code);
    cases.push_back({goodbye(code), "close " + number + "'' -> close " + number});
  }
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999,
                         5000, 32768, 65535}) {
    cases.push_back({goodbye(code), refused});
    cases.push_back({goodbye(code, "why"), refused});
  }
  co_await check(std::move(cases));
}

AIO_TEST("websocket suite: a client takes no masked frames", "[web][websocket]") {
  for (const bool masked : {true, false}) {
    ws_decoder decoder(false, 0);
    const std::string bytes = frame(0x81, "x", masked);
    std::string_view input = bytes;
    const auto made = decoder.next(input);
    if (masked) {
      CHECK(made.code == ws_close_code::protocol_error);
    } else {
      CHECK(made.data == "x");
    }
  }
  co_return;
}

AIO_TEST("websocket suite: what a client sends is masked, each time differently",
         "[web][websocket]") {
  std::string once, again;
  const std::string payload(1000, 'm');
  detail::append_frame(once, ws_opcode::text, payload, true);
  detail::append_frame(again, ws_opcode::text, payload, true);
  CHECK(once.substr(4, 4) != again.substr(4, 4));
  CHECK(once.find("mmm") == once.npos);
  ws_decoder decoder(true, 0);
  std::string_view input = once;
  const auto made = decoder.next(input);
  CHECK(made.data == payload);
  co_return;
}
