// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace context_callbacks {
using namespace conformance;

const aio::context_var<std::string> var{"var", "default"};

void show(std::string_view what) { print(what, "sees", var.get()); }

aio::coro<> task_body() {
  var.set("in the task");
  co_return;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();

  // every callback runs in a copy of the context, made when it was registered
  var.set("one");
  loop.call_soon(show, "call_soon");
  aio::future<> future = loop.create_future();
  future.add_done_callback([](const aio::future<>&) { show("done callback"); });
  var.set("two");
  print("main has", var.get());
  co_await aio::sleep(0s);
  future.set_result();
  co_await aio::sleep(0s);

  // a context given by hand
  const aio::context ctx = aio::copy_context();
  ctx.run([] { var.set("in ctx"); });
  loop.call_soon({.context = ctx}, show, "call_soon with context");
  future = loop.create_future();
  future.add_done_callback(
      [](const aio::future<>&) { show("done callback with context"); },
      {.context = ctx});
  future.set_result();
  co_await aio::sleep(0s);
  aio::event finished;
  const aio::time_point base = loop.time();
  loop.call_at(base + 10ms, show, "timer");
  loop.call_at({.context = ctx}, base + 20ms, show, "timer with context");
  loop.call_at(base + 30ms, [&] { finished.set(); });
  var.set("three");
  co_await finished.wait();

  // a callback that changes the variable changes it for its context
  loop.call_soon({.context = ctx}, [] { var.set("changed by a callback"); });
  co_await aio::sleep(0s);
  print("ctx has", ctx[var], "- main has", var.get());
  loop.call_soon([] { var.set("changed in a copy"); });
  co_await aio::sleep(0s);
  print("main has", var.get());

  // the done callback of a task runs in the context of the one who added it
  const aio::task<> t = aio::create_task(task_body());
  t.add_done_callback([](const aio::task<>&) { show("task done callback"); });
  co_await t;
  co_await aio::sleep(0s);
}

AIO_TWIN(context_callbacks) { aio::run(amain()); }

}  // namespace context_callbacks
