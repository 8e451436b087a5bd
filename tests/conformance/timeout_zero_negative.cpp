// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace timeout_zero_negative {
using namespace conformance;

template <class Body>
aio::coro<> attempt(std::string what, aio::duration delay, Body body) {
  // What the scope says at the end of its block, with which it goes.
  bool expired = false;
  try {
    co_await aio::timeout(delay, [&](aio::timeout_scope& cm) -> aio::coro<> {
      const aio::detail::scope_exit end([&] { expired = cm.expired(); });
      co_await body();
      print(what, "body complete");
    });
    print(what, "no timeout, expired", expired);
  } catch (const aio::timeout_error&) {
    print(what, "timeout, expired", expired);
  }
}

aio::coro<> nothing() { co_return; }

aio::coro<> computes() {
  aio::queue<int> queue;
  queue.put_nowait(1);
  co_await queue.get();
  aio::lock lock;
  const auto held = co_await lock.scoped();
}

aio::coro<> amain() {
  const int delays[] = {0, -11};
  for (const int seconds : delays) {
    const std::chrono::seconds delay(seconds);
    const auto name = [&](std::string_view what) {
      return fmt::format("{} {}:", seconds, what);
    };
    co_await attempt(name("sleep"), delay, [] { return aio::sleep(60s); });
    co_await attempt(name("sleep zero"), delay, [] { return aio::sleep(0s); });
    co_await attempt(name("nothing"), delay, nothing);
    co_await attempt(name("computes"), delay, computes);
  }
  aio::event_loop& loop = aio::get_running_loop();
  bool expired = false;
  try {
    co_await aio::timeout_at(
        loop.time() - 1s, [&](aio::timeout_scope& cm) -> aio::coro<> {
          const aio::detail::scope_exit end([&] { expired = cm.expired(); });
          print("the body starts even when the deadline is over");
          co_await aio::sleep(0s);
          print("not reached");
        });
  } catch (const aio::timeout_error&) {
    print("timeout_at in the past: timeout, expired", expired);
  }
  co_await aio::sleep(0s);
  print("count", aio::current_task().cancelling());
}

AIO_TWIN(timeout_zero_negative) { aio::run(amain()); }

}  // namespace timeout_zero_negative
