// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/files.hpp>

#include <aio/sync/event.hpp>
#include <aio/task/gather.hpp>
#include <aio/task/task.hpp>
#include <aio/task/with.hpp>

#include <support/folder.hpp>
#include <support/net.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <future>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace files = aio::files;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

/// A path in a folder of its own; both are removed in the end.
class path {
 public:
  path() = default;
  explicit path(const std::string& content) {
    std::ofstream(name_, std::ios::binary) << content;
  }
  path(const path&) = delete;
  path& operator=(const path&) = delete;
  ~path() { ::unlink(name_.c_str()); }

  const std::string& str() const noexcept { return name_; }
  std::string content() const {
    std::ifstream file(name_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  test::folder folder_;
  std::string name_ = folder_ / "file";
};

}  // namespace

AIO_NET_TEST("files: what was written is read again", "[files][file]") {
  const path p;
  auto out = co_await files::open(p.str(), "w");
  const std::size_t written = co_await out.write("two\nlines");
  CHECK(written == 9);
  CHECK(out.mode() == "w");
  CHECK(out.name() == p.str());
  CHECK_FALSE(out.closed());
  co_await out.close();
  co_await out.close();
  CHECK(out.closed());

  auto in = co_await files::open(p.str());
  const std::string all = co_await in.read();
  CHECK(all == "two\nlines");
  const std::string rest = co_await in.read();
  CHECK(rest == "");
  co_await in.close();
}

AIO_NET_TEST("files: lines come one by one, the last perhaps without an end",
             "[files][file]") {
  const path p("one\n\nthree");
  auto f = co_await files::open(p.str(), "r", {.buffering = 2});
  std::vector<std::string> lines;
  while (auto line = co_await f.next_line()) lines.push_back(*std::move(line));
  CHECK(lines == std::vector<std::string>{"one\n", "\n", "three"});
  co_await f.seek(0);
  const std::string first = co_await f.readline();
  CHECK(first == "one\n");
  const auto rest = co_await f.readlines();
  CHECK(rest == std::vector<std::string>{"\n", "three"});
  const std::string none = co_await f.readline();
  CHECK(none == "");
  co_await f.seek(0);
  const auto some = co_await f.readlines(5);
  CHECK(some.size() == 2);
  co_await f.close();
}

AIO_NET_TEST("files: a file that grows goes on after its end", "[files][file]") {
  const path p("one\n");
  auto f = co_await files::open(p.str());
  while (auto line = co_await f.next_line()) CHECK(*line == "one\n");
  std::ofstream(p.str(), std::ios::app) << "two\n";
  const std::string line = co_await f.readline();
  CHECK(line == "two\n");
  co_await f.close();
}

AIO_NET_TEST("files: read(n) counts bytes, of a text characters", "[files][file]") {
  const path p("a\xc3\xa4\xe2\x82\xac!");
  for (const std::ptrdiff_t buffering : {std::ptrdiff_t(2), std::ptrdiff_t(-1)}) {
    files::open_options options{.buffering = buffering};
    auto text = co_await files::open(p.str(), "r", options);
    const std::string two = co_await text.read(2);
    CHECK(two == "a\xc3\xa4");
    const std::string one = co_await text.read(1);
    CHECK(one == "\xe2\x82\xac");
    const std::string rest = co_await text.read(10);
    CHECK(rest == "!");
    co_await text.close();
  }
  auto bytes = co_await files::open(p.str(), "rb");
  const std::string two = co_await bytes.read(2);
  CHECK(two == "a\xc3");
  std::array<std::byte, 16> room{};
  const std::size_t n = co_await bytes.readinto(room);
  CHECK(n == 5);
  CHECK(room[4] == std::byte('!'));
  const std::string nothing = co_await bytes.read(0);
  CHECK(nothing == "");
  co_await bytes.close();
}

AIO_NET_TEST("files: universal newlines are one character whatever they were",
             "[files][file]") {
  const path p("a\r\nb\rc\nd\r");
  files::open_options options{.buffering = 2, .universal_newlines = true};
  auto f = co_await files::open(p.str(), "r", options);
  std::vector<std::string> lines;
  while (auto line = co_await f.next_line()) lines.push_back(*std::move(line));
  CHECK(lines == std::vector<std::string>{"a\n", "b\n", "c\n", "d\n"});
  co_await f.seek(0);
  const std::string two = co_await f.read(2);
  CHECK(two == "a\n");
  const auto position = co_await f.tell();
  CHECK(position == 3);
  const std::string rest = co_await f.read();
  CHECK(rest == "b\nc\nd\n");
  co_await f.close();

  auto plain = co_await files::open(p.str());
  const std::string line = co_await plain.readline();
  CHECK(line == "a\r\n");
  co_await plain.close();
}

AIO_NET_TEST("files: strict text refuses what is not UTF-8, and keeps it",
             "[files][file]") {
  const path p(
      "good\nb\xff"
      "d\n");
  files::open_options options{.strict_utf8 = true};
  auto f = co_await files::open(p.str(), "r", options);
  const std::string good = co_await f.readline();
  CHECK(good == "good\n");
  const std::string why = co_await ending(f.readline());
  CHECK_THAT(why, ContainsSubstring("is not UTF-8: byte 255 at position 1"));
  const std::string again = co_await ending(f.readline());
  CHECK(again == why);
  co_await f.close();
  auto loose = co_await files::open(p.str());
  const std::string all = co_await loose.read();
  CHECK(all.size() == 9);
  co_await loose.close();
}

AIO_NET_TEST("files: reading and writing share one position", "[files][file]") {
  const path p("0123456789");
  auto f = co_await files::open(p.str(), "r+b");
  std::string some = co_await f.read(3);
  CHECK(some == "012");
  auto at = co_await f.tell();
  CHECK(at == 3);
  co_await f.write("xyz");
  at = co_await f.tell();
  CHECK(at == 6);
  some = co_await f.read(2);
  CHECK(some == "67");
  at = co_await f.seek(-1, SEEK_CUR);
  CHECK(at == 7);
  at = co_await f.seek(-1, SEEK_END);
  CHECK(at == 9);
  some = co_await f.read();
  CHECK(some == "9");
  co_await f.seek(4);
  const auto size = co_await f.truncate();
  CHECK(size == 4);
  co_await f.truncate(6);
  co_await f.close();
  CHECK(p.content() == std::string("012x\0\0", 6));
}

AIO_NET_TEST("files: appending writes behind what is there", "[files][file]") {
  const path p("one");
  auto f = co_await files::open(p.str(), "a+");
  auto at = co_await f.tell();
  CHECK(at == 3);
  co_await f.seek(0);
  co_await f.write("two");
  at = co_await f.tell();
  CHECK(at == 6);
  co_await f.seek(0);
  const std::string all = co_await f.read();
  CHECK(all == "onetwo");
  co_await f.close();
}

AIO_NET_TEST("files: what is written waits for a block, a line or flush()",
             "[files][file]") {
  const path p;
  auto f = co_await files::open(p.str(), "w");
  co_await f.write("early");
  CHECK(p.content() == "");
  co_await f.flush();
  CHECK(p.content() == "early");
  const std::string block(100'000, 'b');
  co_await f.write(block);
  CHECK(p.content().size() == 100'005);
  const std::vector<std::string> lines{"1\n", "2\n"};
  const std::size_t size = co_await f.writelines(lines);
  CHECK(size == 4);
  co_await f.sync();
  CHECK(p.content().size() == 100'009);
  co_await f.close();

  auto by_line = co_await files::open(p.str(), "w", {.buffering = 1});
  co_await by_line.write("half a ");
  CHECK(p.content() == "");
  co_await by_line.write("line\n");
  CHECK(p.content() == "half a line\n");
  co_await by_line.close();

  auto at_once = co_await files::open(p.str(), "wb", {.buffering = 0});
  co_await at_once.write("x");
  CHECK(p.content() == "x");
  co_await at_once.close();
}

AIO_NET_TEST("files: a call of many tasks at once keeps their order", "[files][file]") {
  const path p;
  auto f = co_await files::open(p.str(), "wb", {.buffering = 0});
  std::vector<aio::coro<std::size_t>> writes;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 7),
                            static_cast<char>('0' + i % 10));
    expected += piece;
    writes.push_back(f.write(piece));
  }
  co_await aio::gather(std::move(writes));
  co_await f.close();
  CHECK(p.content() == expected);
}

AIO_NET_TEST("files: errors say what and where", "[files][file]") {
  const test::folder empty;
  const std::string missing = empty / "missing";
  const std::string why = co_await ending(files::open(missing));
  CHECK(why == "cannot open '" + missing + "': No such file or directory");
  const std::string text = co_await ending(files::open(empty / ""));
  CHECK_THAT(text, ContainsSubstring("': Is a directory"));
  try {
    co_await files::open(missing, "r");
  } catch (const files::file_error& error) {
    CHECK(error.code() == boost::system::errc::no_such_file_or_directory);
    CHECK(error.path() == missing);
  }
  CHECK_THROWS_AS(files::open(missing, "rw"), std::invalid_argument);
  CHECK_THROWS_AS(files::open(std::string("nul\0", 4)), std::invalid_argument);
  files::open_options unbuffered{.buffering = 0};
  const std::string refused =
      co_await ending(files::open("/dev/null", "w", unbuffered));
  CHECK_THAT(refused, ContainsSubstring("open it as binary"));

  const path there("x");
  const std::string exclusive = co_await ending(files::open(there.str(), "x"));
  CHECK_THAT(exclusive, ContainsSubstring("File exists"));
  auto f = co_await files::open(there.str());
  std::string misuse = co_await ending(f.write("no"));
  CHECK(misuse == "usage");
  co_await f.close();
  misuse = co_await ending(f.read());
  CHECK(misuse == "usage");
  CHECK_THROWS_AS(f.fileno(), aio::usage_error);
}

AIO_NET_TEST("files: a full disk is told, by close() too, which closes it all the same",
             "[files][file]") {
  auto f = co_await files::open("/dev/full", "w");
  co_await f.write("lost");
  std::string why = co_await ending(f.flush());
  CHECK(why == "cannot write to '/dev/full': No space left on device");
  why = co_await ending(f.close());
  CHECK_THAT(why, ContainsSubstring("No space left on device"));
  CHECK(f.closed());
}

AIO_NET_TEST("files: with closes the file, whatever happens", "[files][file]") {
  const path p;
  files::file kept;
  auto block = [&](files::file& f) -> aio::coro<> {
    kept = f;
    co_await f.write("before");
    throw test::boom();
  };
  const std::string how =
      co_await ending(aio::with(files::open(p.str(), "w"), std::move(block)));
  CHECK(how == "boom");
  CHECK(kept.closed());
  CHECK(p.content() == "before");

  auto again = co_await files::open(p.str());
  auto read = [](files::file& f) { return f.read(); };
  const std::string all = co_await aio::with(again, read);
  CHECK(all == "before");
  CHECK(again.closed());
}

AIO_NET_TEST("files: a cancelled read ends at once, and its bytes are not lost",
             "[files][file]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  auto f = files::from_fd(ends[0]);
  auto reading = aio::create_task(f.readline());
  co_await test::turns(2);
  reading.cancel();
  std::string how = co_await ending(reading);
  CHECK(how == "cancelled");
  // The thread still waits for the pipe.
  auto next = aio::create_task(f.readline());
  co_await test::turns(2);
  CHECK_FALSE(next.done());
  CHECK(::write(ends[1], "one\ntwo\n", 8) == 8);
  const std::string line = co_await next;
  CHECK(line == "one\n");
  ::close(ends[1]);
  const std::string rest = co_await f.read();
  CHECK(rest == "two\n");
  co_await f.close();
}

AIO_NET_TEST("files: what a cancelled write had handed over is written whole",
             "[files][file]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  auto f = files::from_fd(ends[1], "wb");
  const std::string much(1'000'000, 'm');  // more than a pipe takes
  auto writing = aio::create_task(f.write(much));
  co_await test::turns(2);
  CHECK_FALSE(writing.done());
  writing.cancel();
  const std::string how = co_await ending(writing);
  CHECK(how == "cancelled");
  auto waiting = aio::create_task(f.write("never"));
  co_await test::turns(2);
  waiting.cancel();  // in the line: nothing of it was taken
  auto closing = aio::create_task(f.close());
  auto reader = files::from_fd(ends[0], "rb");
  const std::string all = co_await reader.read();
  CHECK(all == much);
  co_await closing;
  co_await reader.close();
}

AIO_NET_TEST("files: one that nobody closed is written and closed, and reported",
             "[files][file]") {
  const path p;
  loop.set_debug(true);
  {
    auto f = co_await files::open(p.str(), "w");
    co_await f.write("late");
  }
  loop.set_debug(false);
  CHECK(p.content() == "late");
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, ContainsSubstring("was not closed"));
  CHECK(reports.take() == "none");
}

AIO_NET_TEST("files: a sparse file of many gigabytes is read in little memory",
             "[files][file]") {
  const path p;
  auto f = co_await files::open(p.str(), "w+b");
  const std::int64_t size = 5LL << 30;
  co_await f.truncate(size);
  co_await f.seek(size - 4);
  co_await f.write("end\n");
  [[maybe_unused]] const std::size_t before = test::anonymous_memory();
  auto at = co_await f.seek(size - (16LL << 20));
  CHECK(at == size - (16LL << 20));
  std::size_t count = 0;
  std::string last;
  for (;;) {
    std::string block = co_await f.read(256 * 1024);
    if (block.empty()) break;
    count += block.size();
    last = std::move(block);
  }
  CHECK(count == 16U << 20);
  CHECK(last.ends_with("end\n"));
#ifndef AIO_TEST_SANITIZED  // which keeps what was freed
  CHECK(test::anonymous_memory() < before + (4U << 20));
#endif
  at = co_await f.tell();
  CHECK(at == size);
  co_await f.close();
  const auto told = co_await files::getsize(p.str());
  CHECK(told == static_cast<std::uint64_t>(size));
}
