// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace timeout_nested {
using namespace conformance;

aio::coro<> nested(aio::time_limit outer_delay, aio::time_limit inner_delay) {
  // What the scopes say at the end of their blocks, with which they go.
  bool outer_expired = false;
  bool inner_expired = false;
  try {
    co_await aio::timeout(outer_delay, [&](aio::timeout_scope& outer) -> aio::coro<> {
      const aio::detail::scope_exit outer_ends(
          [&] { outer_expired = outer.expired(); });
      try {
        co_await aio::timeout(inner_delay,
                              [&](aio::timeout_scope& inner) -> aio::coro<> {
                                const aio::detail::scope_exit inner_ends(
                                    [&] { inner_expired = inner.expired(); });
                                co_await aio::sleep(60s);
                              });
      } catch (const aio::timeout_error&) {
        print("inner: timeout");
      } catch (const aio::cancelled_error&) {
        print("inner: cancelled");
        throw;
      }
      print("between inner and outer");
      co_await aio::sleep(0s);
    });
  } catch (const aio::timeout_error&) {
    print("outer: timeout");
  }
  print("expired: outer", outer_expired, "inner", inner_expired);
}

aio::coro<> with_slow_cleanup() {
  std::exception_ptr left_with;
  try {
    co_await aio::sleep(60s);
  } catch (...) {
    left_with = std::current_exception();
  }
  try {
    co_await aio::timeout(10ms, [] { return aio::sleep(60s); });
  } catch (const aio::timeout_error&) {
    print("cleanup gave up: timeout");
  }
  if (left_with) std::rethrow_exception(left_with);
}

aio::coro<> amain() {
  print("inner first");
  co_await nested(60s, 10ms);
  print("outer first");
  co_await nested(10ms, 60s);
  print("no inner limit");
  co_await nested(10ms, aio::no_limit);

  // a timeout inside the cleanup of another one
  try {
    co_await aio::timeout(10ms, with_slow_cleanup);
  } catch (const aio::timeout_error&) {
    print("and then the block: timeout");
  }

  // one after the other in a loop
  for (int i = 0; i < 3; ++i) {
    try {
      co_await aio::timeout(10ms, [&] { return aio::sleep(i % 2 == 0 ? 60s : 0s); });
      print("round", i, "in time");
    } catch (const aio::timeout_error&) {
      print("round", i, "timeout");
    }
  }
  print("count", aio::current_task().cancelling());
}

AIO_TWIN(timeout_nested) { aio::run(amain()); }

}  // namespace timeout_nested
