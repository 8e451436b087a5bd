// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace tg_nested_cancel {
using namespace conformance;

struct spec {
  spec(std::string name_, int n_, std::string how_ = "value", int cleanup_ = 0)
      : name(name_), n(n_), how(how_), cleanup(cleanup_) {}
  std::string name;
  int n;
  std::string how;
  int cleanup;
};
using specs = std::vector<spec>;

aio::coro<> child(spec s) {
  std::exception_ptr cancelled;
  try {
    co_await turns(s.n);
  } catch (const aio::cancelled_error& e) {
    print(s.name, "cancelled", message_of(e));
    cancelled = std::current_exception();
  }
  if (cancelled) {
    co_await turns(s.cleanup);
    if (s.how == "late") throw boom(s.name + " late");
    if (s.how == "swallow") co_return;
    std::rethrow_exception(cancelled);
  }
  if (s.how == "error") throw boom(s.name);
  if (s.how == "cancelled") throw aio::cancelled_error();
}
aio::coro<> outcome(std::string name, std::function<aio::coro<>()> fn) {
  const auto t = aio::current_task();
  std::string r;
  try {
    co_await fn();
    r = "ok";
  } catch (const aio::cancelled_error& e) {
    r = "cancelled " + message_of(e);
  } catch (...) {
    r = label();
  }
  print(name, "->", r, "count", t.cancelling());
  try {
    co_await turns(1);
    print(name, "goes on");
  } catch (const aio::cancelled_error& e) {
    print(name, "next await cancelled", message_of(e));
  }
  while (t.cancelling()) t.uncancel();
}
aio::coro<> simple(specs s, int body, std::exception_ptr body_error = nullptr,
                   std::string then = "") {
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    for (auto& one : s) tg.create_task(child(one));
    try {
      co_await turns(body);
    } catch (const aio::cancelled_error& e) {
      print("body cancelled", message_of(e));
      if (then == "swallow") co_return;
      if (then == "convert") throw boom("body");
      throw;
    }
    if (body_error) std::rethrow_exception(body_error);
  });
}
aio::coro<> nested(specs inner, specs outer) {
  co_await aio::with(aio::task_group{}, [&](aio::task_group& o) -> aio::coro<> {
    for (auto& one : outer) o.create_task(child(one));
    try {
      co_await aio::with(aio::task_group{}, [&](aio::task_group& i) -> aio::coro<> {
        for (auto& one : inner) i.create_task(child(one));
        co_await turns(9);
      });
    } catch (...) {
      print("inner", label(), aio::current_task().cancelling());
      throw;
    }
    co_await turns(9);
  });
}
using cancels = std::vector<std::pair<int, std::string>>;
aio::coro<> run(std::string name, cancels c, std::function<aio::coro<>()> fn) {
  print("--", name);
  auto t = aio::create_task(outcome(name, fn));
  for (auto& [n, msg] : c) {
    co_await turns(n);
    t.cancel(msg);
  }
  co_await t;
}
aio::coro<> run_simple(std::string name, cancels c, specs s, int body = 0,
                       std::exception_ptr e = nullptr, std::string then = "") {
  std::function<aio::coro<>()> fn = [=] { return simple(s, body, e, then); };
  co_await run(name, c, fn);
}
aio::coro<> run_nested(std::string name, cancels c, specs i, specs o) {
  std::function<aio::coro<>()> fn = [=] { return nested(i, o); };
  co_await run(name, c, fn);
}
aio::coro<> adds(std::vector<int>& log, aio::task_group& tg, int n) {
  co_await turns(1);
  log.push_back(n);
  if (n) tg.create_task(adds(log, tg, n - 1));
}
aio::coro<> adds_late(aio::task_group& tg) {
  try {
    co_await turns(20);
  } catch (const aio::cancelled_error&) {
    try {
      tg.create_task(turns(1));
    } catch (const aio::usage_error&) {
      print("refused:", label());
    }
    throw;
  }
}
aio::coro<> awaits(aio::task<> t) {
  try {
    co_await t;
  } catch (const aio::cancelled_error&) {
    print("awaiter cancelled");
    throw;
  }
}
template <class... T>
specs sp(T... t) {
  specs v;
  (v.push_back(t), ...);
  return v;
}
cancels cs() { return {}; }
template <class... T>
cancels cs(T... t) {
  cancels v;
  (v.push_back(t), ...);
  return v;
}
std::pair<int, std::string> at(int n, std::string m) { return {n, m}; }

aio::coro<> amain() {
  const auto bb = std::make_exception_ptr(boom("body"));
  const auto bc = std::make_exception_ptr(aio::cancelled_error("own"));
  std::exception_ptr no;
  co_await run_simple("ok", cs(), sp(spec("a", 1), spec("b", 2)), 0);
  co_await run_simple("error in body wait", cs(),
                      sp(spec("a", 1, "error"), spec("b", 9)), 20);
  co_await run_simple("error at the end", cs(), sp(spec("a", 3, "error"), spec("b", 9)),
                      0);
  co_await run_simple("two errors, one turn", cs(),
                      sp(spec("a", 2, "error"), spec("b", 2, "error"), spec("c", 9)),
                      20);
  co_await run_simple("last child fails at the end", cs(), sp(spec("a", 3, "error")),
                      0);
  co_await run_simple("body swallows", cs(), sp(spec("a", 1, "error")), 20, no,
                      "swallow");
  co_await run_simple("body converts", cs(),
                      sp(spec("a", 1, "error"), spec("b", 9, "late")), 20, no,
                      "convert");
  co_await run_simple("body error", cs(), sp(spec("a", 9), spec("b", 9, "late", 2)), 2,
                      bb);
  co_await run_simple("body raises cancelled", cs(),
                      sp(spec("a", 9), spec("b", 9, "swallow", 2)), 2, bc);
  co_await run_simple("child cancels itself", cs(),
                      sp(spec("a", 1, "cancelled"), spec("b", 3)), 2);
  for (int n = 1; n < 7; ++n) {
    auto s = sp(spec("a", 2, "error"), spec("b", 20, "value", 2));
    auto c = cs(at(n, "out"));
    co_await run_simple(fmt::format("outside cancel at {}, child fails at 2", n), c, s,
                        20);
    co_await run_simple(
        fmt::format("outside cancel at {}, child fails at 2, at the end", n), c, s, 0);
  }
  co_await run_simple("cancelled twice", cs(at(3, "one"), at(1, "two")),
                      sp(spec("b", 20, "value", 3)), 20);
  co_await run_simple("cancelled twice in a turn", cs(at(3, "one"), at(0, "two")),
                      sp(spec("b", 20, "value", 3)), 0);
  co_await run_simple("cancelled, late error", cs(at(3, "one"), at(1, "two")),
                      sp(spec("b", 20, "late", 3)), 0);
  co_await run_simple("cancelled, body swallows", cs(at(3, "one")),
                      sp(spec("b", 5, "value")), 20, no, "swallow");
  co_await run_nested("nested inner fails", cs(), sp(spec("a", 2, "error")),
                      sp(spec("b", 20)));
  co_await run_nested("nested outer fails", cs(), sp(spec("a", 20, "value", 2)),
                      sp(spec("b", 2, "error")));
  co_await run_nested("nested both fail", cs(), sp(spec("a", 2, "error")),
                      sp(spec("b", 2, "error")));
  co_await run_nested("nested both fail, outer first", cs(),
                      sp(spec("a", 3, "error"), spec("a2", 20, "value", 3)),
                      sp(spec("b", 2, "error")));
  co_await run_nested("nested inner first", cs(),
                      sp(spec("a", 2, "error"), spec("a2", 20, "value", 3)),
                      sp(spec("b", 4, "error")));
  for (int n = 1; n < 8; ++n) {
    co_await run_nested(fmt::format("nested, cancel at {}", n), cs(at(n, "out")),
                        sp(spec("a", 3, "error"), spec("a2", 20, "value", 2)),
                        sp(spec("b", 20, "late", 1)));
  }
  print("-- misuse");
  {
    aio::task_group tg;
    try {
      tg.create_task(turns(1));
    } catch (const aio::usage_error&) {
      print("before:", label());
    }
    co_await aio::with(tg, []() -> aio::coro<> { co_return; });
    try {
      tg.create_task(turns(1));
    } catch (const aio::usage_error&) {
      print("after:", label());
    }
    try {
      co_await aio::with(tg, []() -> aio::coro<> { co_return; });
    } catch (const aio::usage_error&) {
      print("again:", label());
    }
  }
  print("-- children that add children while the group ends");
  std::vector<int> log;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    tg.create_task(adds(log, tg, 3));
    co_return;
  });
  print(fmt::format("[{}]", fmt::join(log, ", ")));
  print("-- a child adds a child while the group shuts down");
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      tg.create_task(adds_late(tg));
      tg.create_task(child(spec("x", 1, "error")));
      co_return;
    });
  } catch (const aio::exception_group&) {
    print(label());
  }
  print("-- a child that awaits a sibling");
  aio::task<> a, b;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    a = tg.create_task(child(spec("a", 9)));
    b = tg.create_task(awaits(a));
    co_await turns(2);
    a.cancel("by hand");
  });
  print(end(a), end(b));
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      a = tg.create_task(child(spec("a", 2, "error")));
      b = tg.create_task(awaits(a));
      co_return;
    });
  } catch (const aio::exception_group&) {
    print(label(), end(b));
  }
}
AIO_TWIN(tg_nested_cancel) { aio::run(amain()); }
}  // namespace tg_nested_cancel
