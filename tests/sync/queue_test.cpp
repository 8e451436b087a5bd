// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/sync/queue.hpp>  // first: proves the header stands alone

#include <aio/sync/event.hpp>
#include <aio/task/gather.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>
#include <aio/task/timeout.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::ending;
using test::turns;

namespace {

const std::string shut_down = "the queue was shut down";

/// "get x" or how it ended.
template <class Queue>
aio::coro<std::string> getting(Queue& q) {
  std::string how;
  try {
    how = "got " + co_await q.get();
  } catch (...) {
    how = test::name_of(std::current_exception());
  }
  co_return how;
}

/// Takes out all that is there.
template <class Queue>
std::string drain(Queue& q) {
  std::string all;
  while (auto item = q.try_get()) all += *item;
  return all;
}

}  // namespace

AIO_TEST("queue: items come out in the order they went in", "[sync][queue]") {
  aio::queue<std::string> q;
  CHECK(q.empty());
  CHECK_FALSE(q.full());
  CHECK(q.maxsize() == 0);
  bool gave_way = false;
  test::call_soon(loop, [&] { gave_way = true; });
  for (const char* const text : {"a", "b", "c"}) co_await q.put(text);
  CHECK(q.qsize() == 3);
  const std::string a = co_await q.get();
  CHECK(a == "a");
  CHECK(q.get_nowait() == "b");
  CHECK(q.try_get() == "c");
  CHECK(q.try_get() == std::nullopt);
  CHECK_THROWS_AS(q.get_nowait(), aio::queue_empty);
  CHECK_FALSE(gave_way);
  co_await turns(1);
}

AIO_TEST("queue: maxsize bounds it, zero and less do not", "[sync][queue]") {
  aio::queue<std::string> q(2);
  CHECK(q.maxsize() == 2);
  q.put_nowait("a");
  CHECK_FALSE(q.full());
  q.put_nowait("b");
  CHECK(q.full());
  CHECK_THROWS_AS(q.put_nowait("c"), aio::queue_full);
  std::string item = "a string that is long enough to be moved";
  CHECK_FALSE(q.try_put(std::move(item)));
  CHECK(item == "a string that is long enough to be moved");
  CHECK_FALSE(q.try_put(item));
  q.get_nowait();
  CHECK(q.try_put(item));
  CHECK_FALSE(item.empty());
  for (const int maxsize : {0, -1}) {
    aio::queue<int> unbounded(maxsize);
    for (int i = 0; i < 1000; ++i) unbounded.put_nowait(i);
    CHECK_FALSE(unbounded.full());
    CHECK(unbounded.maxsize() == maxsize);
    for (int i = 0; i < 1000; ++i) CHECK(unbounded.get_nowait() == i);
  }
  co_return;
}

AIO_TEST("queue: put() waits for room, in order", "[sync][queue]") {
  aio::queue<std::string> q(2);
  q.put_nowait("a");
  q.put_nowait("b");
  std::string log;
  auto producer = [&](std::string item) -> aio::coro<> {
    co_await q.put(item);
    log += item;
  };
  for (const char* const item : {"c", "d", "e"}) {
    aio::create_task(producer, std::string(item));
  }
  co_await turns(1);
  CHECK(log.empty());
  CHECK(q.get_nowait() == "a");
  CHECK(q.qsize() == 1);  // nobody has stored yet
  co_await turns(1);
  CHECK(log == "c");
  CHECK(drain(q) == "bc");  // wakes two
  co_await turns(1);
  CHECK(log == "cde");
  CHECK(drain(q) == "de");
}

AIO_TEST("queue: get() waits for an item, in order", "[sync][queue]") {
  aio::queue<std::string> q;
  std::vector<aio::task<std::string>> getters;
  for (int i = 0; i < 3; ++i) getters.push_back(aio::create_task(getting(q)));
  co_await turns(1);
  q.put_nowait("1");
  q.put_nowait("2");
  CHECK(q.qsize() == 2);
  co_await turns(1);
  CHECK(getters[0].result() == "got 1");
  CHECK(getters[1].result() == "got 2");
  CHECK_FALSE(getters[2].done());
  co_await q.put("3");
  const std::string last = co_await getters[2];
  CHECK(last == "got 3");
}

AIO_TEST("queue: a woken getter whose item was taken waits again, behind the others",
         "[sync][queue]") {
  aio::queue<std::string> q;
  auto a = aio::create_task(getting(q));
  auto b = aio::create_task(getting(q));
  co_await turns(1);
  q.put_nowait("1");
  CHECK(q.get_nowait() == "1");
  co_await turns(3);
  CHECK_FALSE(a.done());
  q.put_nowait("2");
  co_await turns(1);
  CHECK(b.result() == "got 2");
  CHECK_FALSE(a.done());
  q.put_nowait("3");
  co_await turns(1);
  CHECK(a.result() == "got 3");
}

AIO_TEST("queue: a woken putter whose room was taken waits again", "[sync][queue]") {
  aio::queue<std::string> q(1);
  q.put_nowait("1");
  auto a = aio::create_task(ending(q.put("a")));
  co_await turns(1);
  CHECK(q.get_nowait() == "1");
  q.put_nowait("2");
  co_await turns(3);
  CHECK_FALSE(a.done());
  CHECK(q.get_nowait() == "2");
  co_await turns(1);
  CHECK(a.result() == "returned");
  CHECK(drain(q) == "a");
}

AIO_TEST("queue: items need only be movable", "[sync][queue]") {
  aio::queue<std::unique_ptr<int>> q(1);
  co_await q.put(std::make_unique<int>(1));
  auto putter = aio::create_task([&]() -> aio::coro<> {
    co_await q.put(std::make_unique<int>(2));
    auto third = std::make_unique<int>(3);
    while (!q.try_put(std::move(third))) co_await turns(1);
  });
  for (const int n : {1, 2, 3}) {
    const auto item = co_await q.get();
    CHECK(*item == n);
  }
  co_await putter;
  aio::priority_queue<std::unique_ptr<int>, std::less<>> p;
  p.put_nowait(std::make_unique<int>(1));
  const auto item = co_await p.next();
  CHECK(item.has_value());
}

AIO_TEST("lifo_queue: the last in is the first out", "[sync][queue]") {
  aio::lifo_queue<int> q(3);
  for (const int n : {1, 2, 3}) co_await q.put(n);
  CHECK(q.full());
  const int top = co_await q.get();
  CHECK(top == 3);
  q.put_nowait(4);
  CHECK(q.get_nowait() == 4);
  CHECK(q.get_nowait() == 2);
  CHECK(q.get_nowait() == 1);
}

AIO_TEST("priority_queue: the smallest first, and of equal ones the oldest",
         "[sync][queue]") {
  aio::priority_queue<int> q;
  for (const int n : {5, 1, 4, 2, 3, 1}) co_await q.put(n);
  std::vector<int> out;
  while (!q.empty()) out.push_back(q.get_nowait());
  CHECK(out == std::vector<int>{1, 1, 2, 3, 4, 5});

  using job = std::pair<int, std::string>;
  auto by_rank = [](const job& a, const job& b) { return a.first < b.first; };
  aio::priority_queue<job, decltype(by_rank)> jobs(0, by_rank);
  for (int i = 0; i < 50; ++i) jobs.put_nowait(job(i % 3, std::to_string(i)));
  std::vector<int> last(3, -1);
  int rank = 0;
  while (auto next = jobs.try_get()) {
    CHECK(next->first >= rank);
    rank = next->first;
    const int number = std::stoi(next->second);
    CHECK(number > last.at(static_cast<std::size_t>(rank)));
    last.at(static_cast<std::size_t>(rank)) = number;
  }
  aio::priority_queue<int, std::greater<>> largest;
  for (const int n : {1, 3, 2}) largest.put_nowait(n);
  CHECK(largest.get_nowait() == 3);
}

AIO_TEST("priority_queue: who waits longest gets the smallest that is there",
         "[sync][queue]") {
  aio::priority_queue<int> q;
  auto first =
      aio::create_task([&]() -> aio::coro<int> { co_return co_await q.get(); });
  auto second =
      aio::create_task([&]() -> aio::coro<int> { co_return co_await q.get(); });
  co_await turns(1);
  q.put_nowait(9);
  q.put_nowait(1);
  co_await turns(1);
  CHECK(first.result() == 1);
  CHECK(second.result() == 9);

  aio::priority_queue<int> small(2);
  small.put_nowait(50);
  small.put_nowait(40);
  for (const int n : {30, 10, 20}) aio::create_task(ending(small.put(n)));
  co_await turns(1);
  std::vector<int> out;
  for (int i = 0; i < 5; ++i) {
    out.push_back(co_await small.get());
    co_await turns(1);
  }
  CHECK(out == std::vector<int>{40, 30, 10, 20, 50});
}

// The races below bear the names of those in CPython's test_queues.py.

AIO_TEST("queue: get_cancelled_race", "[sync][queue][cancel]") {
  aio::queue<std::string> q;
  auto a = aio::create_task(getting(q));
  auto b = aio::create_task(getting(q));
  co_await turns(1);
  a.cancel();
  co_await turns(1);
  CHECK(a.done());
  co_await q.put("x");
  co_await turns(1);
  CHECK(b.result() == "got x");
}

AIO_TEST("queue: get_with_waiting_putters", "[sync][queue]") {
  aio::queue<std::string> q(1);
  aio::create_task(ending(q.put("a")));
  aio::create_task(ending(q.put("b")));
  const std::string a = co_await q.get();
  const std::string b = co_await q.get();
  CHECK(a + b == "ab");
}

AIO_TEST("queue: why_are_getters_waiting", "[sync][queue]") {
  aio::queue<int> q(1);
  auto consumer = [&]() -> aio::coro<> {
    for (int i = 0; i < 5; ++i) co_await q.get();
  };
  auto producer = [&]() -> aio::coro<> {
    for (int i = 0; i < 5; ++i) co_await q.put(i);
  };
  co_await aio::gather(producer(), consumer());
  CHECK(q.empty());
}

AIO_TEST("queue: why_are_putters_waiting", "[sync][queue]") {
  aio::queue<int> q(2);
  auto putter = [&](int item) -> aio::coro<> { co_await q.put(item); };
  auto getter = [&]() -> aio::coro<> {
    co_await turns(1);
    for (std::size_t n = q.qsize(); n > 0; --n) q.get_nowait();
  };
  co_await aio::gather(getter(), putter(0), putter(1), putter(2), putter(3));
  CHECK(q.qsize() == 2);
}

AIO_TEST("queue: get_cancel_drop_one_pending_reader: its item stays",
         "[sync][queue][cancel]") {
  aio::queue<std::string> q;
  auto reader = aio::create_task(getting(q));
  co_await turns(1);
  q.put_nowait("1");
  q.put_nowait("2");
  reader.cancel();
  const std::string how = co_await reader;
  CHECK(how == "cancelled");
  const std::string next = co_await getting(q);
  CHECK(next == "got 1");
}

AIO_TEST("queue: get_cancel_drop_many_pending_readers: the next one is woken",
         "[sync][queue][cancel]") {
  aio::queue<std::string> q;
  auto a = aio::create_task(getting(q));
  auto b = aio::create_task(getting(q));
  auto c = aio::create_task(getting(q));
  co_await turns(1);
  q.put_nowait("1");
  q.put_nowait("2");
  a.cancel();
  co_await turns(1);
  CHECK(a.result() == "cancelled");
  CHECK(b.result() == "got 1");
  CHECK_FALSE(c.done());
  co_await turns(1);
  CHECK(c.result() == "got 2");
}

AIO_TEST("queue: put_cancel_drop: a cancelled put stores nothing",
         "[sync][queue][cancel]") {
  aio::queue<std::string> q(1);
  q.put_nowait("1");
  auto writer = aio::create_task(ending(q.put("2")));
  co_await turns(1);
  CHECK(q.get_nowait() == "1");
  writer.cancel();
  const std::string how = co_await writer;
  CHECK(how == "cancelled");
  CHECK(q.empty());
  co_await q.put("3");
  CHECK(drain(q) == "3");
}

AIO_TEST("queue: put_cancelled_race", "[sync][queue][cancel]") {
  aio::queue<std::string> q(1);
  auto a = aio::create_task(ending(q.put("a")));
  auto b = aio::create_task(ending(q.put("b")));
  auto c = aio::create_task(ending(q.put("X")));
  co_await turns(1);
  CHECK(a.done());
  CHECK_FALSE(b.done());
  c.cancel();
  co_await turns(1);
  CHECK(c.result() == "cancelled");
  CHECK(q.get_nowait() == "a");
  co_await turns(1);
  CHECK(q.get_nowait() == "b");
  CHECK(b.result() == "returned");
}

AIO_TEST("queue: a woken putter that is cancelled wakes the next",
         "[sync][queue][cancel]") {
  aio::queue<std::string> q(1);
  q.put_nowait("1");
  auto a = aio::create_task(ending(q.put("a")));
  auto b = aio::create_task(ending(q.put("b")));
  co_await turns(1);
  q.get_nowait();
  a.cancel();
  co_await turns(2);
  CHECK(a.result() == "cancelled");
  CHECK(b.result() == "returned");
  CHECK(drain(q) == "b");
}

AIO_TEST("queue: cancelled_getters_not_being_held: a timeout leaves nobody in line",
         "[sync][queue][cancel]") {
  aio::queue<std::string> q(1);
  const std::string none = co_await ending(aio::wait_for(q.get(), 1s));
  CHECK(none == "timeout");
  q.put_nowait("a");
  const std::string full = co_await ending(aio::wait_for(q.put("b"), 1s));
  CHECK(full == "timeout");
  CHECK(drain(q) == "a");
}

AIO_TEST("queue: join() waits until every item is dealt with", "[sync][queue]") {
  aio::queue<int> q;
  co_await q.join();
  CHECK_THROWS_AS(q.task_done(), std::invalid_argument);
  int done = 0;
  auto worker = [&]() -> aio::coro<> {
    for (;;) {
      const int n = co_await q.get();
      co_await turns(n);
      ++done;
      q.task_done();
    }
  };
  for (const int n : {4, 1, 2, 1, 3}) q.put_nowait(n);
  auto a = aio::create_task(worker);
  auto b = aio::create_task(worker);
  auto joiner = aio::create_task(ending(q.join()));
  co_await q.join();
  CHECK(done == 5);
  co_await joiner;
  a.cancel();
  b.cancel();
  co_await turns(1);

  q.put_nowait(0);
  co_await q.get();
  auto patient = aio::create_task(ending(q.join()));
  co_await turns(2);
  CHECK_FALSE(patient.done());  // taken is not done
  q.task_done();
  co_await turns(1);
  CHECK(patient.done());
  CHECK_THROWS_AS(q.task_done(), std::invalid_argument);
}

AIO_TEST("queue: shutdown() lets what is in it be taken out", "[sync][queue]") {
  aio::queue<std::string> q;
  q.put_nowait("a");
  q.put_nowait("b");
  q.put_nowait("c");
  q.shutdown();
  const std::string put = co_await ending(q.put("d"));
  CHECK(put == shut_down);
  CHECK_THROWS_AS(q.put_nowait("d"), aio::queue_shut_down);
  CHECK_THROWS_AS(q.try_put("d"), aio::queue_shut_down);
  const std::string a = co_await getting(q);
  CHECK(a == "got a");
  CHECK(q.get_nowait() == "b");
  const std::optional<std::string> c = co_await q.next();
  CHECK(c == "c");
  const std::string none = co_await getting(q);
  CHECK(none == shut_down);
  const std::optional<std::string> end = co_await q.next();
  CHECK(end == std::nullopt);
  CHECK_THROWS_AS(q.get_nowait(), aio::queue_shut_down);
  CHECK_THROWS_AS(q.try_get(), aio::queue_shut_down);
  q.shutdown();
  auto joiner = aio::create_task(ending(q.join()));
  co_await turns(1);
  CHECK_FALSE(joiner.done());  // taken is not done
  for (int i = 0; i < 3; ++i) q.task_done();
  co_await joiner;
}

AIO_TEST("queue: shutdown() tells those who wait", "[sync][queue]") {
  aio::queue<std::string> q(1);
  auto a = aio::create_task(getting(q));
  auto b = aio::create_task(getting(q));
  auto n = aio::create_task([&]() -> aio::coro<bool> {
    const auto item = co_await q.next();
    co_return item.has_value();
  });
  co_await turns(1);
  q.put_nowait("x");
  q.shutdown();
  co_await turns(1);
  CHECK(a.result() == "got x");
  CHECK(b.result() == shut_down);
  CHECK_FALSE(n.result());

  aio::queue<std::string> full(1);
  full.put_nowait("x");
  auto p = aio::create_task(ending(full.put("y")));
  auto r = aio::create_task(ending(full.put("z")));
  co_await turns(1);
  full.shutdown();
  co_await turns(1);
  CHECK(p.result() == shut_down);
  CHECK(r.result() == shut_down);
  CHECK(full.get_nowait() == "x");
}

AIO_TEST("queue: shutdown(immediate) drops what is in it, as if dealt with",
         "[sync][queue]") {
  aio::queue<std::string> q;
  q.put_nowait("a");
  q.put_nowait("b");
  auto joiner = aio::create_task(ending(q.join()));
  co_await turns(1);
  CHECK(q.get_nowait() == "a");
  q.shutdown(aio::immediate);
  CHECK(q.empty());
  const std::string none = co_await getting(q);
  CHECK(none == shut_down);
  co_await turns(1);
  CHECK_FALSE(joiner.done());
  q.task_done();  // of the one that was taken
  CHECK_THROWS_AS(q.task_done(), std::invalid_argument);
  co_await turns(1);
  CHECK(joiner.done());

  aio::queue<std::string> full(1);
  full.put_nowait("x");
  auto p = aio::create_task(ending(full.put("y")));
  auto j = aio::create_task(ending(full.join()));
  co_await turns(1);
  full.shutdown(aio::immediate);
  co_await turns(1);
  CHECK(p.result() == shut_down);
  CHECK(j.result() == "returned");
}

TEST_CASE("queue: a second loop cannot wait for it, on either side", "[sync][queue]") {
  aio::queue<std::string> q(1);
  aio::testing::virtual_loop first;
  auto getter = test::start(first, getting(q));
  first.turn();
  {
    aio::testing::virtual_loop second;
    CHECK(second.run(getting(q)) == "usage");
  }
  q.put_nowait("a");
  first.turn();
  CHECK(getter.result() == "got a");
  q.put_nowait("b");
  aio::testing::virtual_loop second;
  CHECK(second.run(ending(q.put("c"))) == "usage");
  CHECK(drain(q) == "b");
}

AIO_TEST("queue: destroyed while tasks wait, it tells them", "[sync][queue]") {
  auto q = std::make_unique<aio::queue<std::string>>(1);
  auto woken = aio::create_task(getting(*q));
  auto asleep = aio::create_task(getting(*q));
  co_await turns(1);
  q->put_nowait("a");
  auto putter = aio::create_task(ending(q->put("b")));
  auto joiner = aio::create_task(ending(q->join()));
  co_await turns(0);
  test::call_soon(loop, [&] { q.reset(); });
  auto lost = aio::create_task([&]() -> aio::coro<bool> { co_return q == nullptr; });
  co_await turns(3);
  CHECK(woken.result() == "got a");
  CHECK(asleep.result() == "usage");
  CHECK(putter.result() == "returned");
  CHECK(joiner.result() == "usage");
  CHECK(lost.result());

  q = std::make_unique<aio::queue<std::string>>(1);
  auto late = aio::create_task(getting(*q));
  co_await turns(1);
  q->put_nowait("a");
  q.reset();  // after the wake-up, before it runs
  co_await turns(1);
  CHECK(late.result() == "usage");
}

TEST_CASE("queue: cancelled at each await, no item is lost", "[sync][queue][cancel]") {
  int alive = 0;
  auto make = [&]() -> aio::coro<> {
    aio::queue<std::shared_ptr<test::counted>> q(1);
    auto producer = [&]() -> aio::coro<> {
      for (int i = 0; i < 4; ++i) {
        co_await q.put(std::make_shared<test::counted>(alive));
        if (i == 1) co_await aio::sleep(1s);
      }
      co_await q.join();
    };
    auto p = aio::create_task(producer);
    for (int i = 0; i < 4; ++i) {
      const auto item = co_await q.get();
      co_await turns(i % 2);
      q.task_done();
    }
    co_await q.join();
    co_await p;
  };
  const int cancels = test::cancel_at_every_await(
      make, [](const aio::task<>& t) { CHECK(t.cancelled()); });
  CHECK(cancels >= 4);
  CHECK(alive == 0);
}
