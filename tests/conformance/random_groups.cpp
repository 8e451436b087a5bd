// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace random_groups {
using namespace conformance;

using task = aio::task<>;

struct world {
  std::uint64_t seed = 0;
  aio::event_loop& loop = aio::get_running_loop();
  std::vector<std::shared_ptr<aio::timeout_scope>> scopes;
  std::vector<std::shared_ptr<aio::task_group>> groups;
  std::vector<task> tasks;
  int ids = 0;
  int name() { return ++ids; }

  task& any(rng& r) { return tasks[std::size_t(r(int(tasks.size())))]; }

  void reschedule(std::string who, rng& r) {
    auto& s = scopes[std::size_t(r(int(scopes.size())))];
    try {
      s->reschedule(loop.time() - 1s);
      print(who, "rescheduled");
    } catch (const aio::usage_error&) {
      print(who, label());
    }
  }

  aio::coro<> leaf(int me, rng& r) {
    std::exception_ptr cancelled;
    try {
      co_await turns(r(5));
      const int how = r(8);
      if (how == 0) throw boom(fmt::format("b{}", me));
      if (how == 1) throw aio::cancelled_error(fmt::format("own{}", me));
      if (how == 2) aio::current_task().cancel(fmt::format("self{}", me));
      if (how == 3 && !tasks.empty()) {
        print(me, "cancels", any(r).cancel(fmt::format("by{}", me)));
      }
      if (how == 4 && !scopes.empty()) reschedule(fmt::format("{}", me), r);
    } catch (const aio::cancelled_error&) {
      print(me, "leaf cancelled");
      cancelled = std::current_exception();
    }
    if (cancelled) {
      const int how = r(6);
      if (how == 0) co_return;
      if (how == 1) throw boom(fmt::format("conv{}", me));
      if (how == 2) co_await turns(r(4));
      if (how == 3) print(me, "uncancel", aio::current_task().uncancel());
      std::rethrow_exception(cancelled);
    }
  }
  aio::coro<> start(int me, int depth) {
    rng r(seed * 1000 + std::uint64_t(me));
    co_await node(me, r, depth);
  }
  aio::coro<> inner(int me, rng& r, int depth, int op) {
    if (op < 3) {
      auto g = std::make_shared<aio::task_group>();
      co_await aio::with(*g, [&](aio::task_group&) -> aio::coro<> {
        groups.push_back(g);
        const int k = 1 + r(3);
        for (int i = 0; i < k; ++i) {
          auto t = g->create_task(start(name(), depth - 1));
          tasks.push_back(t);
        }
        if (r(2)) co_await node(name(), r, depth - 1);
      });
    } else if (op < 5) {
      auto s = std::make_shared<aio::timeout_scope>(std::nullopt);
      co_await aio::with(*s, [&](aio::timeout_scope&) -> aio::coro<> {
        scopes.push_back(s);
        co_await node(name(), r, depth - 1);
      });
    } else if (op == 5) {
      co_await aio::wait_for(node(name(), r, depth - 1), aio::no_limit);
    } else if (op == 6) {
      std::vector<task> ts;
      for (int i = 0; i < 2; ++i) {
        auto t = aio::create_task(start(name(), depth - 1));
        tasks.push_back(t);
        ts.push_back(t);
      }
      if (r(2)) {
        co_await aio::gather(ts);
      } else {
        co_await aio::shield(aio::gather(aio::return_exceptions, ts));
      }
    } else if (op == 7) {
      if (!groups.empty()) {
        const int n = name();
        auto g = groups[std::size_t(r(int(groups.size())))];
        tasks.push_back(g->create_task(start(n, depth - 1)));
        print(me, "added");
      }
    } else {
      co_await leaf(me, r);
    }
  }
  aio::coro<> node(int me, rng& r, int depth) {
    const int op = depth ? r(9) : 8;
    print(me, "op", op);
    bool failed = false;
    try {
      co_await inner(me, r, depth, op);
      print(me, "ok", aio::current_task().cancelling());
    } catch (const aio::cancelled_error&) {
      print(me, "cancelled", aio::current_task().cancelling());
      if (r(6) == 0) co_return;
      throw;
    } catch (...) {
      print(me, label(), aio::current_task().cancelling());
      if (r(3) == 0) throw;
      failed = true;
    }
    if (failed) co_await turns(r(2));
    if (r(4) == 0) co_await turns(1);
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
  w.seed = seed;
  rng r(seed);
  for (int i = 0; i < 2; ++i) w.tasks.push_back(aio::create_task(w.start(w.name(), 4)));
  for (int turn = 0; turn < 30; ++turn) {
    const int what = r(6);
    if (what == 0) {
      const int j = r(int(w.tasks.size()));
      print("main cancels", j,
            w.tasks[std::size_t(j)].cancel(fmt::format("m{}", turn)));
    } else if (what == 1 && !w.scopes.empty()) {
      w.reschedule("main", r);
    }
    print("turn", turn, join(w.tasks));
    co_await turns(1);
  }
  for (int i = 0; i < 20; ++i) {
    if (std::all_of(w.tasks.begin(), w.tasks.end(), [](auto& t) { return t.done(); }))
      break;
    const auto copy = w.tasks;
    for (auto& t : copy) t.cancel("final");
    co_await turns(6);
  }
  std::vector<int> ex;
  for (auto& s : w.scopes) ex.push_back(s->expired());
  print("end", join(w.tasks, true), fmt::format("{}", fmt::join(ex, " ")));
}
AIO_TWIN(random_groups) {
  for (int s = 0; s < 12; ++s) {
    print("== seed", s);
    aio::run(program(std::uint64_t(s)));
  }
}
}  // namespace random_groups
