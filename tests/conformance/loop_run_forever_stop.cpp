// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace loop_run_forever_stop {
using namespace conformance;

aio::coro<int> answer(int n) {
  co_await aio::sleep(0s);
  co_return n * 2;
}

AIO_TWIN(loop_run_forever_stop) {
  aio::event_loop loop;
  print("fresh: running", loop.is_running(), "closed", loop.is_closed());

  const auto step = [&](std::string_view tag) {
    print("step", tag, "running", loop.is_running());
  };
  const auto stopper = [&] {
    print("stop requested");
    loop.stop();
    loop.call_soon(step, "scheduled after stop()");
    print("stop() returned at once");
  };

  loop.call_soon(step, "before");
  loop.call_soon(stopper);
  loop.call_soon(step, "same turn, after the stopper");
  loop.run_forever();
  print("run_forever returned, running", loop.is_running());

  loop.stop();
  loop.call_soon(step, "second run");
  loop.run_forever();
  print("a stop() before run_forever lets one turn run");

  print("run_until_complete", loop.run_until_complete(answer(4)));
  print("run_until_complete", loop.run_until_complete(answer(21)));
  loop.close();
  loop.close();
  print("closed", loop.is_closed());
  for (const std::string_view what : {"call_soon", "run_forever"}) {
    try {
      if (what == "call_soon") {
        loop.call_soon(step, "x");
      } else {
        loop.run_forever();
      }
    } catch (const aio::usage_error&) {
      print(what, "on a closed loop:", label());
    }
  }
}

}  // namespace loop_run_forever_stop
