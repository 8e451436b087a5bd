// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace task_done_callbacks {
using namespace conformance;

using task = aio::task<std::string>;

aio::coro<std::string> work(std::string kind) {
  print(kind, "begins");
  co_await aio::sleep(0s);
  print(kind, "about to finish");
  if (kind == "fails") throw key_error(kind);
  co_return kind;
}

std::string outcome(const task& t) {
  if (t.cancelled()) return "cancelled";
  if (t.exception()) return "key_error";
  return "result " + t.result();
}

aio::coro<> parent(task of) {
  try {
    co_await of;
    print("parent resumed");
  } catch (const key_error&) {
    print("parent caught key_error");
  } catch (const aio::cancelled_error&) {
    print("parent caught cancelled");
  }
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  for (const std::string_view kind : {"returns", "fails", "is cancelled"}) {
    const task one = aio::create_task(work(std::string(kind)));
    one.add_done_callback([](const task& t) { print("first callback:", outcome(t)); });
    const aio::task<> p = aio::create_task(parent(one));
    co_await aio::sleep(0s);
    // the parent waits already: it is woken before this callback runs
    one.add_done_callback([](const task& t) { print("second callback:", outcome(t)); });
    if (kind == "is cancelled") print("cancel", one.cancel());
    while (!one.done()) co_await aio::sleep(0s);
    print("main sees done");
    loop.call_soon([] { print("soon after done"); });
    co_await p;
  }
}

AIO_TWIN(task_done_callbacks) { aio::run(amain()); }

}  // namespace task_done_callbacks
