// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace context_tasks {
using namespace conformance;

const aio::context_var<std::string> var{"var", "default"};

aio::coro<std::string> child(std::string tag) {
  std::vector<std::string> seen = {var.get()};
  var.set(tag);
  co_await aio::sleep(0s);
  seen.push_back(var.get());
  co_return tag + ": " + words(seen);
}

aio::coro<> set_inline() {
  var.set("set by a plain await");
  co_return;
}

aio::coro<> nested(int depth) {
  if (depth > 0) {
    var.set(var.get() + std::to_string(depth));
    co_await aio::create_task(nested(depth - 1));
    co_return;
  }
  print("deep down", var.get());
}

aio::coro<> amain() {
  print("at the beginning", var.get());
  var.set("parent");
  const aio::task<std::string> a = aio::create_task(child("a"));
  // the copy is made when the task is created, not when it starts
  var.set("changed after create");
  const aio::task<std::string> b = aio::create_task(child("b"));
  print(co_await a);
  print(co_await b);
  print("children do not change the parent:", var.get());
  co_await set_inline();
  print("a plain await does:", var.get());
  const auto [c, d] = co_await aio::gather(child("c"), child("d"));
  print(c + "; " + d);
  print("after gather:", var.get());

  aio::task<std::string> t;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    t = tg.create_task(child("e"));
    co_return;
  });
  print(t.result());

  var.set("v");
  co_await nested(3);
  print("up here", var.get());

  const auto token = var.set("temporary");
  const std::string between = var.get();
  var.reset(token);
  print(between, "reset to", var.get());
  const std::string shielded = co_await aio::shield(child("f"));
  print(shielded);
}

AIO_TWIN(context_tasks) {
  aio::run(amain());
  print("outside", var.get());
}

}  // namespace context_tasks
