// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace eager_groups {
using namespace conformance;

using task = aio::task<std::string>;
const aio::context_var<std::string> var{"var", "none"};

aio::coro<std::string> child(std::string name, int n, std::string how = "value") {
  print(name, "starts", var.get());
  var.set(name);
  try {
    co_await turns(n);
  } catch (const aio::cancelled_error&) {
    print(name, "cancelled");
    throw;
  }
  if (how == "error") throw boom(name);
  if (how == "self") aio::current_task().cancel();
  if (how == "cancelled") throw aio::cancelled_error();
  print(name, "ends", var.get());
  co_return name;
}
task ct(std::string name, int n, std::string how = "value") {
  return aio::create_task(child(name, n, how), {.name = name});
}
aio::coro<> selfcancel() {
  aio::current_task().cancel("self");
  try {
    co_await turns(1);
  } catch (const aio::cancelled_error& e) {
    print("cancelled", e.message());
    throw;
  }
}
aio::coro<std::string> outer() {
  print("outer");
  auto t = ct("inner", 1);
  print("outer again", end(t));
  co_return co_await t;
}
aio::coro<> amain() {
  auto& loop = aio::get_running_loop();
  aio::current_task().set_name("main");
  loop.set_task_factory(aio::eager_task_factory);
  print("-- ends at once");
  for (std::string how : {"value", "error", "self", "cancelled"}) {
    auto t = ct("a", 0, how);
    print(end(t), t.cancel(), t.cancelling(), aio::current_task().name() == "main",
          var.get());
    print(aio::all_tasks().size());
  }
  print("-- blocks, then is cancelled");
  auto t = ct("b", 2);
  print(end(t), aio::all_tasks().size());
  t.cancel();
  co_await turns(3);
  print(end(t));
  print("-- self cancel, then an await");
  t = ct("c", 0);
  auto v = aio::create_task(selfcancel());
  print(end(v));
  co_await turns(2);
  print(end(v));
  print("-- nested");
  t = aio::create_task(outer(), {.name = "outer"});
  print(end(t), aio::current_task().name());
  print(co_await t);
  print("-- a group of finished children");
  std::vector<std::string> order;
  loop.call_soon([&] { order.push_back("'turn'"); });
  task t1, t2;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    t1 = tg.create_task(child("t1", 0), {.name = "t1"});
    t2 = tg.create_task(child("t2", 0), {.name = "t2"});
    order.push_back("'body'");
    co_return;
  });
  order.push_back("'after'");
  print(fmt::format("[{}]", fmt::join(order, ", ")), end(t1), end(t2));
  print("-- a child that fails at once");
  task a, b;
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      a = tg.create_task(child("a", 3), {.name = "a"});
      b = tg.create_task(child("b", 0, "error"), {.name = "b"});
      print("count", aio::current_task().cancelling(), end(b));
      try {
        tg.create_task(child("c", 0), {.name = "c"});
      } catch (const aio::usage_error&) {
        print("refused", label());
      }
      try {
        co_await turns(1);
        print("not cancelled");
      } catch (const aio::cancelled_error&) {
        print("body cancelled");
        throw;
      }
    });
  } catch (const aio::exception_group&) {
    print(label(), end(a), aio::current_task().cancelling());
  }
  print("-- it fails at once, the body ends");
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      tg.create_task(child("b", 0, "error"), {.name = "b"});
      co_return;
    });
  } catch (const aio::exception_group&) {
    print(label(), aio::current_task().cancelling());
  }
  co_await turns(1);
  print("-- gather");
  {
    auto g = aio::gather(child("x", 0), child("y", 0));
    const bool done = g.done();
    const auto [x, y] = co_await g;
    print(done, fmt::format("['{}', '{}']", x, y));
    auto g2 = aio::gather(child("x", 0, "error"), child("y", 1));
    print(g2.done(), label(g2.exception()));
    auto g3 =
        aio::gather(aio::return_exceptions, child("x", 0, "error"), child("y", 0));
    print(g3.done());
    co_await turns(2);
  }
  print("-- wait_for, shield, wait, as_completed");
  print(co_await aio::wait_for(child("w", 0), 0s));
  auto s = aio::shield(child("s", 0));
  const bool sd = s.done();
  print(sd, co_await s);
  {
    std::vector<task> l{ct("p", 0), ct("q", 1)};
    aio::wait_options o;
    o.return_when = aio::first_completed;
    auto r = co_await aio::wait(l, o);
    print(r.done.size(), r.pending.size());
    co_await turns(2);
    std::vector<aio::coro<std::string>> e;
    e.push_back(child("e", 0));
    for (auto c : aio::as_completed(std::move(e))) {
      const auto x = co_await std::move(c);
      print(x);
    }
  }
  print("-- callbacks of a finished one, and its waiter");
  t = ct("z", 0);
  t.add_done_callback([](const task& z) { print("callback", z.result(), var.get()); });
  print(co_await t);
  print("after the await");
  co_await turns(1);
  print("-- not while the loop stands");
  loop.set_task_factory(nullptr);
}
aio::coro<> early() {
  print("runs");
  co_return;
}
AIO_TWIN(eager_groups) {
  aio::run(amain());
  aio::event_loop loop;
  loop.set_task_factory(aio::eager_task_factory);
  auto t = loop.create_task(early(), {.name = "early"});
  print("created", end(t));
  loop.run_until_complete(t);
  print(end(t));
  loop.close();
}
}  // namespace eager_groups
