// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <ranges>

namespace gather_first_exception {
using namespace conformance;

using thrower = void (*)(const std::string&);

template <class Error>
void throw_as(const std::string& tag) {
  throw Error(tag);
}

aio::coro<std::string> work(std::string tag, int turns, thrower fail = nullptr) {
  try {
    for (int i = 0; i < turns; ++i) co_await aio::sleep(0s);
    if (fail != nullptr) {
      print(tag, "raises");
      fail(tag);
    }
    print(tag, "returns");
    co_return tag;
  } catch (const aio::cancelled_error&) {
    print(tag, "cancelled");
    throw;
  }
}

using task = aio::task<std::string>;

std::string done(const std::vector<task>& tasks) {
  return words(tasks | std::views::transform([](const task& t) { return t.done(); }));
}

aio::coro<> amain() {
  const std::vector<task> tasks = {
      aio::create_task(work("slow", 8)),
      aio::create_task(work("second error", 5, throw_as<key_error>)),
      aio::create_task(work("first error", 2, throw_as<value_error>)),
      aio::create_task(work("fast", 0)),
  };
  try {
    co_await aio::gather(tasks);
  } catch (const value_error& e) {
    print("gather raised value_error from", e.what());
  }
  print("done:", done(tasks));
  print("the others go on");
  co_await aio::wait(tasks);
  print("done:", done(tasks));
  print("slow result", tasks[0].result());
  print("second error kept: key_error", label(tasks[1].exception()) == "key_error");

  // an error known before gather is called
  const auto failed = aio::get_running_loop().create_future<std::string>();
  failed.set_exception(value_error("early"));
  const task late = aio::create_task(work("late", 1));
  try {
    co_await aio::gather(late, failed);
  } catch (const value_error& e) {
    print("raised:", e.what(), "late done", late.done());
  }
  print(co_await late);
}

AIO_TWIN(gather_first_exception) { aio::run(amain()); }

}  // namespace gather_first_exception
