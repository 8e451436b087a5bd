// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <chat/text.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <string>
#include <string_view>

using chat::clean_name;
using chat::clean_text;

namespace {

constexpr std::string_view bad = "\xef\xbf\xbd";  // U+FFFD

std::string times(std::size_t n, std::string_view text) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("chat text: what is valid stays", "[chat]") {
  for (const std::string_view text :
       {"hello", " a  b ", "\u00e4\u20ac\U0001F34B\U0010FFFD", "<b>\"&amp;",
        "\u0e01\u0e33"}) {
    CHECK(clean_text(text) == text);
  }
  CHECK(clean_text("") == "");
  CHECK(clean_text("line\r\n") == "line");
  CHECK(clean_text("\n\n") == "");
  CHECK(clean_text("a\nb\tc\u0085d\u2028e\u2029f") == "a b c d e f");
}

TEST_CASE("chat text: what could harm goes", "[chat]") {
  CHECK(clean_text(std::string_view("a\0b\x1b[31mc\x7f", 10)) == "ab[31mc");
  CHECK(clean_text("\u202eabc\u202c\u2066\u2069\ufeff\u009b") == "abc");
}

TEST_CASE("chat text: bytes that are no UTF-8", "[chat]") {
  CHECK(clean_text("\xff") == bad);
  CHECK(clean_text("a\x80z") == "a" + std::string(bad) + "z");
  CHECK(clean_text("\xc0\xaf") == times(2, bad));
  CHECK(clean_text("\xe0\x80\xaf") == times(3, bad));
  CHECK(clean_text("\xed\xa0\x80") == times(3, bad));      // a surrogate
  CHECK(clean_text("\xf4\x90\x80\x80") == times(4, bad));  // beyond the last one
  CHECK(clean_text("\xf5") == bad);
  CHECK(clean_text("\xe2\x82") == bad);  // cut off
  CHECK(clean_text("\xe2\x82z") == std::string(bad) + "z");
  CHECK(clean_text("\xf0\x9f\x8d") == bad);
  CHECK(clean_text("\xc3") == bad);
}

TEST_CASE("chat name: short, in one piece, and visible", "[chat]") {
  CHECK(clean_name("anna") == "anna");
  CHECK(clean_name("  anna \t b  ") == "anna b");
  CHECK(clean_name("an\u200bna\u00ad\u2060\ufeff") == "anna");
  CHECK(clean_name("a\u00a0\u3000b") == "a b");
  CHECK(clean_name(" \u200b\u2003 ") == "");
  CHECK(clean_name("") == "");
  CHECK(clean_name(times(40, "\u20ac")) == times(32, "\u20ac"));
  CHECK(clean_name(times(31, "x") + " y") == times(31, "x"));
  CHECK(clean_name(times(30, "x") + " yz") == times(30, "x") + " y");
}
