// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace cancel_swallow_uncancel {
using namespace conformance;

aio::coro<std::string> stubborn() {
  const aio::any_task me = aio::current_task();
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      co_await aio::sleep(60s);
    } catch (const aio::cancelled_error&) {
      print("attempt", attempt, "caught; cancelling", me.cancelling());
      if (attempt < 2) print("uncancel ->", me.uncancel());
    }
  }
  print("stubborn returns; cancelling", me.cancelling());
  co_return "stubborn result";
}

aio::coro<std::string> catcher() {
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    co_return "caught without uncancel";
  }
  co_return "none";
}

aio::coro<> converter() {
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    throw value_error("converted");
  }
}

aio::coro<> amain() {
  const aio::task<std::string> t = aio::create_task(stubborn());
  for (int i = 0; i < 3; ++i) {
    co_await aio::sleep(0s);
    const bool accepted = t.cancel();
    print("cancel", accepted, "cancelling", t.cancelling());
  }
  print(co_await t);
  print("cancelled", t.cancelled(), "cancelling", t.cancelling());
  const auto left = t.uncancel();
  print("uncancel after the end ->", left, "cancelled", t.cancelled());
  print("uncancel below zero ->", aio::current_task().uncancel());

  const aio::task<std::string> c = aio::create_task(catcher());
  co_await aio::sleep(0s);
  c.cancel();
  const std::string caught = co_await c;
  print(caught, "cancelled", c.cancelled(), "cancelling", c.cancelling());

  const aio::task<> v = aio::create_task(converter());
  co_await aio::sleep(0s);
  v.cancel();
  try {
    co_await v;
  } catch (const value_error&) {
    print("value_error; cancelled", v.cancelled());
  }
}

AIO_TWIN(cancel_swallow_uncancel) { aio::run(amain()); }

}  // namespace cancel_swallow_uncancel
