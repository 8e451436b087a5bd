// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace random_sync {
using namespace conformance;

using task = aio::task<int>;
constexpr int N = 6;

struct world {
  aio::lock lock;
  aio::semaphore sem{2};
  aio::bounded_semaphore bsem{1};
  aio::condition cond;
  aio::event ev;
  aio::queue<int> q{2};
  aio::priority_queue<int> pq{1};
  aio::barrier bar{3};
  int x = 0, n = 0;
  std::vector<task> W;

  std::string show() {
    return fmt::format("{} {} {} {} {} {} {} {} {}", int(lock.locked()),
                       int(sem.locked()), int(bsem.locked()), int(cond.locked()),
                       int(ev.is_set()), q.qsize(), pq.qsize(), bar.n_waiting(),
                       int(bar.broken()));
  }
  template <class T>
  aio::coro<std::string> hold(int i, rng& r, std::string what, T& thing) {
    co_await aio::with(thing, [&]() -> aio::coro<> {
      print(i, "in", what);
      co_await turns(r(3));
      if (r(5) == 0) throw boom("inside");
    });
    co_return "out";
  }
  int next() {
    ++n;
    return (n * 7) % 10 * 100 + n;
  }
  aio::coro<std::string> one(int i, rng& r, int op) {
    int nothing = 0;
    if (op == 0) {
      co_await turns(1);
      co_return "slept";
    }
    if (op == 1) {
      auto s = co_await hold(i, r, "lock", lock);
      co_return s;
    }
    if (op == 2) {
      auto s = co_await hold(i, r, "sem", sem);
      co_return s;
    }
    if (op == 3) {
      auto s = co_await hold(i, r, "bsem", bsem);
      co_return s;
    }
    if (op == 4) {
      co_await aio::with(cond, [&]() -> aio::coro<> {
        print(i, "cond");
        if (r(2)) {
          co_await cond.wait();
        } else {
          const int at = x;
          co_await cond.wait_for([this, at] { return x > at; });
        }
        print(i, "notified", cond.locked());
        co_await turns(r(2));
      });
      co_return "cond out";
    }
    if (op == 5) {
      co_await aio::with(cond, [&]() -> aio::coro<> {
        x += r(2);
        if (r(3) == 0) {
          cond.notify_all();
        } else {
          cond.notify(std::size_t(r(3)));
        }
        co_await turns(r(2));
      });
      co_return "notify";
    }
    if (op == 6) {
      co_await ev.wait();
      co_return "event";
    }
    if (op == 7) {
      ev.set();
      if (r(2)) ev.clear();
      co_return "set";
    }
    if (op == 8) {
      ev.clear();
      co_return "clear";
    }
    if (op == 9 || op == 10) {
      const int k = r(2);
      const int v = next();
      if (k) {
        co_await pq.put(v);
      } else {
        co_await q.put(v);
      }
      co_return fmt::format("put {} {}", k, v);
    }
    if (op == 11 || op == 12) {
      const int k = r(2);
      int v = 0;
      if (k) {
        v = co_await pq.get();
      } else {
        v = co_await q.get();
      }
      co_return fmt::format("get {} {}", k, v);
    }
    if (op == 13) {
      const int k = r(2);
      if (r(2))
        co_return fmt::format("get_nowait {} {}", k,
                              k ? pq.get_nowait() : q.get_nowait());
      const int v = next();
      if (k) {
        pq.put_nowait(v);
      } else {
        q.put_nowait(v);
      }
      co_return fmt::format("put_nowait {} {}", k, v);
    }
    if (op == 14) {
      const auto v = co_await bar.wait();
      co_return fmt::format("barrier {}", v);
    }
    if (op == 15) {
      const int k = r(8);
      if (k == 0) {
        co_await bar.abort();
        co_return "abort";
      }
      if (k < 3) {
        co_await bar.reset();
        co_return "reset";
      }
      co_return "no";
    }
    if (op == 16) {
      const int j = r(N);
      co_return fmt::format("cancel {} {}", j,
                            int(W[std::size_t(j)].cancel(fmt::format("c{}", i))));
    }
    if (op == 17) {
      const int k = r(2);
      if (r(2)) {
        if (k) {
          co_await pq.join();
        } else {
          co_await q.join();
        }
        co_return fmt::format("joined {}", k);
      }
      if (k) {
        pq.task_done();
      } else {
        q.task_done();
      }
      co_return fmt::format("task_done {}", k);
    }
    if (op == 18) {
      if (r(8) == 0) {
        const int k = r(2);
        const int m = r(2);
        if (k && m) pq.shutdown(aio::immediate);
        if (k && !m) pq.shutdown();
        if (!k && m) q.shutdown(aio::immediate);
        if (!k && !m) q.shutdown();
        co_return fmt::format("shutdown {} {}", k, m);
      }
      co_return "no";
    }
    if (op == 19) {
      if (r(2)) {
        sem.release();
        co_return "sem released";
      }
      co_await sem.acquire();
      co_return "sem acquired";
    }
    if (r(2)) {
      bsem.release();
      co_return "bsem released";
    }
    lock.release();
    static_cast<void>(nothing);
    co_return "lock released";
  }
  aio::coro<int> body(int i, std::uint64_t seed) {
    rng r(seed);
    const int m = 4 + r(6);
    for (int step = 0; step < m; ++step) {
      const int op = r(21);
      try {
        const std::string s = co_await one(i, r, op);
        print(i, step, op, s);
      } catch (const aio::cancelled_error&) {
        print(i, step, op, "cancelled");
        if (r(5) == 0) throw;
      } catch (const std::exception&) {
        print(i, step, op, label());
      }
    }
    co_return i;
  }
};
std::string join(const std::vector<task>& w) {
  std::vector<std::string> v;
  for (auto& t : w) v.push_back(end(t));
  return fmt::format("{}", fmt::join(v, " "));
}
aio::coro<> program(std::uint64_t seed) {
  world w;
  rng r(seed);
  for (int i = 0; i < N; ++i)
    w.W.push_back(aio::create_task(w.body(i, seed * 97 + std::uint64_t(i))));
  for (int turn = 0; turn < 40; ++turn) {
    const int what = r(8);
    if (what == 0) {
      const int j = r(N);
      const std::string m = r(2) ? fmt::format("m{}", turn) : "";
      print("main cancel", j, w.W[std::size_t(j)].cancel(m));
    } else if (what == 1) {
      w.ev.set();
    }
    print("turn", turn, w.show());
    co_await aio::sleep(0s);
  }
  for (int i = 0; i < 30; ++i) {
    if (std::all_of(w.W.begin(), w.W.end(), [](auto& t) { return t.done(); })) break;
    for (auto& t : w.W) t.cancel("final");
    co_await turns(3);
  }
  print("end", join(w.W), w.show());
}
AIO_TWIN(random_sync) {
  for (int s = 0; s < 12; ++s) {
    print("== seed", s);
    aio::run(program(std::uint64_t(s)));
  }
}
}  // namespace random_sync
