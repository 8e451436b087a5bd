// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <unistd.h>

#include <csignal>

namespace runner_sigint {
using namespace conformance;

void interrupt_soon() {
  aio::get_running_loop().call_later(20ms, ::kill, ::getpid(), SIGINT);
}

aio::coro<> interrupted(std::string_view tag, bool busy) {
  print(tag, "begins");
  interrupt_soon();
  const aio::detail::scope_exit at_last([&] { print(tag, "finally"); });
  std::exception_ptr cancelled;
  try {
    for (;;) co_await aio::sleep(busy ? 0s : 60s);
  } catch (const aio::cancelled_error&) {
    cancelled = std::current_exception();
  }
  print(tag, "main is cancelled, count", aio::current_task().cancelling());
  co_await aio::sleep(0s);
  print(tag, "clean up is complete");
  std::rethrow_exception(cancelled);
}

aio::coro<> child(std::string_view tag) {
  const aio::detail::scope_exit at_last([&] { print(tag, "child ends"); });
  co_await aio::sleep(60s);
}

aio::coro<> with_group(std::string_view tag) {
  interrupt_soon();
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    tg.create_task(child(tag));
    co_return;
  });
}

template <class T>
void attempt(aio::coro<T> main) {
  try {
    if constexpr (std::is_void_v<T>) {
      aio::run(std::move(main));
      print("result none");
    } else {
      print("result", aio::run(std::move(main)));
    }
  } catch (const aio::keyboard_interrupt&) {
    print("run raised", label());
  } catch (const aio::cancelled_error&) {
    print("run raised", label());
  }
}

aio::coro<> plain_cancel() {
  aio::current_task().cancel();
  co_await aio::sleep(60s);
}

aio::coro<std::string> afterwards() {
  co_await aio::sleep(0s);
  co_return "works as before";
}

AIO_TWIN(runner_sigint) {
  // a shell may have started us with SIGINT ignored
  std::signal(SIGINT, SIG_DFL);

  attempt(interrupted("sleeping:", false));
  attempt(interrupted("busy:", true));
  attempt(with_group("group:"));
  attempt(plain_cancel());
  attempt(afterwards());
}

}  // namespace runner_sigint
