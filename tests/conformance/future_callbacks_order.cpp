// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace future_callbacks_order {
using namespace conformance;

using future = aio::future<std::string>;

void late(const future& fut) { print("late", fut.result()); }

void one(const future& fut) {
  print("one", fut.result());
  fut.add_done_callback(late);
}

void two(const future& fut) { print("two", fut.result()); }

void three(const future& fut) { print("three", fut.result()); }

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  const future f = loop.create_future<std::string>();
  // a callback is removed by what add_done_callback() returned for it
  future::callback_id late_id;
  f.add_done_callback(one);
  f.add_done_callback(two);
  f.add_done_callback(three);
  f.add_done_callback(two);
  print("removed", f.remove_done_callback(late_id));
  late_id = f.add_done_callback(late);
  print("removed", f.remove_done_callback(late_id));
  f.set_result("ok");
  loop.call_soon([] { print("call_soon after set_result"); });
  f.add_done_callback([](const future&) { print("added when done"); });
  print("callbacks never run inside set_result");
  co_await aio::sleep(0s);
  print("turn over");
  co_await aio::sleep(0s);

  const future g = loop.create_future<std::string>();
  const auto first_two = g.add_done_callback(two);
  g.add_done_callback(three);
  const auto second_two = g.add_done_callback(two);
  print("removed all of two:",
        g.remove_done_callback(first_two) + g.remove_done_callback(second_two));
  g.set_result("again");
  co_await aio::sleep(0s);

  const future h = loop.create_future<std::string>();
  h.add_done_callback(
      [](const future& fut) { print("cancel callback, cancelled", fut.cancelled()); });
  h.cancel();
  print("cancel() returned");
  co_await aio::sleep(0s);
}

AIO_TWIN(future_callbacks_order) { aio::run(amain()); }

}  // namespace future_callbacks_order
