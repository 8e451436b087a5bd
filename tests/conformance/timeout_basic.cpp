// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace timeout_basic {
using namespace conformance;

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  // What the scope says at the end of its block, with which it goes.
  bool expired = false;
  try {
    co_await aio::timeout(10ms, [&](aio::timeout_scope& cm) -> aio::coro<> {
      const aio::detail::scope_exit end([&] { expired = cm.expired(); });
      const aio::detail::scope_exit at_last([] { print("block finally"); });
      try {
        co_await aio::sleep(60s);
      } catch (const aio::cancelled_error&) {
        print("inside the block: cancelled, expired", cm.expired());
        throw;
      }
    });
  } catch (const aio::timeout_error&) {
    print("outside: timeout, expired", expired);
  }
  print("count", aio::current_task().cancelling());

  co_await aio::timeout(60s, [&](aio::timeout_scope& cm) -> aio::coro<> {
    const aio::detail::scope_exit end([&] { expired = cm.expired(); });
    co_await aio::sleep(10ms);
  });
  print("in time: expired", expired);

  bool never = false;
  co_await aio::timeout(aio::no_limit, [&](aio::timeout_scope& cm) -> aio::coro<> {
    const aio::detail::scope_exit end([&] {
      expired = cm.expired();
      never = !cm.when();
    });
    co_await aio::sleep(10ms);
  });
  print("no limit: expired", expired, "when is none", never);

  const aio::time_point deadline = loop.time() + 10ms;
  try {
    co_await aio::timeout_at(deadline, [&](aio::timeout_scope& cm) -> aio::coro<> {
      print("when is the deadline", cm.when() == deadline);
      co_await aio::sleep(60s);
    });
  } catch (const aio::timeout_error&) {
    print("timeout_at: timeout");
  }

  // a foreign error passes unchanged
  try {
    co_await aio::timeout(60s, [&](aio::timeout_scope& cm) -> aio::coro<> {
      const aio::detail::scope_exit end([&] { expired = cm.expired(); });
      throw key_error("");
      co_return;
    });
  } catch (const key_error&) {
    print("key_error passes, expired", expired);
  }

  // nothing is left behind
  co_await aio::sleep(50ms);
  print("main goes on");
}

AIO_TWIN(timeout_basic) { aio::run(amain()); }

}  // namespace timeout_basic
