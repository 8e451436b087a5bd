// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#if defined(__GNUC__) && !defined(__clang__)
// At -O2 g++ 12 does not see what an optional or a union holds.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <aio/net/stream_reader.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <aio/task/timeout.hpp>
#include <aio/testing/cancel_at_every_await.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::stream_reader;
using test::boom;
using test::ending;

namespace {

/// Feeds `text` in pieces of `size` bytes, one a turn, and ends the stream.
aio::coro<> feed(stream_reader reader, std::string text, std::size_t size) {
  for (std::size_t at = 0; at < text.size(); at += size) {
    reader.feed_data(std::string_view(text).substr(at, size));
    co_await aio::sleep(0s);
  }
  reader.feed_eof();
}

/// How a read ended, with what came: the value in quotes, or the exception.
template <class Read>
aio::coro<std::string> outcome_of(Read read) {
  std::string how;
  try {
    const std::string got = co_await std::move(read);
    how = '"' + got + '"';
  } catch (const aio::limit_overrun_error& e) {
    how = "overrun at " + std::to_string(e.consumed);
  } catch (const aio::incomplete_read_error& e) {
    how = "incomplete \"" + e.partial + "\" of " +
          (e.expected ? std::to_string(*e.expected) : std::string("none"));
  } catch (const std::invalid_argument&) {
    how = "invalid argument";
  }
  co_return how;
}

stream_reader fed(std::string_view text, std::ptrdiff_t limit = 8) {
  stream_reader reader(limit);
  reader.feed_data(text);
  return reader;
}

stream_reader ended(std::string_view text, std::ptrdiff_t limit = 8) {
  stream_reader reader = fed(text, limit);
  reader.feed_eof();
  return reader;
}

}  // namespace

// ----- what the reads take -----

AIO_TEST(
    "stream_reader: every kind of read gets its bytes, whatever pieces they come in",
    "[net][stream_reader]") {
  const std::string text = "alpha\nbeta\n--gamma\r\n12345<<end>>a,b;c\n\ntail";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    stream_reader r;
    auto feeding = aio::create_task(feed(r, text, size));
    std::vector<std::string> got;
    got.push_back(co_await r.readline());
    got.push_back(co_await r.readuntil("\n"));
    got.push_back(co_await r.readuntil("\r\n"));
    got.push_back(co_await r.readexactly(5));
    got.push_back(co_await r.readuntil("<<end>>"));
    got.push_back(co_await r.readuntil(";", ","));
    got.push_back(co_await r.readuntil(";", ","));
    got.push_back(co_await r.readline());
    got.push_back(co_await r.readline());
    std::array<std::byte, 2> two{};
    const std::size_t n = co_await r.read_some(two);
    got.emplace_back(reinterpret_cast<const char*>(two.data()), n);
    got.push_back(co_await r.read());
    got[got.size() - 2] += std::exchange(got.back(), "");
    CAPTURE(size);
    const std::vector<std::string> expected = {
        "alpha\n", "beta\n", "--gamma\r\n", "12345", "<<end>>", "a,",
        "b;",      "c\n",    "\n",          "tail",  ""};
    REQUIRE(got == expected);
    CHECK(r.at_eof());
    co_await std::move(feeding);
  }
}

AIO_TEST("stream_reader: half a line is not enough", "[net][stream_reader]") {
  stream_reader r = fed("first line\nsecond ", 100);
  const std::string first = co_await r.readline();
  CHECK(first == "first line\n");
  auto pending = aio::create_task(aio::detail::as_coro(r.readline()));
  co_await test::turns(3);
  CHECK_FALSE(pending.done());
  r.feed_data("line\nrest");
  const std::string second = co_await std::move(pending);
  CHECK(second == "second line\n");
  CHECK(r.buffered() == 4);
}

AIO_TEST("stream_reader: read yields what there is, at most so much",
         "[net][stream_reader]") {
  stream_reader r = fed("rest");
  const std::string two = co_await r.read(2);
  CHECK(two == "re");
  const std::string all = co_await r.read(100);
  CHECK(all == "st");
  const std::string none = co_await r.read(0);
  CHECK(none.empty());
  auto pending = aio::create_task(aio::detail::as_coro(r.read(100)));
  co_await test::turns(2);
  CHECK_FALSE(pending.done());
  r.feed_data("x");
  const std::string one = co_await std::move(pending);
  CHECK(one == "x");
}

AIO_TEST("stream_reader: a read of something that is there does not give way",
         "[net][stream_reader]") {
  stream_reader r = fed("ab\ncd");
  bool turned = false;
  test::call_soon(loop, [&] { turned = true; });
  const std::string line = co_await r.readline();
  const std::string rest = co_await r.read(10);
  CHECK(line + rest == "ab\ncd");
  CHECK_FALSE(turned);
  co_await aio::sleep(0s);
  CHECK(turned);
}

AIO_TEST("stream_reader: read to the end waits for the end, without a limit",
         "[net][stream_reader]") {
  stream_reader r(4);
  auto pending = aio::create_task(aio::detail::as_coro(r.read()));
  co_await test::turns(1);
  r.feed_data("0123456789");
  co_await test::turns(2);
  CHECK_FALSE(pending.done());
  r.feed_data("abc");
  r.feed_eof();
  const std::string all = co_await std::move(pending);
  CHECK(all == "0123456789abc");
  const std::string again = co_await r.read();
  CHECK(again.empty());
}

AIO_TEST("stream_reader: readexactly takes no notice of the limit",
         "[net][stream_reader]") {
  stream_reader r = fed("0123456789", 4);
  const std::string eight = co_await r.readexactly(8);
  CHECK(eight == "01234567");
  const std::string none = co_await r.readexactly(0);
  CHECK(none.empty());
  CHECK(r.buffered() == 2);
}

AIO_TEST("stream_reader: readexactly waits for the last byte", "[net][stream_reader]") {
  stream_reader r;
  auto pending = aio::create_task(aio::detail::as_coro(r.readexactly(5)));
  for (const char* part : {"ab", "cd", "ef"}) {
    co_await test::turns(1);
    CHECK_FALSE(pending.done());
    r.feed_data(part);
  }
  const std::string five = co_await std::move(pending);
  CHECK(five == "abcde");
  CHECK(r.buffered() == 1);
}

AIO_TEST("stream_reader: read_some touches the memory only when the await ends",
         "[net][stream_reader]") {
  stream_reader r;
  std::array<std::byte, 4> to{};
  auto pending = aio::create_task(aio::detail::as_coro(r.read_some(to)));
  co_await test::turns(1);
  r.feed_data("abcdef");
  CHECK(to[0] == std::byte{0});
  const std::size_t n = co_await std::move(pending);
  CHECK(n == 4);
  CHECK(to[3] == std::byte{'d'});
  const std::size_t rest = co_await r.read_some(to);
  CHECK(rest == 2);
  const std::size_t nothing = co_await r.read_some(std::span<std::byte>());
  CHECK(nothing == 0);
  r.feed_eof();
  const std::size_t at_end = co_await r.read_some(to);
  CHECK(at_end == 0);
}

// ----- separators -----

AIO_TEST("stream_reader: a separator may be split between pieces",
         "[net][stream_reader]") {
  stream_reader r = fed("k=v\r");
  auto pending = aio::create_task(aio::detail::as_coro(r.readuntil("\r\n")));
  co_await test::turns(1);
  r.feed_data("\nnext\r\n");
  const std::string first = co_await std::move(pending);
  const std::string second = co_await r.readuntil("\r\n");
  CHECK(first == "k=v\r\n");
  CHECK(second == "next\r\n");
}

AIO_TEST("stream_reader: of several separators the earliest end wins",
         "[net][stream_reader]") {
  stream_reader r = fed("ab--c.d", 100);
  const std::string first = co_await r.readuntil("--c", ".", "b-");
  CHECK(first == "ab-");
  const std::vector<std::string> either = {".", "-c."};
  const std::string second = co_await r.readuntil(either);
  CHECK(second == "-c.");
  CHECK(r.buffered() == 1);
}

AIO_TEST("stream_reader: separators of different lengths are all found when split",
         "[net][stream_reader]") {
  // The long one is still possible when the short one has been searched for.
  for (std::size_t size = 1; size <= 14; ++size) {
    stream_reader r(100);
    auto feeding = aio::create_task(feed(r, "aXbXXcXXXdEND|", size));
    const std::string first = co_await r.readuntil("XXX", "END");
    const std::string second = co_await r.readuntil("|", "END");
    const std::string third = co_await r.readuntil("|", "LONGER THAN ALL OF IT");
    CAPTURE(size);
    CHECK(first == "aXbXXcXXX");
    CHECK(second == "dEND");
    CHECK(third == "|");
    co_await std::move(feeding);
  }
}

AIO_TEST("stream_reader: no separator, or an empty one, is refused at once",
         "[net][stream_reader]") {
  stream_reader r = fed("text");
  CHECK_THROWS_AS(r.readuntil(""), std::invalid_argument);
  CHECK_THROWS_AS(r.readuntil("a", ""), std::invalid_argument);
  CHECK_THROWS_AS(r.readuntil(std::vector<std::string>()), std::invalid_argument);
  CHECK_THROWS_AS(r.readexactly(-1), std::invalid_argument);
  co_return;
}

// ----- limits -----

AIO_TEST("stream_reader: the limit counts the bytes before the separator",
         "[net][stream_reader]") {
  stream_reader exact = fed("01234567\n");
  const std::string until = co_await outcome_of(exact.readuntil("\n"));
  CHECK(until == "\"01234567\n\"");
  stream_reader line = fed("01234567\n");
  const std::string readline = co_await outcome_of(line.readline());
  CHECK(readline == "\"01234567\n\"");
  stream_reader over = fed("012345678\n");
  const std::string too_long = co_await outcome_of(over.readuntil("\n"));
  CHECK(too_long == "overrun at 9");
  stream_reader long_separator = fed("01234567====");
  const std::string whole = co_await outcome_of(long_separator.readuntil("===="));
  CHECK(whole == "\"01234567====\"");
}

AIO_TEST("stream_reader: the limit is the same whatever the pieces",
         "[net][stream_reader]") {
  for (std::size_t size = 1; size <= 12; ++size) {
    CAPTURE(size);
    stream_reader exact(8);
    auto feeding = aio::create_task(feed(exact, "01234567\r\n", size));
    const std::string fits = co_await outcome_of(exact.readuntil("\r\n"));
    CHECK(fits == "\"01234567\r\n\"");
    co_await std::move(feeding);

    stream_reader over(8);
    auto feeding_over = aio::create_task(feed(over, "012345678\r\nrest", size));
    const std::string too_long = co_await outcome_of(over.readuntil("\r\n"));
    CHECK(too_long.substr(0, 7) == "overrun");
    co_await std::move(feeding_over);
    const std::string kept = co_await over.read();
    CHECK(kept == "012345678\r\nrest");

    stream_reader line(8);
    auto feeding_line = aio::create_task(feed(line, "01234567\nnext\n", size));
    const std::string first = co_await outcome_of(line.readline());
    const std::string second = co_await outcome_of(line.readline());
    CHECK(first == "\"01234567\n\"");
    CHECK(second == "\"next\n\"");
    co_await std::move(feeding_line);
  }
}

AIO_TEST(
    "stream_reader: readuntil beyond the limit leaves the bytes, and says how many",
    "[net][stream_reader]") {
  stream_reader r = fed("0123456789\n");
  for (int i = 0; i < 2; ++i) {
    const std::string found = co_await outcome_of(r.readuntil("\n"));
    CHECK(found == "overrun at 10");
  }
  const std::string all = co_await r.read(100);
  CHECK(all == "0123456789\n");

  r.feed_data("0123456789");
  const std::string not_found = co_await outcome_of(r.readuntil("\n"));
  CHECK(not_found == "overrun at 10");
  const std::string some = co_await r.readexactly(10);
  CHECK(some == "0123456789");
  r.feed_data("01234567\n");
  const std::string fits = co_await outcome_of(r.readuntil("\n"));
  CHECK(fits == "\"01234567\n\"");
}

AIO_TEST(
    "stream_reader: bytes that readuntil counts can be taken without losing a "
    "separator",
    "[net][stream_reader]") {
  stream_reader r = fed("0123456789\r");
  std::size_t consumed = 0;
  try {
    co_await r.readuntil("\r\n");
  } catch (const aio::limit_overrun_error& e) {
    consumed = e.consumed;
  }
  CHECK(consumed == 10);
  const std::string skipped = co_await r.readexactly(consumed);
  CHECK(skipped == "0123456789");
  r.feed_data("\n");
  const std::string separator = co_await r.readuntil("\r\n");
  CHECK(separator == "\r\n");
}

AIO_TEST("stream_reader: a line that is too long is dropped, and the next one comes",
         "[net][stream_reader]") {
  stream_reader r = fed("a long long line\nshort\n");
  const std::string first = co_await outcome_of(r.readline());
  const std::string second = co_await outcome_of(r.readline());
  CHECK(first == "invalid argument");
  CHECK(second == "\"short\n\"");
  r.feed_data("no end in sight");
  const std::string third = co_await outcome_of(r.readline());
  CHECK(third == "invalid argument");
  r.feed_data("fresh\n");
  const std::string fourth = co_await outcome_of(r.readline());
  CHECK(fourth == "\"fresh\n\"");
}

AIO_TEST("stream_reader: the error of a line that is too long says what to do",
         "[net][stream_reader]") {
  stream_reader r = fed("a long long line\n");
  const std::string how = co_await ending(r.readline());
  CHECK_THAT(how, Catch::Matchers::ContainsSubstring("limit of 8 bytes"));
}

TEST_CASE("stream_reader: a limit of zero or less is refused", "[net][stream_reader]") {
  CHECK_THROWS_AS(stream_reader(0), std::invalid_argument);
  CHECK_THROWS_AS(stream_reader(-1), std::invalid_argument);
}

// ----- the end of the stream -----

AIO_TEST("stream_reader: at_eof is true when the stream has ended and all was taken",
         "[net][stream_reader]") {
  stream_reader r = fed("tail");
  CHECK_FALSE(r.at_eof());
  r.feed_eof();
  CHECK_FALSE(r.at_eof());
  const std::string rest = co_await r.readline();
  CHECK(rest == "tail");
  CHECK(r.at_eof());
  const std::string line = co_await r.readline();
  const std::string some = co_await r.read(5);
  const std::string all = co_await r.read();
  const std::string none = co_await r.readexactly(0);
  CHECK((line + some + all + none).empty());
}

AIO_TEST(
    "stream_reader: an end before what was asked for is incomplete, and takes the rest",
    "[net][stream_reader]") {
  stream_reader exactly = ended("abc");
  const std::string three_of_five = co_await outcome_of(exactly.readexactly(5));
  CHECK(three_of_five == "incomplete \"abc\" of 5");
  CHECK(exactly.at_eof());
  const std::string again = co_await outcome_of(exactly.readexactly(3));
  CHECK(again == "incomplete \"\" of 3");

  stream_reader until = ended("abc");
  const std::string no_separator = co_await outcome_of(until.readuntil("\n"));
  CHECK(no_separator == "incomplete \"abc\" of none");
  CHECK(until.at_eof());
}

AIO_TEST("stream_reader: what is complete in the buffer wins over the end",
         "[net][stream_reader]") {
  stream_reader r = ended("abc\ndef");
  const std::string line = co_await outcome_of(r.readuntil("\n"));
  CHECK(line == "\"abc\n\"");
  const std::string three = co_await outcome_of(r.readexactly(3));
  CHECK(three == "\"def\"");
}

AIO_TEST("stream_reader: the end wakes who waits", "[net][stream_reader]") {
  stream_reader r;
  for (int kind = 0; kind < 4; ++kind) {
    stream_reader of;
    auto pending = aio::create_task([&, kind]() -> aio::coro<std::string> {
      std::string how;
      if (kind == 0) how = co_await outcome_of(of.readline());
      if (kind == 1) how = co_await outcome_of(of.read(9));
      if (kind == 2) how = co_await outcome_of(of.readexactly(9));
      if (kind == 3) how = co_await outcome_of(of.readuntil("\n"));
      co_return how;
    });
    co_await test::turns(1);
    of.feed_eof();
    const std::string how = co_await std::move(pending);
    const char* const expected[] = {"\"\"", "\"\"", "incomplete \"\" of 9",
                                    "incomplete \"\" of none"};
    CHECK(how == expected[kind]);
  }
}

AIO_TEST("stream_reader: nothing can be fed after the end", "[net][stream_reader]") {
  stream_reader r = ended("x");
  CHECK_THROWS_AS(r.feed_data("y"), aio::usage_error);
  r.feed_eof();  // may be repeated
  CHECK(r.buffered() == 1);
  co_return;
}

// ----- errors -----

AIO_TEST(
    "stream_reader: an exception reaches the one who waits, and all reads after it",
    "[net][stream_reader]") {
  stream_reader r = fed("left");
  CHECK_FALSE(r.exception());
  auto pending = aio::create_task(ending(r.readexactly(10)));
  co_await test::turns(1);
  r.set_exception(boom());
  const std::string how = co_await std::move(pending);
  CHECK(how == "boom");
  const std::string later = co_await ending(r.read(4));
  CHECK(later == "boom");
  CHECK(test::name_of(r.exception()) == "boom");
}

AIO_TEST(
    "stream_reader: a second one that has to wait is told so, and the first goes on",
    "[net][stream_reader]") {
  stream_reader r = fed("half");
  auto first = aio::create_task(aio::detail::as_coro(r.readexactly(8)));
  co_await test::turns(1);
  const std::string second = co_await ending(r.readline());
  CHECK(second == "usage");
  r.feed_data("half");
  const std::string all = co_await std::move(first);
  CHECK(all == "halfhalf");
}

AIO_TEST("stream_reader: a read that finds what it wants goes past one that waits",
         "[net][stream_reader]") {
  stream_reader r = fed("abcdef");
  auto line = aio::create_task(r.readline());
  auto until = [](stream_reader from) -> aio::coro<std::string> {
    co_return co_await from.readuntil("--");
  };
  co_await test::turns(1);
  const std::string first = co_await r.readexactly(5);
  CHECK(first == "abcde");
  r.feed_data("gh\nxy-");
  const std::string rest = co_await std::move(line);
  CHECK(rest == "fgh\n");
  auto part = aio::create_task(until, r);
  co_await test::turns(1);
  const std::string x = co_await r.read(1);
  CHECK(x == "x");
  r.feed_data("-z");
  const std::string end = co_await std::move(part);
  CHECK(end == "y--");
}

AIO_TEST("stream_reader: bytes for which a task was woken are not read by another",
         "[net][stream_reader]") {
  stream_reader r;
  auto first = aio::create_task(aio::detail::as_coro(r.readline()));
  co_await test::turns(1);
  r.feed_data("line\n");
  const std::string thief = co_await ending(r.read(100));
  CHECK(thief == "usage");
  const std::string line = co_await std::move(first);
  CHECK(line == "line\n");
}

// ----- cancelling -----

AIO_TEST("stream_reader: a read that is cancelled or out of time loses nothing",
         "[net][stream_reader]") {
  stream_reader r = fed("half a li", 100);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::string how = co_await ending(aio::wait_for(r.readline(), 30ms));
    CHECK(how == "timeout");
  }
  auto exactly = aio::create_task(aio::detail::as_coro(r.readexactly(100)));
  co_await test::turns(1);
  exactly.cancel();
  const std::string cancelled = co_await ending(exactly);
  CHECK(cancelled == "cancelled");
  r.feed_data("ne\nand 8bytes");
  r.feed_eof();
  const std::string line = co_await r.readline();
  CHECK(line == "half a line\n");
  const std::string four = co_await r.readexactly(4);
  CHECK(four == "and ");
  const std::string rest = co_await outcome_of(r.readexactly(100));
  CHECK(rest == "incomplete \"8bytes\" of 100");
}

AIO_TEST("stream_reader: a cancel that comes after the wake-up leaves the bytes",
         "[net][stream_reader]") {
  stream_reader r;
  auto reading = aio::create_task(aio::detail::as_coro(r.readline()));
  co_await test::turns(1);
  r.feed_data("line\n");  // wakes
  reading.cancel();       // and yet it raises
  const std::string how = co_await ending(reading);
  CHECK(how == "cancelled");
  const std::string line = co_await r.readline();
  CHECK(line == "line\n");
}

TEST_CASE("stream_reader: cancelled at every await nothing is lost",
          "[net][stream_reader]") {
  std::optional<stream_reader> r;
  std::string got;
  const int cancels = aio::testing::cancel_at_every_await(
      [&] {
        got.clear();
        r.emplace();
        return [](stream_reader reader, std::string& all) -> aio::coro<> {
          auto feeding = aio::create_task(feed(reader, "ab\ncd\n12345,678;rest", 1));
          all += co_await reader.readline();
          all += co_await reader.readline();
          all += co_await reader.readexactly(5);
          all += co_await reader.readuntil(",");
          all += co_await reader.readuntil(";", "!");
          all += co_await reader.read(1);
          all += co_await reader.read();
          co_await feeding;
        }(*r, got);
      },
      [&](auto& task) {
        CHECK(task.cancelled());
        // What was read and what is still there is a beginning of what was fed.
        const std::string whole = "ab\ncd\n12345,678;rest";
        CHECK(whole.substr(0, got.size()) == got);
        CHECK(got.size() + r->buffered() <= whole.size());
        aio::testing::virtual_loop after;
        r->feed_eof();
        const std::string rest = after.run(aio::detail::as_coro(r->read()));
        CHECK(whole.substr(got.size(), rest.size()) == rest);
      });
  CHECK(cancels > 20);
}

AIO_TEST("stream_reader: copies are the same stream", "[net][stream_reader]") {
  stream_reader r = fed("abcd");
  stream_reader same = r;
  const std::string two = co_await r.read(2);
  const std::string rest = co_await same.read(9);
  CHECK(two + rest == "abcd");
}

AIO_TEST("stream_reader: a loop over the lines", "[net][stream_reader]") {
  const aio::stream_reader reader(10);
  reader.feed_data("one\n\ntwo\nrest");
  reader.feed_eof();
  std::vector<std::string> lines;
  while (auto line = co_await reader.next_line()) lines.push_back(*line);
  CHECK(lines == std::vector<std::string>{"one\n", "\n", "two\n", "rest"});
  const auto none = co_await reader.next_line();
  CHECK_FALSE(none.has_value());

  const aio::stream_reader narrow(4);
  narrow.feed_data("too long\nshort\n");
  bool is_refused = false;
  try {
    static_cast<void>(co_await narrow.next_line());
  } catch (const std::invalid_argument&) {
    is_refused = true;
  }
  CHECK(is_refused);
}
