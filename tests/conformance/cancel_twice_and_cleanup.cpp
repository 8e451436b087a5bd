// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace cancel_twice_and_cleanup {
using namespace conformance;

aio::coro<> worker(std::string_view tag, bool long_cleanup) {
  const aio::any_task me = aio::current_task();
  const aio::detail::scope_exit at_last([&] { print(tag, "end"); });
  std::exception_ptr cancelled;
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    print(tag, "cancelled, count", me.cancelling());
    cancelled = std::current_exception();
  }
  if (!cancelled) co_return;
  try {
    for (int step = 0; step < (long_cleanup ? 3 : 0); ++step) {
      print(tag, "cleanup step", step);
      co_await aio::sleep(0s);
    }
    print(tag, "cleanup complete");
  } catch (const aio::cancelled_error&) {
    print(tag, "cleanup interrupted, count", me.cancelling());
  }
  std::rethrow_exception(cancelled);
}

aio::coro<> amain() {
  // two requests in one turn: one cancelled_error
  aio::task<> t = aio::create_task(worker("A", false));
  co_await aio::sleep(0s);
  const bool first = t.cancel();
  const bool second = t.cancel();
  print("cancel", first, second, "count", t.cancelling());
  co_await aio::wait(std::views::single(t));
  print("A cancelled", t.cancelled(), "count", t.cancelling());

  // the second request lands in the cleanup
  t = aio::create_task(worker("B", true));
  co_await aio::sleep(0s);
  t.cancel();
  co_await aio::sleep(0s);
  print("B is cleaning up, cancel again", t.cancel());
  co_await aio::wait(std::views::single(t));
  print("B cancelled", t.cancelled(), "count", t.cancelling());

  // no second request: the cleanup may wait as it likes
  t = aio::create_task(worker("C", true));
  co_await aio::sleep(0s);
  t.cancel();
  co_await aio::wait(std::views::single(t));
  print("C cancelled", t.cancelled(), "cancel now", t.cancel());
}

AIO_TWIN(cancel_twice_and_cleanup) { aio::run(amain()); }

}  // namespace cancel_twice_and_cleanup
