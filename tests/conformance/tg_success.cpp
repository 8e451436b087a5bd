// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <cctype>

namespace tg_success {
using namespace conformance;

aio::coro<std::string> work(std::string tag, int turns) {
  print(tag, "starts");
  for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
  print(tag, "ends");
  for (char& c : tag) c = static_cast<char>(std::toupper(c));
  co_return tag;
}

// children may add children; the group waits for all of them
aio::coro<> parent(aio::task_group& tg, int depth) {
  print("parent", depth);
  co_await aio::sleep(0s);
  if (depth > 0) tg.create_task(parent(tg, depth - 1));
  print("parent", depth, "over");
}

aio::coro<> amain() {
  aio::task<std::string> a;
  aio::task<std::string> b;
  aio::task<std::string> c;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& tg) -> aio::coro<> {
    a = tg.create_task(work("a", 3));
    b = tg.create_task(work("b", 1), {.name = "bee"});
    print("body goes on, nothing started");
    co_await aio::sleep(0s);
    c = tg.create_task(work("c", 0));
    print("body ends");
  });
  print("group left:", a.result(), b.result(), c.result(), "name", b.name());

  co_await aio::with(aio::task_group{}, [](aio::task_group& tg) -> aio::coro<> {
    tg.create_task(parent(tg, 2));
    co_return;
  });
  print("family complete");

  // the body may wait for a child itself
  aio::task_group finished;
  co_await aio::with(finished, [](aio::task_group& tg) -> aio::coro<> {
    const aio::task<std::string> t = tg.create_task(work("d", 0));
    print("awaited in the body:", co_await t);
  });

  co_await aio::with(aio::task_group{},
                     [](aio::task_group&) -> aio::coro<> { co_return; });
  print("an empty group is fine");
  try {
    finished.create_task(work("late", 0));
  } catch (const aio::usage_error&) {
    print("create_task on a finished group: runtime_error");
  }
}

AIO_TWIN(tg_success) { aio::run(amain()); }

}  // namespace tg_success
