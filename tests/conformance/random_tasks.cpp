// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace random_tasks {
using namespace conformance;

using fut = aio::future<int>;
using task = aio::task<int>;

constexpr int N = 5;

struct world {
  aio::event_loop& loop = aio::get_running_loop();
  std::vector<fut> F;
  std::vector<task> W;

  std::string settle(rng& r) {
    const std::size_t k = std::size_t(r(4));
    const int how = r(6);
    if (F[k].done()) {
      F[k] = loop.create_future<int>();
      return fmt::format("new {}", k);
    }
    if (how < 3) {
      F[k].set_result(r(100));
    } else if (how == 3) {
      F[k].set_exception(boom(fmt::format("e{}", r(10))));
    } else if (how == 4) {
      F[k].cancel(fmt::format("f{}", r(10)));
    } else {
      F[k].cancel();
    }
    return fmt::format("settle {} {}", k, how);
  }
  fut f(rng& r) { return F[std::size_t(r(4))]; }

  aio::coro<std::string> one(int i, rng& r, int op, int depth) {
    constexpr auto re = aio::return_exceptions;
    if (op == 0) {
      co_await aio::sleep(0s);
      co_return "slept";
    }
    if (op == 1) {
      fut x = f(r);
      const int v = co_await x;
      co_return fmt::format("fut {}", v);
    }
    if (op == 2) {
      auto x = aio::shield(f(r));
      const int v = co_await x;
      co_return fmt::format("shield {}", v);
    }
    const int j = i + 1 + r(N);
    fut target = j < N ? fut(W[std::size_t(j)]) : f(r);
    if (op == 3) {
      const int v = co_await target;
      co_return fmt::format("task {}", v);
    }
    if (op == 4) {
      fut a = f(r);
      fut b = f(r);
      std::vector<fut> v{a, target, b};
      auto g = aio::gather(v);
      v.clear();
      auto x = co_await g;
      co_return fmt::format("gather {}", fmt::join(x, " "));
    }
    if (op == 5) {
      std::vector<fut> v{f(r), target};
      auto g = aio::gather(re, v);
      v.clear();
      auto& x = co_await g;
      std::string s = "gather";
      for (auto& one : x)
        s += " " +
             (one.has_value() ? fmt::format("{}", one.value()) : label(one.error()));
      co_return s;
    }
    if (op == 6) {
      aio::wait_options o;
      const int m = r(3);
      o.return_when = m == 0   ? aio::first_completed
                      : m == 1 ? aio::first_exception
                               : aio::all_completed;
      fut a = f(r);
      fut b = f(r);
      std::vector<fut> v{a, target, b};
      auto x = co_await aio::wait(v, o);
      std::string s;
      for (auto& one : v)
        s += std::find(x.done.begin(), x.done.end(), one) != x.done.end() ? " 1" : " 0";
      co_return fmt::format("wait {} {}{}", x.done.size(), x.pending.size(), s);
    }
    if (op == 7) co_return settle(r);
    if (op == 8) {
      const int k = r(N);
      auto& w = W[std::size_t(k)];
      const bool ok = w.cancel(fmt::format("c{}", i));
      co_return fmt::format("cancel {} {} {}", k, int(ok), w.cancelling());
    }
    if (op == 9) {
      const int k = r(N);
      co_return fmt::format("uncancel {} {}", k, W[std::size_t(k)].uncancel());
    }
    if (op == 10) {
      auto x = aio::shield(target);
      const int v = co_await x;
      co_return fmt::format("shield task {}", v);
    }
    if (op == 11) {
      const int v = co_await aio::wait_for(target, aio::no_limit);
      co_return fmt::format("wait_for {}", v);
    }
    if (op == 12) {
      std::vector<fut> v{target, f(r)};
      auto x = aio::shield(aio::gather(v));
      v.clear();
      auto& y = co_await x;
      co_return fmt::format("shield gather {}", y.size());
    }
    if (op == 13) {
      if (depth < 2) {
        const int v = co_await body(i, r, depth + 1);
        co_return fmt::format("child {}", v);
      }
      co_return "deep";
    }
    if (op == 14) {
      int n = 0;
      std::vector<fut> v{target, target};
      auto each = aio::as_completed(v);
      v.clear();
      for (;;) {
        auto x = co_await each.next();
        if (!x) break;
        ++n;
        print(i, "next", end(*x));
        if (r(3) == 0) break;
      }
      co_return fmt::format("each {}", n);
    }
    if (op == 15) {
      fut a = f(r);
      const bool r1 = r(2);
      fut b = f(r);
      const bool r2 = r(2);
      const auto go = [&](auto g) -> aio::coro<std::string> {
        if (r(2)) co_return fmt::format("gcancel {}", int(g.cancel("g")));
        g.add_done_callback([i](auto& x) { print(i, "gather done", x.cancelled()); });
        co_await g;
        co_return "gg 2";
      };
      if (r1) {
        auto in = aio::gather(re, a, target);
        if (r2) {
          auto s = co_await go(aio::gather(re, in, b));
          co_return s;
        }
        auto s = co_await go(aio::gather(in, b));
        co_return s;
      }
      auto in = aio::gather(a, target);
      if (r2) {
        auto s = co_await go(aio::gather(re, in, b));
        co_return s;
      }
      auto s = co_await go(aio::gather(in, b));
      co_return s;
    }
    if (op == 16) {
      fut x = f(r);
      const int v = co_await aio::wait_for(x, 0s);
      co_return fmt::format("wait_for 0 {}", v);
    }
    f(r).add_done_callback([i](const fut& x) { print(i, "callback", end(x)); });
    co_return "added";
  }

  aio::coro<int> body(int i, rng& r, int depth) {
    const int n = 3 + r(4);
    for (int step = 0; step < n; ++step) {
      const int op = r(18);
      try {
        const std::string x = co_await one(i, r, op, depth);
        print(i, depth, step, op, x);
      } catch (const aio::cancelled_error&) {
        print(i, depth, step, op, "cancelled");
        const int how = r(4);
        if (how == 0) throw;
        if (how == 1) aio::current_task().uncancel();
      } catch (const std::exception&) {
        print(i, depth, step, op, label());
        if (r(4) == 0) throw;
      }
    }
    if (r(6) == 0) throw boom(fmt::format("end{}", i));
    co_return r(50);
  }
  aio::coro<int> start(int i, std::uint64_t seed) {
    rng r(seed);
    const int v = co_await body(i, r, 0);
    co_return v;
  }
};

std::string join(const std::vector<task>& w, bool counts = false) {
  std::vector<std::string> v;
  for (auto& t : w)
    v.push_back(counts ? fmt::format("{}:{}", end(t), t.cancelling()) : end(t));
  return fmt::format("{}", fmt::join(v, " "));
}

aio::coro<> program(std::uint64_t seed) {
  world w;
  w.loop.set_exception_handler(
      [](const aio::exception_context& c) { print("report", label(c.exception)); });
  for (int i = 0; i < 4; ++i) w.F.push_back(w.loop.create_future<int>());
  for (int i = 0; i < N; ++i)
    w.W.push_back(aio::create_task(w.start(i, seed * 97 + std::uint64_t(i))));
  rng r(seed);
  for (int turn = 0; turn < 25; ++turn) {
    const int what = r(6);
    if (what < 2) {
      print("main", w.settle(r));
    } else if (what == 2) {
      const int j = r(N);
      const std::string m = r(2) ? fmt::format("m{}", turn) : "";
      print("main cancel", j, w.W[std::size_t(j)].cancel(m));
    } else if (what == 3 && r(3) == 0) {
      const int j = r(N);
      print("main uncancel", j, w.W[std::size_t(j)].uncancel());
    }
    print("turn", turn, join(w.W));
    co_await aio::sleep(0s);
  }
  for (int i = 0; i < 30; ++i) {
    if (std::all_of(w.W.begin(), w.W.end(), [](auto& t) { return t.done(); })) break;
    for (auto& f : w.F) f.cancel("final");
    for (auto& t : w.W) t.cancel("final");
    for (auto& f : w.F) f = w.loop.create_future<int>();
    co_await turns(3);
  }
  print("end", join(w.W, true));
  w.F.clear();
  w.W.clear();
  co_await turns(1);
}
AIO_TWIN(random_tasks) {
  for (int s = 0; s < 12; ++s) {
    print("== seed", s);
    aio::run(program(std::uint64_t(s)));
  }
}
}  // namespace random_tasks
