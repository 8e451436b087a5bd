// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

#include <algorithm>

namespace wait_as_completed_more {
using namespace conformance;

using task = aio::task<std::string>;
using fut = aio::future<int>;

aio::coro<std::string> child(std::string name, int n, std::string how = "value") {
  try {
    co_await turns(n);
  } catch (const aio::cancelled_error&) {
    print(name, "cancelled");
    throw;
  }
  if (how == "error") throw boom(name);
  if (how == "cancel") throw aio::cancelled_error();
  co_return name;
}
std::string names(const std::vector<task>& s) {
  std::vector<std::string> v;
  for (auto& t : s) v.push_back(t.name());
  std::sort(v.begin(), v.end());
  return v.empty() ? "none" : fmt::format("{}", fmt::join(v, " "));
}
std::string all(std::vector<std::string>& r) {
  std::string s = "[";
  for (const auto& x : r) s += (s.size() > 1 ? ", '" : "'") + x + "'";
  r.clear();
  return s + "]";
}
task ct(std::string name, int n, std::string how = "value") {
  return aio::create_task(child(name, n, how), {.name = name});
}
aio::coro<int> waits(const std::vector<fut>& fs, enum aio::return_when mode,
                     aio::time_limit timeout = aio::no_limit) {
  aio::wait_options o;
  o.return_when = mode;
  o.timeout = timeout;
  const auto [d, p] = co_await aio::wait(fs, o);
  print(d.size(), p.size());
  co_return int(d.size());
}
template <class A>
aio::coro<> takes(std::string name, A aw) {
  try {
    auto r = co_await std::move(aw);
    if constexpr (requires { r.has_value(); }) {
      print(name, "got", r->result());
    } else {
      print(name, "got", r);
    }
  } catch (const aio::timeout_error&) {
    print(name, "timeout");
  } catch (const aio::cancelled_error&) {
    print(name, "cancelled");
  }
}
std::vector<fut> futures(int n) {
  std::vector<fut> v;
  for (int i = 0; i < n; ++i) v.push_back(aio::get_running_loop().create_future<int>());
  return v;
}
std::vector<aio::coro<int>> coros(aio::completed_sequence<fut>& s) {
  std::vector<aio::coro<int>> v;
  for (auto c : s) v.push_back(std::move(c));
  return v;
}
aio::coro<> thief(aio::coro<int> c) {
  co_await turns(1);
  co_await takes("thief", std::move(c));
}
aio::coro<> amain() {
  auto& loop = aio::get_running_loop();
  std::vector<std::string> reports;
  loop.set_exception_handler(
      [&](const aio::exception_context& c) { reports.push_back(label(c.exception)); });
  for (auto [mode, text] : {std::pair(aio::first_completed, "first"),
                            std::pair(aio::first_exception, "exception"),
                            std::pair(aio::all_completed, "all")}) {
    print("-- mode", text);
    {
      aio::wait_options o;
      o.return_when = mode;
      auto l1 =
          std::vector<task>{ct("a", 2, "cancel"), ct("b", 4, "error"), ct("c", 6)};
      {
        auto r = co_await aio::wait(l1, o);
        print(names(r.done), "|", names(r.pending));
        for (auto& t : r.pending) t.cancel();
      }
      l1.clear();
      co_await turns(8);
      l1 = std::vector<task>{ct("a", 2, "error"), ct("b", 2, "error"), ct("c", 3)};
      auto r = co_await aio::wait(l1, o);
      l1.clear();
      print(names(r.done), "|", names(r.pending));
      co_await turns(4);
    }
    std::sort(reports.begin(), reports.end());
    print(all(reports));
  }
  print("-- done in the turn of the wake-up");
  auto fs = futures(3);
  auto w = aio::create_task(waits(fs, aio::first_completed));
  co_await turns(1);
  fs[0].set_result(0);
  co_await turns(1);
  fs[1].set_result(0);
  co_await turns(1);
  print(end(w));

  print("-- the wait is cancelled as it ends");
  w = aio::create_task(waits(fs, aio::all_completed));
  co_await turns(1);
  fs[2].set_result(0);
  co_await turns(1);
  w.cancel();
  co_await turns(2);
  print(end(w));

  print("-- a limit of zero");
  fs[2] = loop.create_future<int>();
  std::vector<std::string> order;
  loop.call_soon([&] { order.push_back("soon"); });
  int n = co_await waits(fs, aio::all_completed, 0s);
  print(n, all(order));
  n = co_await waits(fs, aio::all_completed, -1s);
  fs[2].set_result(0);
  n = co_await waits(fs, aio::all_completed, 0s);

  print("-- turns of a wait for what is done");
  w = aio::create_task(waits(fs, aio::all_completed));
  for (int i = 0; i < 4; ++i) {
    print(i, w.done());
    co_await turns(1);
  }
  print("-- duplicates");
  {
    auto a = ct("a", 1);
    auto l = list(a, a, a);
    auto r = co_await aio::wait(l);
    print(r.done.size(), r.pending.size());
  }
  print("-- as_completed in several tasks");
  {
    auto f = futures(3);
    auto each = aio::as_completed(f);
    auto it = coros(each);
    auto t1 = aio::create_task(takes("t1", std::move(it[0])));
    auto t2 = aio::create_task(takes("t2", std::move(it[1])));
    auto t3 = aio::create_task(takes("t3", std::move(it[2])));
    co_await turns(1);
    f[2].set_result(2);
    co_await turns(1);
    t1.cancel();
    co_await turns(3);
    f[0].set_result(0);
    co_await turns(3);
    f[1].set_result(1);
    co_await turns(3);
    print(t1.done(), t2.done(), t3.done());
  }
  print("-- stolen");
  {
    auto f = futures(2);
    auto each = aio::as_completed(f);
    auto it = coros(each);
    auto t1 = aio::create_task(takes("t1", std::move(it[0])));
    co_await turns(1);
    auto t2 = aio::create_task(thief(std::move(it[1])));
    f[0].set_result(0);
    co_await turns(3);
    print(t1.done(), t2.done());
    f[1].set_result(1);
    co_await turns(3);
    print(t1.done(), t2.done());
  }
  print("-- errors and cancelled ones in the order of their ends");
  {
    std::vector<task> one{ct("x", 3, "error")};
    for (auto c : aio::as_completed(one)) {
      try {
        co_await std::move(c);
      } catch (const std::exception&) {
        print(label());
      }
    }
    auto ts = std::vector<task>{ct("p", 5), ct("q", 2, "error"), ct("r", 3, "cancel")};
    for (auto c : aio::as_completed(ts)) {
      try {
        auto r = co_await std::move(c);
        print("got", r);
      } catch (const aio::cancelled_error&) {
        print("cancelled");
      } catch (const std::exception&) {
        print(label());
      }
    }
    int seen = 0;
    ts.push_back(ts[1]);
    auto each = aio::as_completed(ts);
    while (auto t = co_await each.next()) ++seen;
    print(seen);
  }
  print("-- a limit that is over while some are done");
  auto f = futures(4);
  {
    f[1].set_result(1);
    loop.call_later(10ms, [&] { f[2].set_result(2); });
    loop.call_later(300ms, [f0 = f[0]] { f0.set_result(0); });
    aio::as_completed_options o;
    o.timeout = 100ms;
    for (auto c : aio::as_completed(f, o)) {
      try {
        auto r = co_await std::move(c);
        print("got", r);
      } catch (const aio::timeout_error&) {
        print("timeout");
      }
    }
    print(f[0].done(), f[1].done(), f[2].done(), f[3].done());
  }
  print("-- asked again after the limit");
  {
    aio::as_completed_options o;
    o.timeout = 20ms;
    auto l = list(f[3], f[1]);
    auto it = aio::as_completed(l, o);
    co_await aio::sleep(100ms);
    for (int i = 0; i < 3; ++i) {
      try {
        auto x = co_await it.next();
        if (x) {
          print("got", x->result());
        } else {
          print("end");
        }
      } catch (const aio::timeout_error&) {
        print("timeout");
      }
    }
  }
  print("-- next is cancelled, nothing is lost");
  {
    auto g = futures(2);
    auto it = aio::as_completed(g);
    auto a = aio::create_task(takes("a", it.next()));
    co_await turns(1);
    a.cancel();
    co_await turns(1);
    g[1].set_result(7);
    auto x = co_await it.next();
    print(x->result());
  }
}
AIO_TWIN(wait_as_completed_more) { aio::run(amain()); }
}  // namespace wait_as_completed_more
