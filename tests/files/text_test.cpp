// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/files/detail/text.hpp>
#include <aio/files/open_options.hpp>

#include <support/catch.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

using aio::detail::count_characters;
using aio::detail::file_mode;
using aio::detail::find_bad_utf8;
using aio::detail::find_line;

TEST_CASE("modes: those of Python are taken, others are refused",
          "[files][open_options]") {
  for (const char* good : {"r", "w", "a", "x", "rb", "br", "rt", "r+", "rb+", "r+b",
                           "+r", "w+", "a+b", "xt", "+tw"}) {
    CAPTURE(good);
    CHECK(file_mode(good).text == good);
  }
  for (const char* bad : {"", "b", "+", "t", "rw", "rr", "rbt", "r++", "rbb", "q", "R",
                          "r ", "ra", "wx"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(file_mode(bad), std::invalid_argument);
  }
}

TEST_CASE("modes: each means its flags", "[files][open_options]") {
  const int common = O_CLOEXEC | O_NOCTTY;
  CHECK(file_mode("r").flags == (common | O_RDONLY));
  CHECK(file_mode("r+").flags == (common | O_RDWR));
  CHECK(file_mode("w").flags == (common | O_WRONLY | O_CREAT | O_TRUNC));
  CHECK(file_mode("w+b").flags == (common | O_RDWR | O_CREAT | O_TRUNC));
  CHECK(file_mode("a").flags == (common | O_WRONLY | O_CREAT | O_APPEND));
  CHECK(file_mode("x").flags == (common | O_WRONLY | O_CREAT | O_EXCL));
}

TEST_CASE("text: a line ends with a line feed", "[files][text]") {
  CHECK(find_line("ab\ncd", 0, false, false) == 3);
  CHECK(find_line("ab\r\ncd", 0, false, false) == 4);
  CHECK(find_line("ab\rcd", 0, false, true) == std::nullopt);
  CHECK(find_line("", 0, false, true) == std::nullopt);
}

TEST_CASE("text: a universal line ends in three ways", "[files][text]") {
  CHECK(find_line("ab\ncd", 0, true, false) == 3);
  CHECK(find_line("ab\r\ncd", 0, true, false) == 4);
  CHECK(find_line("ab\rcd", 0, true, false) == 3);
  CHECK(find_line("ab\r", 0, true, false) == std::nullopt);
  CHECK(find_line("ab\r", 0, true, true) == 3);
}

TEST_CASE("text: universal ends of lines become line feeds", "[files][text]") {
  std::string text = "a\rb\r\nc\n\r\r\n\r";
  aio::detail::normalise_newlines(text);
  CHECK(text == "a\nb\nc\n\n\n\n");
}

TEST_CASE("text: characters are counted, not bytes", "[files][text]") {
  const std::string_view text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\x8bz";
  CHECK(count_characters(text, 1, false, false).size == 1);
  CHECK(count_characters(text, 2, false, false).size == 3);
  CHECK(count_characters(text, 3, false, false).size == 6);
  CHECK(count_characters(text, 4, false, false).size == 10);
  CHECK(count_characters(text, 9, false, true).characters == 5);
  // Half a character is none yet.
  CHECK(count_characters(text.substr(0, 5), 9, false, false).size == 3);
  CHECK(count_characters(text.substr(0, 5), 9, false, true).characters == 3);
  // A broken one ends where the next begins.
  CHECK(count_characters("\xe2zz", 2, false, false).size == 2);
  CHECK(count_characters("\x80\x80zz", 2, false, false).size == 2);
  // Two bytes may be one end of a line.
  CHECK(count_characters("\r\nb", 1, true, false).size == 2);
  CHECK(count_characters("\r", 1, true, false).size == 0);
  CHECK(count_characters("\r", 1, true, true).size == 1);
}

TEST_CASE("text: what is not UTF-8 is found", "[files][text]") {
  for (const char* good :
       {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(find_bad_utf8(good) == std::nullopt);
  }
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf",
        "\xe2\x82", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xf0\x9f\x8d"}) {
    CHECK(find_bad_utf8(bad) == 0);
    CHECK(find_bad_utf8("ok" + std::string(bad)) == 2);
  }
}
