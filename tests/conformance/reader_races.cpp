// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace reader_races {
using namespace conformance;

using reader = aio::stream_reader;

template <class A>
aio::coro<> guarded(std::string name, A aw) {
  try {
    const std::string s = co_await std::move(aw);
    print(name, quoted(s));
  } catch (const aio::cancelled_error&) {
    print(name, "cancelled");
  } catch (const std::exception&) {
    print(name, label());
  }
}
template <class F>
aio::coro<> tried(std::string name, F f) {
  try {
    co_await guarded(name, f());
  } catch (const std::exception&) {
    print(name, label());
  }
}
template <class A>
aio::task<> go(std::string name, A aw) {
  return aio::create_task(guarded(name, std::move(aw)));
}
template <class W>
aio::coro<> data_error(W what) {
  reader r(64);
  auto t = go("first", what(r));
  co_await turns(1);
  r.feed_data("abc\n");
  r.set_exception(boom());
  co_await turns(2);
  co_await guarded("then", r.read(10));
  print(label(r.exception()));
}
aio::coro<> amain() {
  print("-- data, then an error, in one turn");
  co_await data_error([](reader& r) { return r.readline(); });
  co_await data_error([](reader& r) { return r.read(10); });
  co_await data_error([](reader& r) { return r.readexactly(3); });
  co_await data_error([](reader& r) { return r.readuntil("\n"); });
  {
    print("-- an error, then data");
    reader r(64);
    auto t = go("first", r.readline());
    co_await turns(1);
    r.set_exception(boom());
    r.feed_data("abc\n");
    co_await turns(2);
  }
  {
    print("-- data was there before the error");
    reader r(64);
    r.feed_data("abc\n");
    r.set_exception(boom());
    co_await guarded("readline", r.readline());
    co_await guarded("read 0", r.read(0));
    co_await guarded("readexactly 0", r.readexactly(0));
  }
  {
    print("-- the end, then an error");
    reader r(64);
    auto t = go("first", r.readline());
    co_await turns(1);
    r.feed_data("rest");
    r.feed_eof();
    r.set_exception(boom());
    co_await turns(2);
  }
  print("-- cancelled as the data comes");
  for (int n = 0; n < 2; ++n) {
    reader r(64);
    auto t = go("first", r.readline());
    co_await turns(1);
    r.feed_data("one\ntwo\n");
    co_await turns(n);
    t.cancel();
    co_await turns(2);
    co_await guarded("second", r.readline());
    r.feed_eof();
    co_await guarded("third", r.readline());
  }
  {
    print("-- two readers");
    reader r(64);
    auto t = go("first", r.readexactly(4));
    co_await turns(1);
    co_await tried("second", [&] { return r.read(1); });
    co_await tried("second", [&] { return r.readline(); });
    r.feed_data("abcd");
    co_await turns(2);
    t = go("first", r.read(4));
    co_await turns(1);
    t.cancel();
    co_await turns(1);
    r.feed_data("x\n");
    co_await guarded("second", r.readline());
  }
  {
    print("-- separators");
    reader r(64);
    r.feed_data("a--b-c\r\nd\ne|f|");
    co_await guarded("1", r.readuntil("--"));
    co_await guarded("2", r.readuntil("\r\n", "\n"));
    co_await guarded("3", r.readuntil("\n", "\r\n"));
    co_await guarded("4", r.readuntil("|f", "|"));
    auto t = go("5", r.readuntil("|end|", "END"));
    co_await turns(1);
    r.feed_data("en");
    co_await turns(1);
    r.feed_data("d|EN");
    co_await turns(2);
    t = go("6", r.readuntil("|end|", "ENDE"));
    co_await turns(1);
    r.feed_data("D");
    co_await turns(1);
    r.feed_data("E!");
    co_await turns(2);
    r.feed_eof();
    co_await guarded("7", r.readuntil("x", "yy"));
    reader b(64);
    co_await tried("bad", [&] { return b.readuntil(""); });
    co_await tried("bad", [&] { return b.readuntil(std::vector<std::string>()); });
    co_await tried("bad", [&] { return b.readuntil("", "a"); });
  }
  {
    print("-- limits");
    reader r(4);
    r.feed_data("abcd\nabcde\nabcdefgh");
    co_await guarded("1", r.readline());
    co_await guarded("2", r.readuntil("\n"));
    co_await guarded("2", r.readuntil("de\n"));
    co_await guarded("3", r.readline());
    r.feed_data("x");
    auto t = go("6", r.readline());
    co_await turns(1);
    r.feed_data("yzw");
    co_await turns(1);
    r.feed_data("\nnext\n");
    co_await turns(2);
    t = go("7", r.readuntil("ab"));
    co_await turns(1);
    r.feed_data("12345");
    co_await turns(2);
    co_await guarded("8", r.readexactly(5));
    t = go("9", r.readline());
    co_await turns(1);
    r.feed_data("123456");
    co_await turns(2);
    r.feed_data("7\n");
    co_await guarded("10", r.readline());
    r.feed_data("abcdef");
    r.feed_eof();
    co_await guarded("11", r.readline());
    co_await guarded("12", r.readline());
    for (int bad : {0, -1}) {
      try {
        reader x(bad);
      } catch (const value_error&) {
        print(label());
      }
    }
  }
  print("-- to the end");
  {
    reader r(4);
    auto t = go("all", r.read());
    for (std::string part : {"abc", "", "defghijk"}) {
      co_await turns(1);
      r.feed_data(part);
      print(t.done());
    }
    r.feed_eof();
    co_await turns(4);
    co_await guarded("again", r.read());
    print(r.at_eof());
  }
  {
    reader r(64);
    r.feed_data("a");
    r.feed_eof();
    print(r.at_eof());
    co_await guarded("a", r.read(5));
    print(r.at_eof());
    co_await guarded("exactly", r.readexactly(1));
    r.feed_eof();
    print(r.at_eof());
  }
  {
    print("-- a limit on a read");
    reader r(64);
    try {
      co_await aio::wait_for(r.readexactly(5), 10ms);
    } catch (const aio::timeout_error&) {
      print("timeout");
    }
    r.feed_data("12345");
    co_await guarded("now", r.readexactly(5));
  }
}
AIO_TWIN(reader_races) { aio::run(amain()); }
}  // namespace reader_races
