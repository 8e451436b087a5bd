// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <chat/wire.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace wire = chat::wire;

namespace {

std::string refusal(std::string_view text) {
  try {
    wire::parse(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("chat wire: requests", "[chat]") {
  const auto said = std::get<wire::say>(
      wire::parse(R"({"type":"say","text":"\u00e4 \"x\"","mark":"7","more":[1]})"));
  CHECK(said.text == "\u00e4 \"x\"");
  CHECK(said.mark == "7");
  const auto join = std::get<wire::join>(wire::parse(
      R"({"type":"join","room":"tea","name":"anna","key":"k","since":"5-1"})"));
  CHECK(join.room == "tea");
  CHECK(join.name == "anna");
  CHECK(join.key == "k");
  CHECK(join.since == chat::message_id{5, 1});
  const auto plain =
      std::get<wire::join>(wire::parse(R"({"type":"join","room":"tea","since":null})"));
  CHECK(plain.name.empty());
  CHECK_FALSE(plain.since);
}

TEST_CASE("chat wire: what is no request is refused with a reason", "[chat]") {
  for (const std::string_view text :
       {"", "{", "[]", "7", "\"say\"", "{\"type\":\"say\"} x", "{'type':1}"}) {
    CAPTURE(text);
    CHECK(refusal(text) == "a JSON object is wanted");
  }
  CHECK(refusal(std::string(10'000, '[')) == "a JSON object is wanted");
  CHECK(refusal("{}") == R"("type" must be "join" or "say")");
  CHECK(refusal(R"({"type":"leave"})") == R"("type" must be "join" or "say")");
  CHECK(refusal(R"({"type":1})") == R"("type" must be a text)");
  CHECK(refusal(R"({"type":"say","text":"x"})") == R"("mark" must have 1 to 40 bytes)");
  CHECK(refusal(R"({"type":"say","text":7,"mark":"1"})") == R"("text" must be a text)");
  CHECK(refusal(R"({"type":"say","mark":")" + std::string(41, 'm') + "\"}") ==
        R"("mark" must have 1 to 40 bytes)");
  CHECK(refusal(R"({"type":"join","since":"5"})") ==
        R"("since" must be the id of a message)");
  CHECK(refusal(R"({"type":"join","key":")" + std::string(101, 'k') + "\"}") ==
        R"("key" is too long)");
}

TEST_CASE("chat wire: answers", "[chat]") {
  const chat::message said{{5, 1}, "tea", "\"anna\"", "</script>\n", "me-1"};
  const std::string text =
      R"({"type":"message","id":"5-1","name":"\"anna\"","text":"</script>\n","mark":"me-1"})";
  CHECK(wire::to_text(said) == text);
  CHECK(wire::to_text(wire::welcome{.room = "tea",
                                    .name = "bert",
                                    .me = "me",
                                    .count = 2,
                                    .people = {"anna", "bert"},
                                    .history = {&said},
                                    .has_gap = true}) ==
        R"({"type":"welcome","room":"tea","name":"bert","me":"me","count":2,)"
        R"("people":["anna","bert"],"history":[)" +
            text + R"(],"gap":true})");
  CHECK(wire::arrived("a", 2) == R"({"type":"arrived","name":"a","count":2})");
  CHECK(wire::left("a", 1) == R"({"type":"left","name":"a","count":1})");
  CHECK(wire::count(9) == R"({"type":"count","count":9})");
  CHECK(wire::refused("1", "no") == R"({"type":"refused","mark":"1","reason":"no"})");
  CHECK(wire::error("no") == R"({"type":"error","reason":"no"})");
}
