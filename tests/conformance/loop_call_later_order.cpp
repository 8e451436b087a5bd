// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace loop_call_later_order {
using namespace conformance;

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  const aio::future<std::string> finished = loop.create_future<std::string>();
  const aio::time_point base = loop.time();

  aio::timer_handle never;
  std::function<void(std::string_view)> say = [&](std::string_view what) {
    print("timer", what);
    if (what == "50") {
      never.cancel();
      loop.call_soon(say, "soon from 50");
    }
  };

  loop.call_at(base + 250ms, [finished] { finished.set_result("finished"); });
  loop.call_at(base + 150ms, say, "150");
  loop.call_at(base + 50ms, say, "50");
  never = loop.call_at(base + 200ms, say, "never");
  aio::timer_handle dead = loop.call_later(10ms, say, "dead");
  loop.call_later(0s, say, "zero");
  loop.call_later(-5s, say, "negative");
  const aio::time_point when = base + 100ms;
  const aio::timer_handle handle = loop.call_at(when, say, "100");
  loop.call_soon(say, "soon");
  print("when is the given time", handle.when() == when);
  dead.cancel();
  print("dead cancelled", dead.cancelled(), "100 cancelled", handle.cancelled());
  print(co_await finished);
  print("clock went on", loop.time() > base);
  print("never cancelled", never.cancelled());
}

AIO_TWIN(loop_call_later_order) { aio::run(amain()); }

}  // namespace loop_call_later_order
