// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace loop_call_soon_fifo {
using namespace conformance;

void cb(aio::event_loop& loop, std::string_view tag, int depth) {
  print("cb", tag, depth);
  if (depth > 0) loop.call_soon(cb, std::ref(loop), tag, depth - 1);
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  loop.call_soon(cb, std::ref(loop), "a", 2);
  const aio::handle dropped = loop.call_soon(cb, std::ref(loop), "dropped", 0);
  loop.call_soon(cb, std::ref(loop), "b", 0);
  loop.call_soon(cb, std::ref(loop), "c", 1);
  print("cancelled before", dropped.cancelled());
  dropped.cancel();
  dropped.cancel();
  print("cancelled after", dropped.cancelled());
  print("nothing ran yet");
  for (int turn = 0; turn < 4; ++turn) {
    co_await aio::sleep(0s);
    print("main turn", turn);
  }
}

AIO_TWIN(loop_call_soon_fifo) { aio::run(amain()); }

}  // namespace loop_call_soon_fifo
