// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace eager_basic {
using namespace conformance;

const aio::context_var<std::string> var{"var", "default"};

aio::coro<std::string> immediate(const aio::any_task& main_task, std::string tag) {
  print(tag, "runs at once, in the task of main", aio::current_task() == main_task);
  var.set(tag);
  co_return tag;
}

aio::coro<std::string> waits(std::string tag, aio::future<int> fut) {
  print(tag, "first step");
  const int value = co_await fut;
  print(tag, "second step with", value);
  co_return tag;
}

aio::coro<> fails() {
  throw key_error("");
  co_return;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  const aio::any_task main_task = aio::current_task();
  loop.set_task_factory(aio::eager_task_factory);

  const aio::task<std::string> a = aio::create_task(immediate(main_task, "a"));
  print("create_task returned, done", a.done(), "main is current again",
        aio::current_task() == main_task);
  print("result", a.result(), "context untouched:", var.get());
  a.add_done_callback([](const aio::task<std::string>&) {
    print("callback of a finished task comes later");
  });
  print("callback added");
  co_await aio::sleep(0s);

  aio::future<int> f = loop.create_future<int>();
  const aio::task<std::string> w = aio::create_task(waits("w", f));
  print("blocked in its first step, done", w.done());
  f.set_result(1);
  print("set_result does not run it");
  print(co_await w);

  // an error is kept in the task
  const aio::task<> failed = aio::create_task(fails());
  print("failed at once", label(failed.exception()) == "key_error");

  // gather of what finishes at once needs no turn
  loop.call_soon([] { print("callback: a turn was given away"); });
  const auto [x, y] =
      co_await aio::gather(immediate(main_task, "x"), immediate(main_task, "y"));
  print(x, y);

  // a done future is passed without a stop
  f = loop.create_future<int>();
  f.set_result(2);
  print("done", aio::create_task(waits("d", f)).done());

  // back to the usual way
  loop.set_task_factory(nullptr);
  const aio::task<std::string> late = aio::create_task(immediate(main_task, "late"));
  print("lazy again, done", late.done());
  co_await late;
}

AIO_TWIN(eager_basic) { aio::run(amain()); }

}  // namespace eager_basic
