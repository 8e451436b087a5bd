// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace asyncgen_leftovers {
using namespace conformance;

using strings = std::vector<std::string>;
using numbers = aio::async_generator<int>;

numbers gen(strings& log, int n, std::string how = "plain") {
  std::exception_ptr error;
  try {
    for (int i = 0; i < n; ++i) {
      co_await turns(1);
      std::exception_ptr exit;
      try {
        co_yield i;
      } catch (const aio::generator_exit&) {
        exit = std::current_exception();
      }
      if (exit) {
        log.push_back("'exit'");
        co_await turns(2);
        log.push_back("'cleaned'");
        if (how == "error") throw boom("in exit");
        if (how == "again") co_yield 99;
        std::rethrow_exception(exit);
      }
    }
    if (how == "fail") throw boom("at the end");
  } catch (...) {
    error = std::current_exception();
  }
  log.push_back("'finally'");
  if (error) std::rethrow_exception(error);
}
aio::coro<> nothing(numbers& g) {
  auto x = co_await g.next();
  print(x ? "something" : "nothing");
}
std::string show(const strings& l) { return fmt::format("[{}]", fmt::join(l, ", ")); }

aio::coro<> consume(numbers& g) {
  try {
    while (auto x = co_await g.next()) print("got", *x);
  } catch (const aio::cancelled_error&) {
    print("consumer cancelled");
    throw;
  }
}
aio::coro<> amain() {
  strings log;
  print("-- to the end");
  auto g = gen(log, 2);
  while (auto x = co_await g.next()) print(*x);
  co_await nothing(g);
  co_await g.aclose();
  print(show(log));
  for (std::string how : {"plain", "error"}) {
    print("-- closed", how);
    log.clear();
    g = gen(log, 5, how);
    auto x = co_await g.next();
    print(*x);
    try {
      co_await g.aclose();
    } catch (const std::exception&) {
      print(label());
    }
    print(show(log));
    if (how == "plain") {
      co_await nothing(g);
      co_await g.aclose();
    }
  }
  print("-- closed before it began");
  log.clear();
  g = gen(log, 2);
  co_await g.aclose();
  co_await nothing(g);
  print(show(log));
  print("-- error");
  g = gen(log, 1, "fail");
  try {
    while (auto x = co_await g.next()) print(*x);
  } catch (const boom&) {
    print(label());
  }
  co_await nothing(g);
  print("-- cancelled inside");
  log.clear();
  g = gen(log, 5);
  auto t = aio::create_task(consume(g));
  co_await turns(4);
  t.cancel();
  co_await turns(2);
  print(end(t), show(log));
  co_await nothing(g);
  print("-- two at once");
  log.clear();
  g = gen(log, 5);
  t = aio::create_task(consume(g));
  co_await turns(1);
  try {
    co_await g.next();
  } catch (const aio::usage_error&) {
    print(label());
  }
  try {
    co_await g.aclose();
  } catch (const aio::usage_error&) {
    print(label());
  }
  t.cancel();
  co_await turns(3);
  print(end(t));
  print("-- a limit on one item");
  g = gen(log, 5);
  try {
    co_await aio::wait_for(g.next(), 0s);
  } catch (const aio::timeout_error&) {
    print("timeout");
  }
}

aio::coro<> late() {
  print("late task runs");
  co_return;
}
aio::coro<std::string> leftover(std::string name, std::string how) {
  std::exception_ptr error;
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    error = std::current_exception();
  }
  print(name, "cancelled");
  if (how == "error") throw boom(name);
  if (how == "value") co_return name;
  if (how == "slow") {
    co_await turns(5);
    print(name, "slow end");
  }
  if (how == "twice") {
    try {
      co_await aio::sleep(10ms);
      print(name, "not cancelled again");
    } catch (const aio::cancelled_error&) {
      print(name, "cancelled again");
    }
  }
  if (how == "new") aio::create_task(late());
  std::rethrow_exception(error);
}
aio::coro<std::string> start(std::string how, std::string result = "result",
                             std::exception_ptr error = nullptr) {
  aio::get_running_loop().set_exception_handler(
      [](const aio::exception_context& c) { print("report", label(c.exception)); });
  auto t = aio::create_task(leftover(how, how));
  co_await turns(1);
  if (error) std::rethrow_exception(error);
  co_return result;
}
AIO_TWIN(asyncgen_leftovers) {
  aio::run(amain());
  for (std::string how : {"plain", "error", "value", "slow", "twice", "new"}) {
    print("--", how);
    print(aio::run(start(how)));
    for (auto e : {std::make_exception_ptr(boom("main")),
                   std::make_exception_ptr(aio::cancelled_error())}) {
      try {
        aio::run(start(how, "", e));
      } catch (...) {
        print(label());
      }
    }
  }
  print("-- runner");
  aio::runner r;
  print(r.run(start("value")));
  print(r.run(start("slow", "second")));
  print(aio::detail::all_tasks(r.get_loop().core()).size());
  r.close();
  try {
    r.run(turns(1));
  } catch (const aio::usage_error&) {
    print(label());
  }
  try {
    r.get_loop();
  } catch (const aio::usage_error&) {
    print(label());
  }
}
}  // namespace asyncgen_leftovers
