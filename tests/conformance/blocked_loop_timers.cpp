// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

#include <thread>

namespace blocked_loop_timers {
using namespace conformance;

using strings = std::vector<std::string>;
std::string all(strings& r) {
  std::string s = "[";
  for (const auto& x : r) {
    if (s.size() > 1) s += ", ";
    const bool raw = (x[0] >= '0' && x[0] <= '9') || x[0] == '(';
    s += raw ? x : "'" + x + "'";
  }
  r.clear();
  return s + "]";
}
void block(std::chrono::milliseconds d) { std::this_thread::sleep_for(d); }

aio::coro<> limited(strings& log, std::chrono::milliseconds delay,
                    std::chrono::milliseconds limit) {
  auto scope = aio::timeout(limit);
  try {
    co_await aio::with(scope, [&](aio::timeout_scope&) -> aio::coro<> {
      co_await aio::sleep(delay);
      log.push_back("slept");
    });
  } catch (const aio::timeout_error&) {
    log.push_back("timeout");
  }
  log.push_back(scope.expired() ? "1" : "0");
}
aio::coro<> wf(strings& log, aio::future<std::string> f) {
  try {
    log.push_back(co_await aio::wait_for(f, 10ms));
  } catch (const aio::timeout_error&) {
    log.push_back("timeout");
  }
}
aio::coro<> w(strings& log, aio::future<int> f) {
  aio::wait_options o;
  o.timeout = 10ms;
  std::vector<aio::future<int>> one{f};
  const auto r = co_await aio::wait(one, o);
  log.push_back(fmt::format("({}, {})", r.done.size(), r.pending.size()));
}
aio::coro<> sleeper(strings& log) {
  try {
    co_await aio::sleep(10ms);
    log.push_back("woke");
  } catch (const aio::cancelled_error&) {
    log.push_back("cancelled");
    throw;
  }
}
aio::coro<> plain_sleep() { co_await aio::sleep(10ms); }

aio::coro<> amain() {
  auto& loop = aio::get_running_loop();
  strings log;
  const auto add = [&](std::string s) { return [&log, s] { log.push_back(s); }; };
  {
    print("-- a sleeper and a timer due in one turn");
    auto t = aio::create_task(plain_sleep());
    t.add_done_callback([&](auto&) { log.push_back("sleeper done"); });
    co_await turns(1);
    loop.call_later(20ms, add("timer"));
    block(50ms);
    co_await turns(5);
    print(all(log));
  }
  print("-- timers are seen in the turn after the block");
  loop.call_later(10ms, add("timer"));
  block(20ms);
  for (int i = 0; i < 3; ++i) {
    log.push_back(fmt::format("{}", i));
    co_await turns(1);
  }
  co_await aio::sleep(30ms);
  print(all(log));
  {
    print("-- the limit comes after the sleep, both are over");
    auto t = aio::create_task(limited(log, 10ms, 20ms));
    co_await turns(1);
    block(50ms);
    co_await t;
    print(all(log));
  }
  print("-- a limit over before the first await that gives way");
  for (int n = 1; n < 5; ++n) {
    try {
      co_await aio::timeout(5ms, [&]() -> aio::coro<> {
        block(10ms);
        for (int i = 0; i < n; ++i) {
          log.push_back(fmt::format("{}", i));
          co_await turns(1);
        }
      });
    } catch (const aio::timeout_error&) {
      log.push_back("timeout");
    }
    print(n, all(log));
  }
  {
    print("-- wait_for of a done future, a turn and a block");
    auto f = loop.create_future<std::string>();
    auto t = aio::create_task(wf(log, f));
    co_await turns(1);
    f.set_result("value");
    block(30ms);
    co_await t;
    print(all(log), f.done() ? "True" : "False");
  }
  {
    print("-- the result comes in the turn in which the limit is seen");
    auto f = loop.create_future<std::string>();
    auto t = aio::create_task(wf(log, f));
    co_await turns(1);
    loop.call_later(5ms, [f] { f.set_result("value"); });
    block(30ms);
    co_await t;
    print(all(log), f.done() ? "True" : "False");
  }
  {
    auto f = loop.create_future<std::string>();
    auto t = aio::create_task(wf(log, f));
    co_await turns(1);
    loop.call_later(20ms, [f] {
      if (!f.done()) f.set_result("value");
    });
    block(40ms);
    co_await t;
    print(all(log), f.cancelled() ? "True" : "False");
  }
  {
    print("-- wait: the limit and the end in one turn");
    auto f = loop.create_future<int>();
    auto t = aio::create_task(w(log, f));
    co_await turns(1);
    loop.call_later(20ms, [f] { f.set_result(1); });
    block(40ms);
    co_await t;
    print(all(log));
  }
  {
    print("-- sleeper cancelled by a timer of the same turn");
    auto t = aio::create_task(sleeper(log));
    co_await turns(1);
    loop.call_later(20ms, [t] { t.cancel(); });
    block(40ms);
    co_await turns(4);
    print(all(log), end(t));
  }
  print("-- nested limits after a block");
  for (auto [outer, inner] :
       {std::pair(10ms, 20ms), std::pair(20ms, 10ms), std::pair(20ms, 5000ms)}) {
    auto o = aio::timeout(outer);
    std::optional<aio::timeout_scope> i;
    try {
      co_await aio::with(o, [&]() -> aio::coro<> {
        bool caught = false;
        i.emplace(aio::timeout(inner));
        try {
          co_await aio::with(*i, [&]() -> aio::coro<> {
            block(40ms);
            co_await aio::sleep(1s);
          });
        } catch (const aio::timeout_error&) {
          caught = true;
        }
        if (caught) {
          log.push_back("inner");
          co_await turns(2);
          log.push_back("after");
        }
      });
    } catch (const aio::timeout_error&) {
      log.push_back("outer");
    }
    const std::string l = all(log);
    print(l, o.expired(), i->expired(), aio::current_task().cancelling());
  }
  print("-- call_at in the past goes behind what is ready");
  loop.call_at(loop.time() - 1s, add("past"));
  loop.call_soon(add("soon"));
  loop.call_later(0s, add("zero"));
  loop.call_at(loop.time() - 2s, add("long past"));
  co_await turns(3);
  print(all(log));

  print("-- timers by deadline, cancelled by one another");
  std::vector<aio::timer_handle> hs;
  loop.call_later(10ms, [&] {
    log.push_back("a");
    hs[0].cancel();
    loop.call_soon(add("a2"));
  });
  hs.push_back(loop.call_later(20ms, add("b")));
  loop.call_later(30ms, add("c"));
  block(50ms);
  co_await turns(3);
  print(all(log));
}
AIO_TWIN(blocked_loop_timers) { aio::run(amain()); }
}  // namespace blocked_loop_timers
