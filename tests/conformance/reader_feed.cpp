// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>

namespace reader_feed {
using namespace conformance;

std::string text(std::string_view bytes) { return quoted(bytes); }

template <class Error>
aio::coro<> fails(std::string_view name, auto call) {
  try {
    co_await call();
  } catch (const Error&) {
    print(name, label());
  }
}

aio::coro<> feed_and_read() {
  const aio::stream_reader r;
  r.feed_data("first line\nsecond ");
  const std::string first = co_await r.readline();
  print("readline", text(first));
  const auto second = aio::ensure_future(r.readline());
  co_await aio::sleep(0s);
  print("half a line is not enough, done", second.done());
  r.feed_data("line\nrest");
  print("readline", text(co_await second));
  const std::string two = co_await r.read(2);
  const std::string others = co_await r.read(100);
  print("read(2)", text(two), "read(100)", text(others));
  const std::string nothing = co_await r.read(0);
  const std::string exactly_nothing = co_await r.readexactly(0);
  print("read(0)", text(nothing), "readexactly(0)", text(exactly_nothing));

  const auto five = aio::ensure_future(r.readexactly(5));
  const std::array<std::string_view, 3> parts{"ab", "cd", "ef"};
  for (const std::string_view part : parts) {
    co_await aio::sleep(0s);
    print("readexactly done", five.done());
    r.feed_data(part);
  }
  print("readexactly(5)", text(co_await five));

  r.feed_data("k=v\r");
  const auto until = aio::ensure_future(r.readuntil("\r\n"));
  co_await aio::sleep(0s);
  r.feed_data("\nnext\r\n");
  const std::string pair = co_await until;
  const std::string next = co_await r.readuntil("\r\n");
  print("readuntil", text(pair), text(next));

  r.feed_data("tail");
  r.feed_eof();
  print("at_eof with data left", r.at_eof());
  const std::string tail = co_await r.readline();
  const std::string again = co_await r.readline();
  print("readline at the end", text(tail), "again", text(again));
  const bool at_eof = r.at_eof();
  const std::string all = co_await r.read();
  const std::string some = co_await r.read(5);
  print("at_eof", at_eof, "read", text(all), text(some));
  print("readexactly(0)", text(co_await r.readexactly(0)));
  using incomplete = aio::incomplete_read_error;
  co_await fails<incomplete>("readexactly", [&] { return r.readexactly(3); });
  co_await fails<incomplete>("readuntil", [&] { return r.readuntil("\n"); });
}

aio::coro<> amain() {
  co_await feed_and_read();

  const aio::stream_reader r;
  r.feed_data("abc");
  r.feed_eof();
  std::string error;
  try {
    co_await r.readexactly(5);
  } catch (const aio::incomplete_read_error&) {
    error = label();
  }
  if (!error.empty()) {
    const std::string left = co_await r.read();
    print(fmt::format("{}, left {}", error, text(left)));
  }
  co_await fails<value_error>("negative", [&] { return r.readexactly(-1); });
  co_await fails<value_error>("no separator", [&] { return r.readuntil(""); });
}

AIO_TWIN(reader_feed) { aio::run(amain()); }

}  // namespace reader_feed
