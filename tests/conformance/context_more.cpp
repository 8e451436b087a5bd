// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"
#include "twin_tools.hpp"

namespace context_more {
using namespace conformance;

const aio::context_var<std::string> var{"var", "default"};
const aio::context_var<std::string> bare{"bare"};

aio::coro<> fails(std::string value) {
  var.set(value);
  throw boom(value);
  co_return;
}
aio::coro<> stubborn() {
  var.set("leftover");
  try {
    co_await aio::sleep(60s);
  } catch (...) {
  }
  throw boom("leftover");
}
aio::coro<> third() {
  print("third", var.get());
  co_return;
}
aio::coro<> sets(std::string v) {
  print("was", var.get());
  var.set(v);
  co_await turns(1);
  print("is", var.get());
}
aio::coro<std::string> threads() {
  var.set("for the thread");
  print(co_await aio::to_thread([] {
    auto s = var.get();
    var.set("in thread");
    return s;
  }));
  auto f = aio::get_running_loop().run_in_executor([] { return var.get(); });
  print(co_await f);
  co_return var.get();
}
aio::async_generator<std::string> gen() {
  for (int i = 0; i < 3; ++i) {
    var.set(fmt::format("gen {}", i));
    co_yield var.get();
    print("again", var.get());
  }
}
aio::coro<> cleans() {
  var.set("mine");
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    print("clean-up", var.get());
    throw;
  }
}
aio::coro<> shows(std::string what) {
  print(what, var.get());
  var.set(what);
  co_return;
}
aio::coro<> amain() {
  auto& loop = aio::get_running_loop();
  loop.set_exception_handler([](const aio::exception_context& c) {
    print("handler sees", var.get(), label(c.exception));
  });
  var.set("main");
  print("-- a task nobody asks");
  {
    auto t = aio::create_task(fails("task"));
    co_await turns(2);
    t = {};
    co_await turns(1);
  }
  print("-- a callback");
  const auto cb = [] {
    var.set("callback");
    throw boom("cb");
  };
  loop.call_soon(cb);
  co_await turns(1);
  auto f = loop.create_future<int>();
  f.add_done_callback([](auto&) {
    var.set("done");
    throw boom("done");
  });
  f.set_result(1);
  co_await turns(1);
  loop.call_later(1ms, cb);
  co_await aio::sleep(20ms);
  print("main has", var.get());
  print("-- a future nobody asks");
  f = loop.create_future<int>();
  f.set_exception(boom("future"));
  var.set("dropper");
  f = {};
  co_await turns(1);
  print("-- callbacks see the context of their registration");
  f = loop.create_future<int>();
  for (std::string v : {"one", "two"}) {
    var.set(v);
    f.add_done_callback([v](auto&) { print("callback", v, var.get()); });
  }
  var.set("three");
  f.set_result(0);
  co_await turns(1);
  print("-- nested callbacks inherit");
  const auto second = [] {
    print("second", var.get());
    aio::create_task(third());
    var.set("second later");
  };
  loop.call_soon([&] {
    var.set("first");
    loop.call_soon(second);
    var.set("first later");
  });
  co_await turns(4);
  print("main has", var.get());
  print("-- two tasks share a context");
  auto ctx = aio::copy_context();
  auto a = aio::create_task(sets("a"), {.context = ctx});
  auto b = aio::create_task(sets("b"), {.context = ctx});
  co_await aio::gather(a, b);
  print(var.get(), ctx[var]);
  print("-- threads");
  print(co_await threads());
  print("-- generators run in the context of the one who asks");
  auto g = gen();
  while (auto x = co_await g.next()) {
    print(*x, var.get());
    var.set("asked");
  }
  print(var.get());
  print("-- cancel: clean-up in the context of the task");
  auto t = aio::create_task(cleans());
  co_await turns(1);
  var.set("canceller");
  t.cancel();
  co_await turns(2);
  print("-- wait_for, timeout and gather");
  co_await aio::wait_for(shows("wait_for"), 1s);
  print(var.get());
  co_await aio::gather(shows("gather"));
  print(var.get());
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    tg.create_task(shows("group"));
    var.set("body");
    co_return;
  });
  print(var.get());
  co_await shows("await");
  print(var.get());
  print("-- set, reset, run");
  auto t1 = var.set("x");
  auto t2 = var.set("y");
  var.reset(t2);
  print(var.get());
  var.reset(t1);
  print(var.get());
  try {
    var.reset(t1);
  } catch (const std::exception&) {
    print("used twice");
  }
  try {
    bare.get();
  } catch (const key_error&) {
    print("no value");
  }
  print(bare.get("otherwise"));
  auto tb = bare.set("v");
  bare.reset(tb);
  print(bare.get("gone"));
  aio::context empty;
  print(empty.run([] { return var.get(); }),
        empty.run([] { return bare.get("nothing"); }));
  empty.run([] { var.set("inside"); });
  print(empty[var], var.get());
  auto copy = empty.copy();
  copy.run([] { var.set("copied"); });
  print(empty[var], copy[var]);
  auto other = aio::copy_context().run([] { return var.set("z"); });
  try {
    var.reset(other);
    print("reset with a token of another context");
  } catch (const value_error&) {
    print("another context");
  }
  ctx = aio::copy_context();
  try {
    ctx.run([&] { ctx.run([] { print("entered twice"); }); });
  } catch (const aio::usage_error&) {
    print("entered already");
  }
  auto left = aio::create_task(stubborn());
  co_await turns(1);
}
AIO_TWIN(context_more) { aio::run(amain()); }
}  // namespace context_more
