// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <optional>
#include <ranges>

namespace cancel_self_and_message {
using namespace conformance;

std::string message_of(const aio::cancelled_error& e) {
  return e.message().empty() ? "none" : e.message();
}

aio::coro<> at_sleep() {
  aio::current_task().cancel();
  print("self-cancelled, still running");
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    print("the next await raised cancelled");
    throw;
  }
}

aio::coro<std::string> at_end() {
  aio::current_task().cancel();
  co_return "a result that is lost";
}

aio::coro<> with_message() {
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error& e) {
    print("message:", message_of(e));
    throw;
  }
}

aio::coro<> amain() {
  const aio::task<> sleeps = aio::create_task(at_sleep());
  co_await aio::wait(std::views::single(sleeps));
  print("at_sleep cancelled", sleeps.cancelled());

  const aio::task<std::string> ends = aio::create_task(at_end());
  co_await aio::wait(std::views::single(ends));
  print("at_end cancelled", ends.cancelled());

  const std::vector<std::optional<std::string>> messages = {"shutting down",
                                                            std::nullopt};
  for (const auto& message : messages) {
    const aio::task<> t = aio::create_task(with_message());
    co_await aio::sleep(0s);
    if (message) {
      t.cancel(*message);
    } else {
      t.cancel();
    }
    try {
      co_await t;
    } catch (const aio::cancelled_error& e) {
      print("seen by the waiter:", message_of(e));
    }
  }
}

AIO_TWIN(cancel_self_and_message) { aio::run(amain()); }

}  // namespace cancel_self_and_message
