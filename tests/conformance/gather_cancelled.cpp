// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace gather_cancelled {
using namespace conformance;

using task = aio::task<int>;

aio::coro<int> child(std::string name, int n, std::string how = "value") {
  std::exception_ptr cancelled;
  try {
    co_await turns(n);
  } catch (const aio::cancelled_error& e) {
    print(name, "cancelled", message_of(e));
    cancelled = std::current_exception();
  }
  if (cancelled) {
    if (how == "swallow") co_return 99;
    if (how == "convert") throw boom("converted");
    if (how == "slow") {
      co_await turns(3);
      print(name, "cleaned up");
    }
    std::rethrow_exception(cancelled);
  }
  if (how == "error") throw boom(name);
  if (how == "raise_cancelled") throw aio::cancelled_error("own");
  co_return n;
}
template <class... T>
std::string show(const std::tuple<T...>& t);
template <class T>
std::string show(const aio::result<T>& r);
std::string show(int x) { return fmt::format("{}", x); }
std::string show(const aio::result<int>& r) {
  return r.has_value() ? show(r.value()) : "'" + label(r.error()) + "'";
}
template <class T>
std::string show(const std::vector<T>& v) {
  std::string s = "[";
  for (auto& x : v) s += (s.size() > 1 ? ", " : "") + show(x);
  return s + "]";
}
template <class... T>
std::string show(const std::tuple<T...>& t) {
  std::string s = "[";
  std::apply([&](auto&... x) { ((s += (s.size() > 1 ? ", " : "") + show(x)), ...); },
             t);
  return s + "]";
}
template <class T>
std::string show(const aio::result<T>& r) {
  return r.has_value() ? show(r.value()) : "'" + label(r.error()) + "'";
}
template <class G>
aio::coro<> waiter(G g) {
  try {
    const auto& r = co_await g;
    print("waiter got", show(r));
  } catch (const aio::cancelled_error& e) {
    print("waiter cancelled", message_of(e));
    throw;
  } catch (const std::exception&) {
    print("waiter", label());
    throw;
  }
}
template <class G>
std::string gend(const G& g) {
  if (!g.done()) return "pending";
  if (g.cancelled()) return "cancelled";
  return label(g.exception());
}
std::string all(std::vector<std::string>& r) {
  std::string s = "[";
  for (const auto& x : r) s += (s.size() > 1 ? ", '" : "'") + x + "'";
  r.clear();
  return s + "]";
}
task ct(std::string name, int n, std::string how = "value") {
  return aio::create_task(child(name, n, how));
}

template <class I1, class I2, class O>
aio::coro<> cancelled(task a, task b, task c, I1 inner1, I2 inner2, O outer) {
  auto w = aio::create_task(waiter(outer));
  co_await turns(2);
  w.cancel("stop");
  for (int i = 0; i < 8; ++i) {
    print(i, a.done(), b.done(), c.done(), inner1.done(), inner2.done(), outer.done(),
          w.done());
    co_await turns(1);
  }
  print(gend(inner1), gend(inner2), gend(outer), end(w), w.cancelling());
}
aio::coro<> amain() {
  auto& loop = aio::get_running_loop();
  std::vector<std::string> reports;
  loop.set_exception_handler(
      [&](const aio::exception_context& c) { reports.push_back(label(c.exception)); });
  constexpr auto re = aio::return_exceptions;
  {
    print("-- gather of gathers cancelled 0");
    auto a = ct("a", 9), b = ct("b", 9, "slow"), c = ct("c", 9, "swallow");
    auto i1 = aio::gather(a, b);
    auto i2 = aio::gather(c);
    co_await cancelled(a, b, c, i1, i2, aio::gather(i1, i2));
  }
  {
    print("-- gather of gathers cancelled 1");
    auto a = ct("a", 9), b = ct("b", 9, "slow"), c = ct("c", 9, "swallow");
    auto i1 = aio::gather(re, a, b);
    auto i2 = aio::gather(re, c);
    co_await cancelled(a, b, c, i1, i2, aio::gather(re, i1, i2));
  }
  {
    print("-- all swallow");
    auto a = ct("a", 9, "swallow"), b = ct("b", 9, "swallow");
    auto g = aio::gather(a, b);
    auto w = aio::create_task(waiter(g));
    co_await turns(2);
    w.cancel();
    co_await turns(5);
    print(gend(g), end(w), end(a), end(b));
  }
  {
    print("-- one swallows, one is done");
    auto a = ct("a", 9, "swallow"), b = ct("b", 0);
    auto g = aio::gather(a, b);
    auto w = aio::create_task(waiter(g));
    co_await turns(3);
    const bool c1 = g.cancel("direct");
    const bool c2 = g.cancel("again");
    print(c1, c2, g.cancelled(), a.cancelling());
    co_await turns(5);
    print(gend(g), end(w), g.cancel() ? "True" : "False");
  }
  {
    print("-- duplicates");
    auto a = ct("a", 3), b = ct("b", 2);
    auto v = list(a, b, a, a);
    auto r = co_await aio::gather(v);
    print(show(r));
    a = ct("a", 9);
    auto g = aio::gather(re, a, a);
    co_await turns(2);
    g.cancel("twice");
    print(a.cancelling());
    co_await turns(3);
    print(gend(g), end(a));
  }
  {
    print("-- duplicates with an error");
    auto a = ct("a", 1, "error");
    auto g = aio::gather(re, a, a);
    auto& r = co_await g;
    print(fmt::format("['{}', '{}']", label(std::get<0>(r).error()),
                      label(std::get<1>(r).error())),
          std::get<0>(r).error() == std::get<1>(r).error());
  }
  {
    print("-- everything done, callback pending");
    auto f = loop.create_future<int>();
    auto g = aio::gather(f);
    auto w = aio::create_task(waiter(g));
    co_await turns(1);
    f.set_result(1);
    const bool c1 = g.cancel();
    const bool c2 = w.cancel("late");
    print(c1, c2);
    co_await turns(4);
    print(gend(g), end(w));
  }
  {
    print("-- child cancelled by others");
    auto a = ct("a", 9), b = ct("b", 4);
    auto g = aio::gather(a, b);
    auto w = aio::create_task(waiter(g));
    co_await turns(2);
    a.cancel("foreign");
    co_await turns(4);
    print(gend(g), end(w), end(b));
  }
  {
    print("-- child raises cancelled");
    auto a = ct("a", 1, "raise_cancelled"), b = ct("b", 3);
    auto w = aio::create_task(waiter(aio::gather(a, b)));
    co_await turns(8);
    print(end(w), end(a), end(b));
    a = ct("a", 1, "raise_cancelled"), b = ct("b", 3);
    w = aio::create_task(waiter(aio::gather(re, a, b)));
    co_await turns(8);
    print(end(w), end(a), end(b));
  }
  {
    print("-- first error, then the waiter is cancelled in the same turn");
    auto f = loop.create_future<int>();
    auto g = aio::gather(f);
    auto w = aio::create_task(waiter(g));
    co_await turns(1);
    f.set_exception(boom("first"));
    co_await turns(1);
    print(g.done(), w.done());
    w.cancel("late");
    co_await turns(3);
    print(end(w));
  }
  co_await turns(1);
  print(all(reports));
  {
    print("-- errors after the first are silent");
    auto a = ct("a", 1, "error"), b = ct("b", 2, "error"), c = ct("c", 3);
    auto g = aio::gather(a, b, c);
    auto w = aio::create_task(waiter(g));
    co_await turns(8);
    print(end(w), end(c));
  }
  co_await turns(1);
  print(all(reports));
  {
    print("-- errors of a cancelled gather that returns exceptions");
    auto a = ct("a", 9, "convert"), b = ct("b", 9);
    auto g = aio::gather(re, a, b);
    auto w = aio::create_task(waiter(g));
    co_await turns(2);
    w.cancel();
    co_await turns(4);
    print(end(w), gend(g));
  }
  co_await turns(1);
  print(all(reports));
  {
    print("-- a gather nobody waits for");
    auto a = ct("a", 1, "error");
    auto g = aio::gather(a);
    co_await turns(4);
    print(g.done(), g.cancel());
  }
  co_await turns(1);
  print(all(reports));
  {
    print("-- turns");
    auto f1 = loop.create_future<int>(), f2 = loop.create_future<int>();
    auto g = aio::gather(aio::gather(f1), f2);
    f1.add_done_callback([](auto&) { print("f1"); });
    f2.add_done_callback([](auto&) { print("f2"); });
    g.add_done_callback([](auto&) { print("g"); });
    f2.set_result(0);
    co_await turns(1);
    f1.set_result(0);
    for (int i = 0; i < 4; ++i) {
      print(i, g.done());
      co_await turns(1);
    }
    print("-- all done before");
    auto g3 = aio::gather(f1, f2, f1);
    print(g3.done(), show(g3.result()));
    auto x = loop.create_future<int>();
    x.cancel("x");
    auto g4 = aio::gather(x, f1);
    print(g4.done(), g4.cancelled(), gend(g4));
    auto g5 = aio::gather(re, x, f1);
    print(g5.done(), g5.cancelled(), label(std::get<0>(g5.result()).error()));
    auto g6 = aio::gather();
    print(g6.done(), "[]");
  }
}
AIO_TWIN(gather_cancelled) { aio::run(amain()); }
}  // namespace gather_cancelled
