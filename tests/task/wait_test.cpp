// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/wait.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <array>
#include <ranges>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::make_future;
using test::name_of;

namespace {

using tasks = std::vector<aio::task<>>;

aio::coro<> work(int turns, bool fails) {
  co_await test::turns(turns);
  if (fails) throw boom();
}

aio::task<> make(std::string_view name, int turns, bool fails = false) {
  return aio::create_task(work(turns, fails), {.name = name});
}

aio::task<> nap(std::string_view name, aio::duration time) {
  return aio::create_task(
      aio::task_options{.name = name},
      [](aio::duration of) -> aio::coro<> { co_await aio::sleep(of); }, time);
}

/// "a,b|c": the names of those done and of those pending.
std::string names(const aio::wait_result<aio::task<>>& of) {
  std::string all;
  for (const auto& one : of.done) all += one.name();
  all += '|';
  for (const auto& one : of.pending) all += one.name();
  return all;
}

aio::wait_options until(enum aio::return_when when) {
  aio::wait_options options;
  options.return_when = when;
  return options;
}

aio::wait_options within(aio::time_limit limit) {
  aio::wait_options options;
  options.timeout = limit;
  return options;
}

}  // namespace

AIO_TEST("wait: for all", "[task][wait]") {
  const tasks all{make("a", 3), make("b", 1), make("c", 5)};
  const auto ended = co_await aio::wait(all);
  CHECK(names(ended) == "abc|");
  CHECK(all[2].done());
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST("wait: for the first", "[task][wait]") {
  const tasks all{make("a", 3), make("b", 1), make("c", 9)};
  const auto first = co_await aio::wait(all, until(aio::first_completed));
  CHECK(names(first) == "ab|c");  // a ends while the news of b is on its way
  const auto rest = co_await aio::wait(all);
  CHECK(names(rest) == "abc|");
  const auto again = co_await aio::wait(all, until(aio::first_completed));
  CHECK(names(again) == "abc|");
}

AIO_TEST("wait: for the first exception, or all if there is none", "[task][wait]") {
  const tasks bad{make("a", 1), make("b", 3, true), make("c", 9)};
  const auto first = co_await aio::wait(bad, until(aio::first_exception));
  CHECK(names(first) == "ab|c");
  const auto rest = co_await aio::wait(bad);
  CHECK(names(rest) == "abc|");
  CHECK(name_of(bad[1].exception()) == "boom");

  const tasks good{make("a", 1), make("b", 3)};
  const auto none = co_await aio::wait(good, until(aio::first_exception));
  CHECK(names(none) == "ab|");
}

AIO_TEST("wait: a cancelled one is completed, but no exception", "[task][wait]") {
  const tasks all{make("a", 4), make("v", 9)};
  all[1].any().cancel();
  const auto exception = co_await aio::wait(all, until(aio::first_exception));
  CHECK(names(exception) == "av|");

  const tasks more{make("a", 4), make("v", 9)};
  more[1].any().cancel();
  const auto completed = co_await aio::wait(more, until(aio::first_completed));
  CHECK(names(completed) == "v|a");
  co_await more[0];
}

AIO_TEST("wait: gives way for one turn if all are done", "[task][wait]") {
  const tasks all{make("a", 0)};
  co_await all[0];
  std::string log;
  test::call_soon(loop, [&] {
    log += '1';
    test::call_soon(loop, [&] {
      log += '2';
      test::call_soon(loop, [&] { log += '3'; });
    });
  });
  const auto ended = co_await aio::wait(all);
  CHECK(names(ended) == "a|");
  // Its own call-back in the first turn, and in the next the task.
  CHECK(log == "12");
  co_await test::turns(1);
}

AIO_TEST("wait: those that end in one turn are reported together", "[task][wait]") {
  auto gate = make_future<>(loop);
  auto gated = [&]() -> aio::coro<> { co_await gate; };
  tasks all;
  for (const char* name : {"a", "b", "c"}) {
    all.push_back(aio::create_task(aio::task_options{.name = name}, gated));
  }
  all.push_back(nap("n", 1h));
  co_await aio::sleep(0s);
  gate.set_result();
  const auto first = co_await aio::wait(all, until(aio::first_completed));
  CHECK(names(first) == "abc|n");
}

AIO_TEST("wait: neither throws nor cancels when its time is over", "[task][wait]") {
  const tasks all{nap("q", 1s), nap("s", 1h)};
  const auto some = co_await aio::wait(all, within(10s));
  CHECK(names(some) == "q|s");
  CHECK(loop.now() == 10s);
  CHECK(all[1].cancelling() == 0);
  CHECK_FALSE(all[1].done());
}

AIO_TEST("wait: with a limit of zero or less tells what is done", "[task][wait]") {
  const tasks all{nap("q", 1s), nap("s", 1h)};
  const auto none = co_await aio::wait(all, within(0s));
  CHECK(names(none) == "|qs");
  co_await aio::sleep(2s);
  const auto one = co_await aio::wait(all, within(-1s));
  CHECK(names(one) == "q|s");
  CHECK(loop.now() == 2s);
}

AIO_TEST("wait: leaves no timer behind", "[task][wait]") {
  const tasks all{make("a", 1)};
  const auto ended = co_await aio::wait(all, within(1h));
  CHECK(names(ended) == "a|");
  CHECK(loop.core().armed_timers() == 0);
}

AIO_TEST("wait: duplicates count once", "[task][wait]") {
  auto a = make("a", 1), b = make("b", 2);
  const tasks all{a, b, a, a, b};
  const auto ended = co_await aio::wait(all);
  CHECK(names(ended) == "ab|");
}

AIO_TEST("wait: takes futures, arrays and views too", "[task][wait]") {
  auto f = make_future<int>(loop), g = make_future<int>(loop);
  f.set_result(1);
  std::array both{f, g};
  const auto ended = co_await aio::wait(both, until(aio::first_completed));
  REQUIRE(ended.done.size() == 1);
  CHECK(ended.done[0] == f);
  CHECK(ended.pending[0] == g);
  const auto viewed = co_await aio::wait(both | std::views::take(1));
  CHECK(viewed.done.size() == 1);
  CHECK(viewed.pending.empty());
  CHECK(both[0] == f);
}

AIO_TEST("wait: for nothing is refused at the call", "[task][wait]") {
  CHECK_THROWS_AS(aio::wait(tasks()), std::invalid_argument);
  co_return;
}

AIO_TEST("wait: its options can be written in place", "[task][wait]") {
  const tasks all{nap("q", 1s), nap("s", 1h)};
  const auto some =
      co_await aio::wait(all, {.timeout = 5s, .return_when = aio::first_completed});
  CHECK(names(some) == "q|s");
  CHECK(loop.now() == 1s);
}

AIO_TEST("wait: cancelled, it leaves the tasks alone", "[task][wait][cancel]") {
  const tasks all{nap("s", 1h)};
  auto waiter = aio::create_task(aio::wait(all, within(60s)));
  co_await aio::sleep(0s);
  CHECK(waiter.cancel());
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled");
  CHECK(all[0].cancelling() == 0);
  CHECK(loop.core().armed_timers() == 1);  // that of the nap

  auto nap_over = all[0];
  nap_over.cancel();
  const auto ended = co_await aio::wait(all, within(60s));
  CHECK(names(ended) == "s|");
  CHECK(nap_over.cancelled());
}

AIO_TEST("wait: cancelled in the turn in which its task ends, it throws",
         "[task][wait][cancel]") {
  auto f = make_future<>(loop);
  const std::vector all{f};
  auto waiter = aio::create_task(aio::wait(all));
  co_await aio::sleep(0s);
  f.set_result();
  CHECK(waiter.cancel());
  const std::string how = co_await ending(waiter);
  CHECK(how == "cancelled");
}

TEST_CASE("wait: cancelled at each await, nothing of it stays",
          "[task][wait][cancel]") {
  int alive = 0;
  auto make_waiting = [&]() -> aio::coro<> {
    tasks all{nap("a", 1s), nap("b", 2s), make("c", 2)};
    all[0].add_done_callback([c = test::counted(alive)](const auto&) {});
    const auto first =
        co_await aio::wait(all, {.timeout = 5s, .return_when = aio::first_completed});
    CHECK(names(first) == "c|ab");
    const auto rest = co_await aio::wait(all);
    CHECK(names(rest) == "abc|");
  };
  const int cancels = test::cancel_at_every_await(
      make_waiting, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 6);
  CHECK(alive == 0);
}
