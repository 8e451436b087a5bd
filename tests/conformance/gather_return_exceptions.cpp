// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <tuple>
#include <variant>

namespace gather_return_exceptions {
using namespace conformance;

std::string shown(const aio::result<std::string>& r) {
  return r.has_value() ? r.value() : label(r.error());
}
std::string shown(const aio::result<void>& r) { return label(r.error()); }

template <class... Result>
std::string shown(const std::tuple<Result...>& results) {
  const auto all = [](const Result&... r) { return std::vector{shown(r)...}; };
  return words(std::apply(all, results));
}

aio::coro<std::string> work(std::string tag, int turns, bool fails = false) {
  for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
  if (fails) throw value_error(tag);
  co_return tag;
}

aio::coro<> slow() {
  co_await aio::timeout(10ms, []() -> aio::coro<> { co_await aio::sleep(60s); });
}

aio::coro<> amain() {
  aio::task<> victim = aio::create_task(aio::sleep(60s));
  aio::get_running_loop().call_later(30ms, [victim] { victim.cancel(); });
  const auto results =
      co_await aio::gather(aio::return_exceptions, work("a", 3), work("b", 0, true),
                           slow(), victim, work("c", 1));
  print(shown(results));

  // without return_exceptions a cancelled child makes gather raise cancelled,
  // and neither the caller nor the other children are cancelled by it
  victim = aio::create_task(aio::sleep(60s));
  const aio::task<std::string> other = aio::create_task(work("other", 4));
  const auto g = aio::gather(victim, other);
  co_await aio::sleep(0s);
  victim.cancel();
  try {
    co_await g;
  } catch (const aio::cancelled_error&) {
    print("gather raised cancelled; main cancelling", aio::current_task().cancelling());
  }
  print("gather future cancelled", g.cancelled());
  print("other", co_await other);

  const auto single = co_await aio::gather(aio::return_exceptions, work("x", 0, true));
  print(shown(single));
}

AIO_TWIN(gather_return_exceptions) { aio::run(amain()); }

}  // namespace gather_return_exceptions
