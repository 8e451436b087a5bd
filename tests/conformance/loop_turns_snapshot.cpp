// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace loop_turns_snapshot {
using namespace conformance;

using words_said = std::vector<std::string>;

void again(words_said& log, const std::string& tag, int left) {
  log.push_back(tag);
  if (left > 0) aio::get_running_loop().call_soon(again, std::ref(log), tag, left - 1);
}

aio::coro<> spinner(words_said& log, std::string tag, int turns) {
  for (int i = 0; i < turns; ++i) {
    log.push_back(tag);
    co_await aio::sleep(0s);
  }
  log.push_back(tag + "!");
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  words_said log;

  // a turn runs only what was ready when it began: everything interleaves
  loop.call_soon(again, std::ref(log), "x", 4);
  const aio::task<> t1 = loop.create_task(spinner(log, "s", 3));
  loop.call_soon(again, std::ref(log), "y", 1);
  const aio::task<> t2 = loop.create_task(spinner(log, "t", 2));
  for (int turn = 0; turn < 6; ++turn) {
    co_await aio::sleep(0s);
    print("turn", turn, words(log), "done", t1.done(), t2.done());
    log.clear();
  }
  co_await t1;
  co_await t2;

  // sleep(0) and a negative sleep give way for exactly one turn
  words_said order;
  loop.call_soon([&] { order.push_back("cb"); });
  co_await aio::sleep(-1s);
  order.push_back("main");
  loop.call_soon([&] { order.push_back("cb2"); });
  const std::string value = co_await aio::sleep(0s, "value");
  order.push_back(value);
  print(words(order));
}

AIO_TWIN(loop_turns_snapshot) { aio::run(amain()); }

}  // namespace loop_turns_snapshot
