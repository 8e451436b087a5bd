// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <tuple>

namespace gather_order {
using namespace conformance;

aio::coro<std::string> work(std::string tag, int turns) {
  print(tag, "starts");
  for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
  print(tag, "ends");
  co_return tag + tag;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  const auto [a, b, c] = co_await aio::gather(work("a", 3), work("b", 1), work("c", 2));
  print("results in the order of the arguments:", a, b, c);

  const aio::future<std::string> f = loop.create_future<std::string>();
  loop.call_later(20ms, [f] { f.set_result("future"); });
  const aio::task<std::string> task = aio::create_task(work("t", 0));
  const auto [future, t, d, slept] =
      co_await aio::gather(f, task, work("d", 0), aio::sleep(0s, "slept"));
  print("mixed:", future, t, d, slept);
  const auto nothing = co_await aio::gather();
  print("empty:", std::tuple_size_v<std::remove_const_t<decltype(nothing)>>);

  const aio::task<std::string> same = aio::create_task(work("s", 1));
  const auto [once, twice] = co_await aio::gather(same, same);
  print("the same task twice:", once, twice);

  const auto g = aio::gather(work("e", 0), work("f", 0));
  print("children are scheduled when gather is called, done", g.done());
  co_await aio::sleep(0s);
  co_await aio::sleep(0s);
  print("gather finishes without being awaited, done", g.done());
  const auto& [first, second] = co_await g;
  print("awaited later:", first, second);

  const auto inner = aio::gather(work("x", 1), work("y", 0));
  const auto [xy, z] = co_await aio::gather(inner, work("z", 0));
  print("nested:", std::get<0>(xy) + "," + std::get<1>(xy), z);
}

AIO_TWIN(gather_order) { aio::run(amain()); }

}  // namespace gather_order
