// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace timeout_reschedule {
using namespace conformance;

void attempt(std::string_view what, aio::timeout_scope& cm, aio::time_point deadline) {
  try {
    cm.reschedule(deadline);
    print(what, "rescheduled");
  } catch (const aio::usage_error&) {
    print(what, "runtime_error");
  }
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();

  aio::timeout_scope longer = aio::timeout(50ms);
  aio::time_point deadline;
  co_await aio::with(longer, [&](aio::timeout_scope& cm) -> aio::coro<> {
    deadline = loop.time() + 60s;
    attempt("longer:", cm, deadline);
    print("when moved", cm.when() == deadline);
    co_await aio::sleep(100ms);
    print("survived the first deadline");
    cm.reschedule(aio::no_limit);
    print("when none", !cm.when());
  });
  attempt("finished:", longer, deadline);
  print("expired", longer.expired());

  aio::timeout_scope sooner = aio::timeout(aio::no_limit);
  try {
    co_await aio::with(sooner, [&](aio::timeout_scope& cm) -> aio::coro<> {
      cm.reschedule(loop.time() + 10ms);
      co_await aio::sleep(60s);
    });
  } catch (const aio::timeout_error&) {
    print("sooner: timeout");
  }
  attempt("expired:", sooner, deadline);

  aio::timeout_scope fresh = aio::timeout(1s);
  attempt("not entered:", fresh, deadline);

  aio::timeout_scope swallowed = aio::timeout(10ms);
  co_await aio::with(swallowed, [&](aio::timeout_scope& cm) -> aio::coro<> {
    try {
      co_await aio::sleep(60s);
    } catch (const aio::cancelled_error&) {
      attempt("expiring:", cm, deadline);
    }
  });
  print("a swallowed cancel: no timeout, expired", swallowed.expired());

  // moved by another task while the block waits
  const auto box = loop.create_future<aio::timeout_scope*>();

  const auto guarded = [&]() -> aio::coro<> {
    try {
      co_await aio::timeout(60s, [&](aio::timeout_scope& cm) -> aio::coro<> {
        box.set_result(&cm);
        co_await aio::sleep(60s);
      });
    } catch (const aio::timeout_error&) {
      print("guarded: timeout, set by the other task");
    }
  };

  const aio::task<> task = aio::create_task(guarded);
  (co_await box)->reschedule(loop.time() + 10ms);
  co_await task;
}

AIO_TWIN(timeout_reschedule) { aio::run(amain()); }

}  // namespace timeout_reschedule
