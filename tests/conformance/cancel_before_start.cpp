// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace cancel_before_start {
using namespace conformance;

aio::coro<> body(std::string_view tag) {
  print(tag, "body runs");
  const aio::detail::scope_exit at_last([&] { print(tag, "finally"); });
  co_await aio::sleep(0s);
}

aio::coro<> amain() {
  const aio::task<> t = aio::create_task(body("never"));
  t.add_done_callback(
      [](const aio::task<>& task) { print("callback, cancelled", task.cancelled()); });
  bool accepted = t.cancel();
  print("cancel", accepted, "cancelling", t.cancelling());
  print("done yet", t.done(), "cancelled yet", t.cancelled());
  accepted = t.cancel();
  print("cancel again", accepted, "cancelling", t.cancelling());
  co_await aio::sleep(0s);
  print("one turn later: done", t.done(), "cancelled", t.cancelled());
  co_await aio::sleep(0s);
  try {
    co_await t;
  } catch (const aio::cancelled_error&) {
    print("await: cancelled; main itself: cancelling",
          aio::current_task().cancelling());
  }
  try {
    t.result();
  } catch (const aio::cancelled_error&) {
    print("result: cancelled");
  }
  try {
    t.exception();
  } catch (const aio::cancelled_error&) {
    print("exception: cancelled");
  }
  accepted = t.cancel();
  print("cancel when done", accepted, "cancelling", t.cancelling());

  const aio::task<> started = aio::create_task(body("started"));
  co_await aio::sleep(0s);
  started.cancel();
  print("cancel() does not run the finally by itself");
  co_await aio::wait(std::views::single(started));
  print("cancelled", started.cancelled());
}

AIO_TWIN(cancel_before_start) { aio::run(amain()); }

}  // namespace cancel_before_start
