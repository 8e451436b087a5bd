// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <algorithm>

namespace tg_aborting_group {
using namespace conformance;

aio::coro<> never() {
  print("not reached");
  co_return;
}

aio::coro<> crash() {
  co_await aio::sleep(0s);
  throw value_error("");
}

// while the group shuts down it takes no new children
aio::coro<> tries(aio::task_group& tg) {
  try {
    co_await aio::sleep(60s);
  } catch (const aio::cancelled_error&) {
    try {
      tg.create_task(never());
    } catch (const aio::usage_error&) {
      print("create_task from a cancelled child: runtime_error");
    }
    throw;
  }
}

// the body raises an error of its own while it is being cancelled
aio::coro<> nested() {
  try {
    co_await aio::sleep(60s);
  } catch (...) {
    throw key_error("");
  }
  throw key_error("");
}

/// The end of `except* First, More...`: what does not match is thrown on.
template <class First, class... More>
void throw_others(const aio::exception_group& group) {
  const auto others = group.split<First>().second;
  if (!others) return;
  if constexpr (sizeof...(More) == 0) {
    throw *others;
  } else {
    throw_others<More...>(*others);
  }
}

aio::coro<> amain() {
  try {
    co_await aio::with(aio::task_group{}, [](aio::task_group& tg) -> aio::coro<> {
      tg.create_task(tries(tg));
      tg.create_task(crash());
      co_return;
    });
  } catch (const aio::exception_group& group) {
    throw_others<value_error>(group);
    print("value_error group");
  }

  // children that were created but not started are cancelled before they run
  aio::task<> t;
  try {
    co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
      t = tg.create_task(never());
      throw key_error("");
      co_return;
    });
  } catch (const aio::exception_group& group) {
    throw_others<key_error>(group);
    print("key_error group, child cancelled", t.cancelled());
  }

  try {
    co_await aio::with(aio::task_group{}, [](aio::task_group& tg) -> aio::coro<> {
      tg.create_task(crash());
      co_await nested();
    });
  } catch (const aio::exception_group& group) {
    throw_others<key_error, value_error>(group);
    std::vector<std::string> errors;
    for (const std::exception_ptr& e : group.exceptions()) errors.push_back(label(e));
    std::sort(errors.begin(), errors.end());
    print("both errors:", words(errors));
  }

  // a body that swallows the cancel goes on, the error is raised at the end
  try {
    co_await aio::with(aio::task_group{}, [](aio::task_group& tg) -> aio::coro<> {
      tg.create_task(crash());
      try {
        co_await aio::sleep(60s);
      } catch (const aio::cancelled_error&) {
        print("body swallows, count", aio::current_task().cancelling());
      }
      co_await aio::sleep(10ms);
      print("body ends by itself");
    });
  } catch (const aio::exception_group& group) {
    throw_others<value_error>(group);
    print("value_error group, count", aio::current_task().cancelling());
  }
}

AIO_TWIN(tg_aborting_group) { aio::run(amain()); }

}  // namespace tg_aborting_group
