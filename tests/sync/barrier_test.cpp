// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync/barrier.hpp>  // first: proves the header stands alone

#include <aio/task/gather.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/with.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::ending;
using test::turns;

namespace {

constexpr int parties = 5;

const std::string aborted_at_entry = "the barrier was aborted";
const std::string broken = "the barrier was aborted or reset";

/// As many tasks as the barriers below need.
template <class F>
aio::coro<> run_parties(F body) {
  std::vector<aio::task<>> all;
  for (int i = 0; i < parties; ++i) all.push_back(aio::create_task(body));
  for (const aio::task<>& t : all) co_await t;
}

/// Whether the await ends with a broken_barrier_error.
template <class A>
aio::coro<bool> breaks(A awaitable) {
  bool is_broken = false;
  try {
    co_await std::move(awaitable);
  } catch (const aio::broken_barrier_error&) {
    is_broken = true;
  }
  co_return is_broken;
}

}  // namespace

AIO_TEST("barrier: the last to come lets all go on and each gets its index",
         "[sync][barrier]") {
  aio::barrier b(3);
  CHECK(b.parties() == 3);
  CHECK(b.n_waiting() == 0);
  CHECK_FALSE(b.broken());
  auto first = aio::create_task(b.wait());
  auto second = aio::create_task(b.wait());
  co_await turns(1);
  CHECK(b.n_waiting() == 2);
  CHECK_FALSE(first.done());
  const std::size_t last = co_await b.wait();  // does not suspend
  CHECK(last == 2);
  CHECK_FALSE(first.done());
  CHECK(b.n_waiting() == 0);
  const std::size_t one = co_await first;
  const std::size_t two = co_await second;
  CHECK(one == 0);
  CHECK(two == 1);
  CHECK(b.n_waiting() == 0);
}

AIO_TEST("barrier: it is used again and again", "[sync][barrier]") {
  aio::barrier b(3);
  std::vector<std::vector<std::size_t>> rounds(4);
  auto party = [&]() -> aio::coro<> {
    for (auto& round : rounds) {
      const std::size_t index = co_await b.wait();
      round.push_back(index);
    }
  };
  co_await aio::gather(party(), party(), party());
  for (auto& round : rounds) {
    std::sort(round.begin(), round.end());
    CHECK(round == std::vector<std::size_t>{0, 1, 2});
  }
}

AIO_TEST("barrier: it needs a party", "[sync][barrier]") {
  CHECK_THROWS_AS(aio::barrier(0), std::invalid_argument);
  CHECK_THROWS_AS(aio::barrier(-5), std::invalid_argument);
  aio::barrier one(1);
  std::size_t given = 7;
  auto block = [&](std::size_t index) -> aio::coro<> {
    given = index;
    co_return;
  };
  co_await aio::with(one, block);
  CHECK(given == 0);
  const std::size_t again = co_await one.wait();
  CHECK(again == 0);
}

AIO_TEST("barrier: filling_tasks_cancel_one: a cancelled one steps back",
         "[sync][barrier][cancel]") {
  aio::barrier b(3);
  auto one = aio::create_task(b.wait());
  auto two = aio::create_task(b.wait());
  co_await turns(1);
  CHECK(b.n_waiting() == 2);
  one.cancel();
  co_await turns(1);
  CHECK(b.n_waiting() == 1);
  CHECK(one.cancelled());
  CHECK_FALSE(b.broken());
  auto three = aio::create_task(b.wait());
  co_await turns(1);
  CHECK(b.n_waiting() == 2);
  co_await b.wait();
  co_await two;
  co_await three;
  CHECK(b.n_waiting() == 0);
}

AIO_TEST("barrier: cancelled while it leaves, a task does not hold the others up",
         "[sync][barrier][cancel]") {
  aio::barrier b(3);
  auto one = aio::create_task(ending(b.wait()));
  auto two = aio::create_task(ending(b.wait()));
  co_await turns(1);
  co_await b.wait();
  one.cancel();
  const std::string how = co_await one;
  CHECK(how == "cancelled");
  const std::string other = co_await two;
  CHECK(other == "returned");
  co_await turns(2);
  auto next = aio::create_task(b.wait());
  co_await turns(1);
  CHECK(b.n_waiting() == 1);
  next.cancel();
}

AIO_TEST("barrier: blocking_tasks_while_draining: who comes again waits for the rest",
         "[sync][barrier]") {
  aio::barrier b(parties), others(parties - 2);
  int again = 2;
  auto party = [&]() -> aio::coro<> {
    co_await b.wait();
    if (again > 0) {
      --again;
    } else {
      co_await others.wait();
    }
    co_await b.wait();
  };
  co_await run_parties(party);
  CHECK(b.n_waiting() == 0);
}

AIO_TEST("barrier: reset() of an idle one does nothing", "[sync][barrier]") {
  aio::barrier b(1);
  co_await b.reset();
  CHECK(b.n_waiting() == 0);
  CHECK_FALSE(b.broken());
  co_await b.wait();
}

AIO_TEST("barrier: reset_barrier_while_tasks_waiting: they get broken_barrier_error",
         "[sync][barrier]") {
  aio::barrier b(3);
  auto one = aio::create_task(ending(b.wait()));
  auto two = aio::create_task(ending(b.wait()));
  co_await turns(1);
  co_await b.reset();
  CHECK(b.n_waiting() == 0);
  const std::string how = co_await one;
  const std::string other = co_await two;
  CHECK(how == broken);
  CHECK(other == broken);
  CHECK_FALSE(b.broken());
  CHECK(b.n_waiting() == 0);
}

AIO_TEST("barrier: reset_barrier_when_tasks_half_draining_half_blocking",
         "[sync][barrier]") {
  aio::barrier b(parties);
  int stopped = 0, blocked = 0, count = 0;
  auto party = [&]() -> aio::coro<> {
    const bool is_broken = co_await breaks(b.wait());
    if (is_broken) {
      ++stopped;
      co_await b.wait();
      co_return;
    }
    if (++count > parties / 2) {
      co_await b.reset();
      co_await b.wait();
    } else {
      const bool again = co_await breaks(b.wait());
      if (again) ++blocked;
    }
  };
  co_await run_parties(party);
  CHECK(stopped == parties / 2);
  CHECK(blocked == 0);
  CHECK(b.n_waiting() == 0);
  CHECK_FALSE(b.broken());
}

AIO_TEST("barrier: reset_barrier_while_tasks_waiting_and_waiting_again",
         "[sync][barrier]") {
  aio::barrier b(parties);
  int stopped = 0, through = 0;
  auto party = [&]() -> aio::coro<> {
    const bool is_broken = co_await breaks(b.wait());
    if (is_broken) ++stopped;
    co_await b.wait();
    ++through;
  };
  std::vector<aio::task<>> all;
  for (int i = 0; i < parties - 1; ++i) all.push_back(aio::create_task(party));
  auto resetting = aio::create_task(b.reset());
  co_await turns(1);
  co_await b.wait();
  ++through;
  for (const aio::task<>& t : all) co_await t;
  CHECK(stopped == parties - 1);
  CHECK(through == parties);
  CHECK_FALSE(b.broken());
  CHECK(resetting.done());
}

AIO_TEST("barrier: reset_barrier_while_tasks_draining: nobody is stopped",
         "[sync][barrier]") {
  aio::barrier b(parties);
  int second = 0, third = 0, count = 0;
  auto party = [&]() -> aio::coro<> {
    co_await b.wait();
    if (++count == parties) {
      co_await b.reset();
      co_await b.wait();
    } else {
      co_await b.wait();
      ++second;
    }
    co_await b.wait();
    ++third;
  };
  co_await run_parties(party);
  CHECK(second == parties - 1);
  CHECK(third == parties);
  CHECK(b.n_waiting() == 0);
}

AIO_TEST("barrier: abort() breaks it until reset()", "[sync][barrier]") {
  aio::barrier b(2);
  auto one = aio::create_task(ending(b.wait()));
  co_await turns(1);
  co_await b.abort();
  CHECK(b.broken());
  CHECK(b.n_waiting() == 0);
  const std::string how = co_await one;
  CHECK(how == broken);
  const std::string late = co_await ending(b.wait());
  CHECK(late == aborted_at_entry);
  co_await b.reset();
  CHECK_FALSE(b.broken());
  auto two = aio::create_task(ending(b.wait()));
  co_await turns(1);
  co_await b.wait();
  const std::string fine = co_await two;
  CHECK(fine == "returned");
}

AIO_TEST("barrier: abort_barrier_when_tasks_half_draining_half_blocking",
         "[sync][barrier]") {
  aio::barrier b(parties);
  int stopped = 0, blocked = 0, count = 0;
  auto party = [&]() -> aio::coro<> {
    const bool is_broken = co_await breaks(b.wait());
    if (is_broken) {
      ++stopped;
      co_return;
    }
    if (++count > parties / 2) {
      co_await b.abort();
    } else {
      const bool again = co_await breaks(b.wait());
      if (again) ++blocked;
    }
  };
  co_await run_parties(party);
  CHECK(b.broken());
  CHECK(stopped == parties / 2);
  CHECK(blocked == parties - parties / 2 - 1);
  CHECK(b.n_waiting() == 0);
}

AIO_TEST("barrier: abort_barrier_when_exception_then_resetting", "[sync][barrier]") {
  aio::barrier b(parties), meeting(parties);
  int through = 0, stopped = 0, last = 0;
  auto meet_twice = [&]() -> aio::coro<> {
    const std::size_t index = co_await b.wait();
    if (index == parties / 2) throw test::boom();
    co_await b.wait();
    ++through;
  };
  auto party = [&]() -> aio::coro<> {
    const std::string how = co_await ending(meet_twice());
    if (how == "boom") {
      co_await b.abort();
    } else {
      ++stopped;  // those of the first round that had not left yet, too
    }
    const std::size_t met = co_await meeting.wait();
    if (met == parties / 2) co_await b.reset();
    co_await meeting.wait();
    co_await b.wait();
    ++last;
  };
  co_await run_parties(party);
  CHECK_FALSE(b.broken());
  CHECK(through == 0);
  CHECK(stopped == parties - 1);
  CHECK(last == parties);
  CHECK(b.n_waiting() == 0);
}

TEST_CASE("barrier: a second loop cannot wait at it", "[sync][barrier]") {
  aio::barrier b(3);
  aio::testing::virtual_loop first;
  auto waiter = test::start(first, ending(b.wait()));
  first.turn();
  {
    aio::testing::virtual_loop second;
    CHECK(second.run(ending(b.wait())) == "usage");
  }
  CHECK(b.n_waiting() == 1);
  waiter.cancel();
  first.turn();
}

AIO_TEST("barrier: destroyed while tasks wait, it tells them", "[sync][barrier]") {
  auto b = std::make_unique<aio::barrier>(4);
  auto one = aio::create_task(ending(b->wait()));
  auto two = aio::create_task(ending(b->wait()));
  auto cancelled = aio::create_task(ending(b->wait()));
  co_await turns(1);
  cancelled.cancel();
  b.reset();
  co_await turns(2);
  CHECK(one.result() == "usage");
  CHECK(two.result() == "usage");
  CHECK(cancelled.result() == "cancelled");

  auto drained = std::make_unique<aio::barrier>(2);
  auto leaving = aio::create_task(ending(drained->wait()));
  co_await turns(1);
  co_await drained->wait();
  drained.reset();
  co_await turns(2);
  CHECK(leaving.result() == "usage");
}

TEST_CASE("barrier: cancelled at each await, the rest can still meet",
          "[sync][barrier][cancel]") {
  auto make = []() -> aio::coro<> {
    aio::barrier b(2);
    auto other = [&]() -> aio::coro<> {
      for (int i = 0; i < 3; ++i) {
        co_await aio::sleep(1s);
        co_await b.wait();
      }
    };
    auto t = aio::create_task(other);
    for (int i = 0; i < 3; ++i) {
      co_await b.wait();
      co_await turns(1);
    }
    co_await t;
    if (b.n_waiting() != 0 || b.broken()) throw test::boom();
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 6);
}
