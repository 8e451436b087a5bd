// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace loop_one_order {
using namespace conformance;

using strings = std::vector<std::string>;
std::string py(bool b) { return b ? "True" : "False"; }

template <class F>
void attempt(std::string name, F f) {
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      print(name, "None");
    } else {
      print(name, f());
    }
  } catch (const std::exception&) {
    print(name, label());
  }
}
template <class T>
aio::coro<T> value(int n, T x) {
  co_await turns(n);
  co_return x;
}
aio::coro<std::string> stops(aio::event_loop& loop, std::string x) {
  loop.stop();
  co_await turns(1);
  co_return x;
}
void show(strings& log, std::string name) {
  std::string s;
  for (auto& x : log) {
    if (!s.empty()) s += ", ";
    s += x[0] >= '0' && x[0] <= '9' ? x : "'" + x + "'";
  }
  print(name, "[" + s + "]");
  log.clear();
}
AIO_TWIN(loop_one_order) {
  aio::event_loop loop;
  strings log;
  const auto add = [&](std::string s) { return [&log, s] { log.push_back(s); }; };
  auto t = loop.create_task(stops(loop, "late"));
  attempt("stopped", [&] { return loop.run_until_complete(t); });
  print(end(t));
  attempt("again", [&] { return loop.run_until_complete(t); });
  attempt("of a done task", [&] { return loop.run_until_complete(t); });

  const auto stop = [&] { loop.stop(); };
  loop.call_soon(stop);
  loop.call_soon([&] {
    log.push_back("a");
    loop.call_soon(add("b"));
  });
  loop.run_forever();
  show(log, "first");
  loop.call_soon(add("c"));
  loop.call_soon(stop);
  loop.run_forever();
  show(log, "second");
  loop.stop();
  loop.stop();
  loop.call_soon(add("d"));
  loop.run_forever();
  loop.call_soon(add("e"));
  loop.call_soon(stop);
  loop.run_forever();
  show(log, "third");

  auto f = loop.create_future<int>();
  f.add_done_callback([&](auto&) { log.push_back("callback 1"); });
  loop.call_soon([f] { f.set_result(3); });
  loop.call_soon(add("soon"));
  print(loop.run_until_complete(f));
  f.add_done_callback([&](auto&) { log.push_back("callback 2"); });
  show(log, "future");
  loop.run_until_complete(value(0, 1));
  show(log, "then");

  f = loop.create_future<int>();
  loop.call_soon([f] { f.cancel(); });
  try {
    loop.run_until_complete(f);
  } catch (const aio::cancelled_error&) {
    print("cancelled");
  }
  f = loop.create_future<int>();
  loop.call_soon([f] { f.set_exception(boom("x")); });
  attempt("error", [&] { return loop.run_until_complete(f); });
  aio::event_loop other;
  auto g = other.create_future<int>();
  attempt("other loop", [&] { return loop.run_until_complete(g); });

  const auto nested = [&]() -> aio::coro<> {
    auto c = value(0, 1);
    try {
      loop.run_until_complete(std::move(c));
    } catch (const aio::usage_error&) {
      print("same loop", label());
    }
    try {
      other.run_until_complete(std::move(c));
    } catch (const aio::usage_error&) {
      print("another loop", label());
    }
    try {
      loop.close();
    } catch (const aio::usage_error&) {
      print("close", label());
    }
    try {
      co_await g;
    } catch (const aio::usage_error&) {
      print("await of another loop", label());
    }
    try {
      aio::run(std::move(c));
    } catch (const aio::usage_error&) {
      print("run", label());
    }
    c.close();
    print(py(&loop == &aio::get_running_loop()), py(loop.is_running()));
  };
  loop.run_until_complete(nested());
  attempt("no loop", [&] {
    aio::get_running_loop();
    return 0;
  });
  const auto order = [&]() -> aio::coro<> {
    loop.call_soon(add("1"));
    loop.call_soon_threadsafe(add("2"));
    loop.call_soon(add("3"));
    loop.call_soon_threadsafe([&] {
      log.push_back("4");
      loop.call_soon_threadsafe(add("6"));
      loop.call_soon(add("7"));
    });
    loop.call_soon(add("5"));
    co_await turns(1);
    show(log, "one turn");
    co_await turns(1);
    show(log, "two turns");
    std::vector<aio::handle> h;
    for (int i = 0; i < 3; ++i) h.push_back(loop.call_soon(add(fmt::format("{}", i))));
    h[1].cancel();
    h[1].cancel();
    print(h[0].cancelled(), h[1].cancelled(), h[2].cancelled());
    aio::handle later;
    loop.call_soon([&] {
      h[0].cancel();
      later.cancel();
    });
    later = loop.call_soon(add("never"));
    co_await turns(1);
    show(log, "handles");
    print(h[0].cancelled(), h[1].cancelled(), h[2].cancelled(), later.cancelled());
    auto tm = loop.call_later(50s, add("late"));
    print(py(tm.when() >= loop.time() + 49s));
    tm.cancel();
    auto x = loop.create_future<int>();
    x.add_done_callback([&](const aio::future<int>& y) {
      log.push_back("outer");
      y.add_done_callback([&](auto&) { log.push_back("inner"); });
      loop.call_soon(add("soon"));
    });
    x.add_done_callback([&](auto&) { log.push_back("second"); });
    x.set_result(0);
    loop.call_soon(add("behind"));
    co_await turns(1);
    show(log, "one");
    co_await turns(1);
    show(log, "two");
    x = loop.create_future<int>();
    aio::future<int>::callback_id b;
    x.add_done_callback([&](const aio::future<int>& y) {
      log.push_back("a");
      log.push_back(fmt::format("{}", y.remove_done_callback(b)));
    });
    b = x.add_done_callback([&](auto&) { log.push_back("b"); });
    auto c = x.add_done_callback([&](auto&) { log.push_back("c"); });
    const auto r1 = x.remove_done_callback(c);
    const auto r2 = x.remove_done_callback(c);
    print(r1, r2);
    x.set_result(0);
    print(x.remove_done_callback(b));
    co_await turns(2);
    show(log, "removed");
  };
  loop.run_until_complete(order());
  loop.call_soon(add("dropped"));
  loop.close();
  print(py(loop.is_closed()), py(loop.is_running()), "[]");
  const auto nothing = [] {};
  attempt("call_soon", [&] { loop.call_soon(nothing); });
  attempt("call_later", [&] { loop.call_later(1s, nothing); });
  attempt("threadsafe", [&] { loop.call_soon_threadsafe(nothing); });
  attempt("executor", [&] { loop.run_in_executor(nothing); });
  auto c = value(0, 1);
  attempt("run_until_complete", [&] { return loop.run_until_complete(std::move(c)); });
  attempt("create_task", [&] { loop.create_task(std::move(c)); });
  c.close();
  attempt("stop", [&] { loop.stop(); });
}
}  // namespace loop_one_order
