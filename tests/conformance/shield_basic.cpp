// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace shield_basic {
using namespace conformance;

aio::coro<std::string> save(std::string tag, bool fails = false) {
  try {
    for (int i = 0; i < 4; ++i) co_await aio::sleep(0s);
  } catch (const aio::cancelled_error&) {
    print(tag, "save cancelled");
    throw;
  }
  if (fails) throw value_error("");
  print(tag, "saved");
  co_return tag;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  print("result passes:", co_await aio::shield(save("one")));
  try {
    co_await aio::shield(save("bad", true));
  } catch (const value_error&) {
    print("error passes: value_error");
  }

  // cancelled from outside: the caller leaves, the work goes on
  auto inner = aio::create_task(save("two"));

  const auto caller = [&]() -> aio::coro<> {
    try {
      co_await aio::shield(inner);
    } catch (const aio::cancelled_error&) {
      print("caller cancelled, inner done", inner.done());
      throw;
    }
  };

  auto c = aio::create_task(caller);
  co_await aio::sleep(0s);
  c.cancel();
  co_await aio::wait(std::views::single(c));
  print("caller over, waiting for the work:", co_await inner);

  // cancelled from inside: the caller is told
  inner = aio::create_task(save("three"));
  c = aio::create_task(caller);
  co_await aio::sleep(0s);
  inner.cancel();
  co_await aio::wait(std::views::single(c));
  print("caller cancelled", c.cancelled(), "cancelling", c.cancelling());

  // cancelling the shield future itself
  const auto f = loop.create_future<int>();
  const auto outer = aio::shield(f);
  const bool stopped = outer.cancel();
  print("outer cancel", stopped, "inner cancelled", f.cancelled());
  f.set_result(1);
  co_await aio::sleep(0s);
  print("inner result", f.result());
  print("done things are passed through:", aio::shield(f) == f);
}

AIO_TWIN(shield_basic) { aio::run(amain()); }

}  // namespace shield_basic
