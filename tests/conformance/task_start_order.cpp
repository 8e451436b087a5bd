// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <cctype>

namespace task_start_order {
using namespace conformance;

std::string upper(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

aio::coro<std::string> child(std::string tag, int turns) {
  print(tag, "starts");
  for (int i = 0; i < turns; ++i) {
    co_await aio::sleep(0s);
    print(tag, "step", i);
  }
  print(tag, "ends");
  co_return upper(tag);
}

aio::coro<std::string> plain(std::string tag) {
  print(tag, "runs inline, no turn is given away");
  co_return tag;
}

aio::coro<> amain() {
  using task = aio::task<std::string>;
  aio::event_loop& loop = aio::get_running_loop();
  const task a = aio::create_task(child("a", 2));
  loop.call_soon([] { print("callback between a and b"); });
  const task b = aio::create_task(child("b", 0));
  const task c = aio::create_task(child("c", 1));
  print("created, nothing started");
  const std::string tag = co_await plain("plain");
  print(tag);
  co_await aio::sleep(0s);
  print("all started; b done", b.done(), "c done", c.done());
  print("await c:", co_await c);
  print("await a:", co_await a);
  print("await b again:", co_await b, co_await b);
  print("results", a.result(), b.result(), c.result());
  const task d = aio::create_task(child("d", 0));
  print("await d at once:", co_await d);
}

AIO_TWIN(task_start_order) { aio::run(amain()); }

}  // namespace task_start_order
