// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <array>

namespace reader_limits {
using namespace conformance;

std::string text(std::string_view bytes) { return quoted(bytes); }

aio::coro<> attempt(std::string_view name, auto operation) {
  try {
    print(name, "->", text(co_await std::move(operation)));
  } catch (const aio::incomplete_read_error& e) {
    print(name, "-> incomplete_read", fmt::format("partial={}", text(e.partial)));
  } catch (const std::exception&) {
    print(name, "->", label());
  }
}

aio::coro<> amain() {
  {
    // readuntil leaves the data where they are
    const aio::stream_reader r(8);
    r.feed_data("0123456789\n");
    co_await attempt("readuntil, separator found too late", r.readuntil("\n"));
    co_await attempt("readuntil again", r.readuntil("\n"));
    co_await attempt("read", r.read(100));

    r.feed_data("0123456789");
    co_await attempt("readuntil, no separator", r.readuntil("\n"));
    co_await attempt("read", r.read(100));
    r.feed_data("01234567\n");
    co_await attempt("exactly the limit", r.readuntil("\n"));
  }
  {
    // readline throws away the line that is too long
    const aio::stream_reader r(8);
    r.feed_data("a long long line\nshort\n");
    co_await attempt("readline, too long", r.readline());
    co_await attempt("readline, the next one", r.readline());
    r.feed_data("no end in sight");
    co_await attempt("readline, no end", r.readline());
    r.feed_data("fresh\n");
    co_await attempt("readline, after the clearing", r.readline());
  }
  {
    // readexactly and read take no notice of the limit
    const aio::stream_reader r(4);
    r.feed_data("0123456789");
    co_await attempt("readexactly over the limit", r.readexactly(8));
    r.feed_data("abcdefgh");
    r.feed_eof();
    co_await attempt("read to the end", r.read());
    co_await attempt("readuntil at the end", r.readuntil("\n"));
  }
  const std::array<int, 2> limits{0, -1};
  for (const int limit : limits) {
    try {
      aio::stream_reader{limit};
    } catch (const value_error&) {
      print("limit", limit, label());
    }
  }
}

AIO_TWIN(reader_limits) { aio::run(amain()); }

}  // namespace reader_limits
