// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace tg_child_error {
using namespace conformance;

aio::coro<> crash(int turns, std::exception_ptr error) {
  for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
  std::rethrow_exception(error);
}

aio::coro<> sibling(std::vector<std::string>& ended) {
  const aio::detail::scope_exit at_last([&] { ended.push_back("sibling"); });
  co_await aio::sleep(60s);
}

template <class Error>
std::exception_ptr make() {
  return std::make_exception_ptr(Error(""));
}

aio::coro<> amain() {
  std::vector<std::string> ended;
  aio::task<> s;
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      s = tg.create_task(sibling(ended));
      tg.create_task(crash(2, make<value_error>()));
      try {
        co_await aio::sleep(60s);
      } catch (const aio::cancelled_error&) {
        print("the body is cancelled, count", aio::current_task().cancelling());
        throw;
      }
    });
  } catch (const aio::exception_group&) {
    print("raised", label());
  }
  print("ended", words(ended), "cancelled", s.cancelled(), "count",
        aio::current_task().cancelling());

  // the body is over already and waits at the end of the block
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      s = tg.create_task(sibling(ended));
      tg.create_task(crash(1, make<key_error>()));
      co_return;
    });
  } catch (const aio::exception_group&) {
    print("raised", label(), "sibling cancelled", s.cancelled());
  }

  // the body itself fails: it is part of the group
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      s = tg.create_task(sibling(ended));
      co_await aio::sleep(0s);
      throw key_error("");
    });
  } catch (const aio::exception_group&) {
    print("raised", label(), "sibling cancelled", s.cancelled());
  }

  // two that fail in the same turn are both reported
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      tg.create_task(crash(1, make<value_error>()));
      tg.create_task(crash(1, make<key_error>()));
      tg.create_task(sibling(ended));
      co_return;
    });
  } catch (const aio::exception_group&) {
    print("raised", label());
  }
  print("main goes on, count", aio::current_task().cancelling());
}

AIO_TWIN(tg_child_error) { aio::run(amain()); }

}  // namespace tg_child_error
