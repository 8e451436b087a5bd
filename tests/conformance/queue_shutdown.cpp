// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

namespace queue_shutdown {
using namespace conformance;

template <class Call>
aio::coro<> attempt(std::string what, Call call) {
  try {
    if constexpr (std::is_void_v<aio::await_result_t<std::invoke_result_t<Call&>>>) {
      co_await call();
      print(what, "->", "ok");
    } else {
      print(what, "->", co_await call());
    }
  } catch (const aio::queue_shut_down&) {
    print(what, "-> queue_shut_down");
  }
}

template <class Call>
void attempt_now(std::string_view what, Call call) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Call&>>) {
      call();
      print(what, "->", "ok");
    } else {
      print(what, "->", call());
    }
  } catch (const aio::queue_shut_down&) {
    print(what, "-> queue_shut_down");
  }
}

aio::coro<> leftovers() {
  // what is in the queue may still be taken out
  aio::queue<std::string> q;
  const auto put = [&] { return q.put("c"); };
  const auto get = [&] { return q.get(); };
  const auto get_nowait = [&] { return q.get_nowait(); };
  const auto join = [&] { return q.join(); };
  q.put_nowait("a");
  q.put_nowait("b");
  q.shutdown();
  co_await attempt("put", put);
  attempt_now("put_nowait", [&] { q.put_nowait("c"); });
  co_await attempt("get", get);
  attempt_now("get_nowait", get_nowait);
  co_await attempt("get from empty", get);
  attempt_now("get_nowait from empty", get_nowait);
  q.shutdown();
  const aio::task<> j = aio::ensure_future(q.join());
  co_await aio::sleep(0s);
  print("join still waits for task_done", j.done());
  q.task_done();
  q.task_done();
  co_await attempt("join", join);
  co_await j;
}

aio::coro<> amain() {
  co_await leftovers();

  // those who wait are told
  aio::queue<std::string> empty(1);
  const auto get_from_empty = [&] { return empty.get(); };
  std::vector<aio::task<>> getters;
  for (int i = 0; i < 2; ++i) {
    getters.push_back(
        aio::create_task(attempt(fmt::format("getter {}", i), get_from_empty)));
  }
  co_await aio::sleep(0s);
  empty.shutdown();
  co_await aio::gather(getters);

  aio::queue<std::string> q(1);
  const auto put = [&] { return q.put("y"); };
  const auto get = [&] { return q.get(); };
  q.put_nowait("x");
  std::vector<aio::task<>> putters;
  for (int i = 0; i < 2; ++i) {
    putters.push_back(aio::create_task(attempt(fmt::format("putter {}", i), put)));
  }
  co_await aio::sleep(0s);
  q.shutdown();
  co_await aio::gather(putters);
  co_await attempt("the item is still there:", get);
  print("size", q.qsize(), "empty", q.empty());
}

AIO_TWIN(queue_shutdown) { aio::run(amain()); }

}  // namespace queue_shutdown
