// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace lock_fifo {
using namespace conformance;

aio::coro<> amain() {
  aio::lock lock;

  const auto user = [&](std::string tag, int rounds) -> aio::coro<> {
    for (int i = 0; i < rounds; ++i) {
      const auto held = co_await lock.scoped();
      print(tag, "has it, round", i, "locked", lock.locked());
      co_await aio::sleep(0s);
    }
    print(tag, "is through");
  };

  // fair: who asks again waits behind those who wait already
  co_await aio::gather(user("a", 3), user("b", 2), user("c", 1));
  print("locked", lock.locked());

  // the one who releases cannot grab it back before a waiter that came earlier
  co_await lock.acquire();
  const aio::task<> waiter = aio::create_task(user, "waiter", 1);
  co_await aio::sleep(0s);
  lock.release();
  print("released, locked", lock.locked());
  co_await lock.acquire();
  print("main has it again");
  lock.release();
  co_await waiter;

  // release by another task is allowed
  co_await lock.acquire();

  const auto stranger = [&]() -> aio::coro<> {
    lock.release();
    print("released by a stranger");
    co_return;
  };

  co_await aio::create_task(stranger);
  print("locked", lock.locked());

  // an error leaves the lock free
  try {
    const auto held = co_await lock.scoped();
    throw key_error("");
  } catch (const key_error&) {
    print("key_error, locked", lock.locked());
  }
  try {
    lock.release();
  } catch (const aio::usage_error&) {
    print("release of a free lock: runtime_error");
  }
  co_await lock.acquire();
  const bool acquired = true;  // nothing in C++, always True in Python
  print("acquire returns", acquired);
}

AIO_TWIN(lock_fifo) { aio::run(amain()); }

}  // namespace lock_fifo
