// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/http/headers.hpp>

#include <aio/http/date.hpp>
#include <aio/http/status.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::http::headers;
using aio::http::invalid_header;

namespace {

std::string joined(const headers& h) {
  std::string all;
  for (const auto& [name, value] : h) {
    all.append(name).append("=").append(value).append(";");
  }
  return all;
}

}  // namespace

TEST_CASE("headers: finds a field whatever the case of its name", "[http][headers]") {
  const headers h{{"Content-Type", "text/html"}, {"X-Empty", ""}};
  CHECK(h.get("content-type") == "text/html");
  CHECK(h.get("CONTENT-TYPE") == "text/html");
  CHECK(h.get("x-empty") == "");
  CHECK_FALSE(h.get("content-typ"));
  CHECK_FALSE(h.get("content-type-"));
  CHECK_FALSE(h.get(""));
  CHECK(h.get("missing", "nothing") == "nothing");
  CHECK(h.contains("x-EMPTY"));
}

TEST_CASE("headers: keeps the order, and all fields of one name", "[http][headers]") {
  headers h;
  CHECK(h.empty());
  CHECK(h.begin() == h.end());
  h.add("Set-Cookie", "a=1").add("Server", "x").add("set-cookie", "b=2");
  CHECK(joined(h) == "Set-Cookie=a=1;Server=x;set-cookie=b=2;");
  CHECK(h.size() == 3);
  CHECK(h.get("SET-COOKIE") == "a=1");
  CHECK(h.get_all("Set-Cookie") == std::vector<std::string_view>{"a=1", "b=2"});
}

TEST_CASE("headers: set() leaves one field, in the place of the first",
          "[http][headers]") {
  headers h{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}, {"A", "5"}};
  h.set("a", "longer than before");
  CHECK(joined(h) == "a=longer than before;B=2;C=4;");
  h.set("D", "6");
  CHECK(joined(h) == "a=longer than before;B=2;C=4;D=6;");
}

TEST_CASE("headers: remove() says how many there were", "[http][headers]") {
  headers h{{"A", "1"}, {"B", "2"}, {"a", "3"}};
  CHECK(h.remove("A") == 2);
  CHECK(h.remove("A") == 0);
  CHECK(joined(h) == "B=2;");
  h.clear();
  CHECK(h.empty());
}

TEST_CASE("headers: spaces around a value do not belong to it", "[http][headers]") {
  CHECK(headers{{"A", " \t x y\t "}}.get("A") == "x y");
  CHECK(headers{{"A", "  "}}.get("A") == "");
}

TEST_CASE("headers: takes names and values out of itself", "[http][headers]") {
  headers h{{"First", "a value that is long enough to be moved about"}};
  for (int i = 0; i < 20; ++i) h.add("Again", *h.get("First"));
  CHECK(h.get_all("again").back() == h.get("first"));
  h.set("First", h.get("First")->substr(2, 5));
  CHECK(h.get("first") == "value");
  const std::string_view own_name = (*h.begin()).name;
  CHECK(h.remove(own_name) == 1);
  CHECK(h.size() == 20);
}

TEST_CASE("headers: no control byte gets in", "[http][headers]") {
  headers h{{"Kept", "as it was"}};
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool bad = (byte < 0x20 && c != '\t') || byte == 0x7f;
    for (const std::size_t before : {0u, 1u, 7u, 8u, 15u, 16u, 40u}) {
      std::string value(before, 'x');
      value += c;
      value += "Injected: yes";
      CAPTURE(byte, before);
      if (bad) {
        CHECK_THROWS_AS(h.add("Name", value), invalid_header);
        CHECK_THROWS_AS(h.set("Kept", value), invalid_header);
      } else {
        CHECK_NOTHROW(headers().add("Name", value));
      }
    }
    const bool letter_or_digit =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool in_name =
        letter_or_digit || (byte != 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) !=
                                             std::string_view::npos);
    const std::string name{'X', c, 'Y'};
    if (in_name) {
      CHECK(headers().add(name, "v").get(name) == "v");
    } else {
      CHECK_THROWS_AS(h.add(name, "v"), invalid_header);
    }
  }
  CHECK_THROWS_AS(h.add("", "v"), invalid_header);
  CHECK(joined(h) == "Kept=as it was;");
}

TEST_CASE("headers: the error names the field and shows the bytes", "[http][headers]") {
  CHECK_THROWS_WITH(headers().set("Location", "/\r\nX: y"),
                    "header 'Location' cannot have the value '/\\x0d\\x0aX: y': "
                    "control bytes are not allowed");
}

TEST_CASE("headers: agrees with a list of pairs over random changes",
          "[http][headers]") {
  std::mt19937 random(7);
  const auto below = [&random](unsigned n) { return random() % n; };
  headers h;
  std::vector<std::pair<std::string, std::string>> model;
  for (int i = 0; i < 3000; ++i) {
    const std::string name(1, static_cast<char>('a' + below(5)));
    const std::string value(below(9), 'v');
    switch (below(3)) {
      case 0:
        h.add(name, value);
        model.emplace_back(name, value);
        break;
      case 1: {
        h.set(name, value);
        bool is_set = false;
        std::erase_if(model, [&](auto& field) {
          if (field.first != name) return false;
          field.second = value;
          return std::exchange(is_set, true);
        });
        if (!is_set) model.emplace_back(name, value);
        break;
      }
      default:
        REQUIRE(h.remove(name) ==
                std::erase_if(model, [&](auto& field) { return field.first == name; }));
    }
    std::string expected;
    for (const auto& [n, v] : model) expected += n + "=" + v + ";";
    REQUIRE(joined(h) == expected);
  }
}

TEST_CASE("status: registered ones have their phrase, others that of their class",
          "[http][status]") {
  CHECK(aio::http::reason_phrase(200) == "OK");
  CHECK(aio::http::reason_phrase(404) == "Not Found");
  CHECK(aio::http::reason_phrase(299) == "Success");
  CHECK(aio::http::reason_phrase(599) == "Server Error");
  CHECK(aio::http::reason_phrase(700) == "Unknown");
}

TEST_CASE("date: the three forms mean the same time", "[http][date]") {
  const auto when = std::chrono::sys_seconds(784111777s);
  CHECK(aio::http::format_date(when) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(aio::http::parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == when);
  CHECK(aio::http::parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == when);
  CHECK(aio::http::parse_date("Sun Nov  6 08:49:37 1994") == when);
  CHECK(aio::http::parse_date("Sun Nov 16 08:49:37 1994") == when + 24h * 10);
}

TEST_CASE("date: what is no date is none", "[http][date]") {
  for (const char* text : {"",
                           "0",
                           "Sun",
                           "Sun,",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "Sun, 32 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 06 Nov 1994 -1:49:37 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 nov 1994 08:49:37 GMT",
                           "Sun, 06 ovD 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 CET",
                           "Sun, 06-Nov-94 08:49:37",
                           "XXX, 06 Nov 1994",
                           "Sun Nov 06 08:49 1994",
                           "Sun No",
                           "-1",
                           "Sunday, 06-Nov-9"}) {
    CAPTURE(text);
    CHECK_FALSE(aio::http::parse_date(text));
  }
}

TEST_CASE("date: every written date is read again", "[http][date]") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const std::chrono::sys_seconds when(
        std::chrono::seconds(static_cast<std::int64_t>(random() % 253402300800)));
    REQUIRE(aio::http::parse_date(aio::http::format_date(when)) == when);
  }
  using std::chrono::sys_seconds;
  CHECK(aio::http::format_date(sys_seconds::max()).substr(12, 4) == "9999");
}

TEST_CASE("date: the cache follows the clock", "[http][date]") {
  aio::http::date_cache cache;
  const auto when = std::chrono::sys_seconds(784111777s);
  CHECK(cache.at(when) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(cache.at(when + 999ms) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(cache.at(when + 1s) == "Sun, 06 Nov 1994 08:49:38 GMT");
  CHECK(cache.at(when) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(aio::http::parse_date(cache.now()));
}
