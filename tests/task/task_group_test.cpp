// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/task_group.hpp>  // first: proves the header stands alone

#include <aio/core/exception_group.hpp>
#include <aio/sync/event.hpp>
#include <aio/task/run_until_complete.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/timeout.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::ending_of;
using test::name_of;

namespace {

aio::coro<> nap(aio::duration length = 10s) { co_await aio::sleep(length); }

aio::coro<int> value_after(int turns, int value) {
  co_await test::turns(turns);
  co_return value;
}

aio::coro<> fail_after(int turns, std::string text = "boom") {
  co_await test::turns(turns);
  throw boom(text);
}

/// Notes how it ended in `log`.
aio::coro<> logged_nap(std::string& log, char name) {
  try {
    co_await aio::sleep(10s);
  } catch (const aio::cancelled_error&) {
    log += name;
    throw;
  }
}

/// Starts another one of its kind, `depth` times.
aio::coro<> spawn(aio::task_group& group, int depth, int& ended) {
  co_await aio::sleep(1s);
  if (depth > 0) group.create_task(spawn(group, depth - 1, ended));
  ++ended;
}

/// The names in a group in its order, "(...)" around inner ones.
std::string names_in(const aio::exception_group& group) {
  std::string names;
  for (const std::exception_ptr& one : group.exceptions()) {
    if (!names.empty()) names += ' ';
    try {
      std::rethrow_exception(one);
    } catch (const aio::exception_group& inner) {
      names += '(' + names_in(inner) + ')';
    } catch (...) {
      names += name_of(one);
    }
  }
  return names;
}

/// How a block in a group ended: as ending(), or the errors in brackets.
template <class Body>
aio::coro<std::string> block(Body body) {
  std::string how = "returned";
  try {
    co_await aio::with(aio::task_group{}, std::move(body));
  } catch (const aio::exception_group& group) {
    how = '[' + names_in(group) + ']';
  } catch (...) {
    how = name_of(std::current_exception());
  }
  co_return how;
}

}  // namespace

// ----- normal use -----

AIO_TEST("task_group: ends when all its children have ended", "[task][task_group]") {
  std::vector<aio::task<int>> made;
  auto body = [&](aio::task_group& group) -> aio::coro<std::string> {
    made.push_back(group.create_task(value_after(3, 1)));
    made.push_back(group.create_task(value_after(1, 2)));
    co_return "value";
  };
  const std::string value = co_await aio::with(aio::task_group{}, body);
  CHECK(value == "value");
  REQUIRE(made.size() == 2);
  CHECK(made[0].result() == 1);
  CHECK(made[1].result() == 2);
}

AIO_TEST("task_group: without children it does not give way", "[task][task_group]") {
  const test::turn_mark turn(loop);
  const std::string how =
      co_await block([](aio::task_group&) -> aio::coro<> { co_return; });
  CHECK(how == "returned");
  CHECK_FALSE(turn.is_over());
}

AIO_TEST("task_group: ends two turns after its last child", "[task][task_group]") {
  auto gate = test::make_future(loop);
  auto waits = [&]() -> aio::coro<> { co_await gate; };
  auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(waits);
    co_return;
  }));
  co_await test::turns(3);
  gate.set_result();
  co_await test::turns(1);
  CHECK_FALSE(owner.done());  // the child ends
  co_await test::turns(1);
  CHECK_FALSE(owner.done());  // the group sees it
  co_await test::turns(1);
  CHECK(owner.done());
}

AIO_TEST("task_group: starts children in the order of their creation",
         "[task][task_group]") {
  std::string log;
  auto child = [&](char name) -> aio::coro<> {
    log += name;
    co_return;
  };
  co_await aio::with(aio::task_group{}, [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(child('a'));
    group.create_task(child, 'b');
    group.create_task({.name = "third"}, child, 'c');
    group.create_task(child('d'), {.name = "fourth"});
    CHECK(log.empty());
    co_return;
  });
  CHECK(log == "abcd");
}

AIO_TEST("task_group: children have names, contexts and what they were given",
         "[task][task_group]") {
  const aio::context_var<int> var{"var", 0};
  const aio::context context;
  context.run([&] { var.set(7); });
  auto child = [&](std::unique_ptr<int> n) -> aio::coro<std::string> {
    co_await aio::sleep(0s);
    co_return aio::current_task().name() + std::to_string(*n + var.get());
  };
  aio::task<std::string> a;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& group) -> aio::coro<> {
    a = group.create_task({.name = "child", .context = context}, child,
                          std::make_unique<int>(1));
    co_return;
  });
  CHECK(a.result() == "child8");
}

AIO_TEST("task_group: takes awaitables that are no coroutines", "[task][task_group]") {
  aio::event ready;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(ready.wait());
    ready.set();
    co_return;
  });
  CHECK(ready.is_set());
}

AIO_TEST("task_group: children may start more children, also while it ends",
         "[task][task_group]") {
  int ended = 0;
  co_await aio::with(aio::task_group{}, [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(spawn(group, 3, ended));
    co_return;
  });
  CHECK(ended == 4);
  CHECK(loop.now() == 4s);
}

AIO_TEST("task_group: as a named object, and a nested one", "[task][task_group]") {
  std::string log;
  aio::task_group outer;
  co_await aio::with(outer, [&](aio::task_group& group) -> aio::coro<> {
    CHECK(&group == &outer);
    co_await aio::with(aio::task_group{}, [&](aio::task_group& inner) -> aio::coro<> {
      auto child = [&](const char* name, aio::duration length) -> aio::coro<> {
        co_await aio::sleep(length);
        log += name;
      };
      outer.create_task([&log]() -> aio::coro<> {
        co_await aio::sleep(3s);
        log += "outer ";
      });
      inner.create_task(child, "inner ", 1s);
      co_return;
    });
    log += "between ";
  });
  CHECK(log == "inner between outer ");
  CHECK(loop.now() == 3s);
}

AIO_TEST("task_group: a child that ends in its eager start counts",
         "[task][task_group]") {
  aio::task<int> a;
  auto at_once = []() -> aio::coro<int> { co_return 5; };
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    a = group.create_task(at_once(), {.eager_start = true});
    CHECK(a.done());
    co_return;
  });
  CHECK(how == "returned");
  CHECK(a.result() == 5);
}

// ----- errors -----

AIO_TEST("task_group: a child that fails cancels its siblings and the body",
         "[task][task_group]") {
  std::string log;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    group.create_task(fail_after(1));
    group.create_task(logged_nap(log, 'b'));
    co_await logged_nap(log, 'B');
  });
  CHECK(how == "[boom]");
  CHECK(log == "abB");
  CHECK(loop.now() == 0s);
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);  // nothing of the cancel is left
}

AIO_TEST("task_group: a child that fails after the body cancels its siblings",
         "[task][task_group]") {
  std::string log;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    group.create_task(fail_after(5));
    co_return;
  });
  CHECK(how == "[boom]");
  CHECK(log == "a");
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);
}

AIO_TEST("task_group: a body that throws cancels the children", "[task][task_group]") {
  std::string log;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    co_await aio::sleep(1s);
    throw boom("body");
  });
  CHECK(how == "[body]");
  CHECK(log == "a");
  CHECK(loop.now() == 1s);
}

AIO_TEST("task_group: children that had no step yet never run if the body throws",
         "[task][task_group]") {
  bool ran = false;
  aio::task<> child;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    child = group.create_task([&]() -> aio::coro<> {
      ran = true;
      co_return;
    });
    throw boom("body");
    co_return;
  });
  CHECK(how == "[body]");
  CHECK(child.cancelled());
  CHECK_FALSE(ran);
}

AIO_TEST("task_group: errors in the order they came, the body's last",
         "[task][task_group]") {
  auto fails_when_cancelled = [](std::string text) -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    co_await aio::sleep(1s);
    if (cancelled) throw boom(text);
  };
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(fails_when_cancelled("a"));
    group.create_task(fail_after(2, "first"));
    group.create_task(fails_when_cancelled("b"));
    co_await fails_when_cancelled("body");
  });
  CHECK(how == "[first a b body]");
  CHECK(loop.now() == 1s);
}

AIO_TEST("task_group: children that fail in one turn are all reported",
         "[task][task_group]") {
  const std::string how = co_await block([](aio::task_group& group) -> aio::coro<> {
    group.create_task(fail_after(1, "a"));
    group.create_task(fail_after(1, "b"));
    group.create_task(fail_after(1, "c"));
    co_await aio::sleep(1s);
  });
  CHECK(how == "[a b c]");
  CHECK(aio::current_task().cancelling() == 0);
}

AIO_TEST("task_group: the message of its group tells where it is from",
         "[task][task_group]") {
  const std::string how = co_await ending(
      aio::with(aio::task_group{}, [](aio::task_group& group) -> aio::coro<> {
        group.create_task(fail_after(0));
        co_return;
      }));
  CHECK(how == "unhandled errors in a task_group (1 sub-exception)");
}

AIO_TEST("task_group: errors it has thrown are not reported once more",
         "[task][task_group][report]") {
  test::reports reports(loop);
  const std::string how = co_await block([](aio::task_group& group) -> aio::coro<> {
    group.create_task(fail_after(1, "a"));
    group.create_task(fail_after(2, "b"));
    co_return;
  });
  CHECK(how == "[a]");  // the other one was cancelled before
  CHECK(reports.count() == 0);
}

AIO_TEST("task_group: a body that swallows the cancel goes on to its end",
         "[task][task_group]") {
  bool went_on = false;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(fail_after(1));
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    CHECK(cancelled);
    CHECK(aio::current_task().cancelling() == 1);
    co_await aio::sleep(1s);
    went_on = true;
  });
  CHECK(how == "[boom]");
  CHECK(went_on);
  CHECK(aio::current_task().cancelling() == 0);
}

AIO_TEST("task_group: a body that does not await again is not cancelled",
         "[task][task_group]") {
  auto gate = test::make_future(loop);
  auto fails = [&]() -> aio::coro<> {
    co_await gate;
    throw boom();
  };
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(fails);
    co_await test::turns(2);
    gate.set_result();
    co_await test::turns(1);  // it fails now, and the group sees it in the next turn
  });
  CHECK(how == "[boom]");
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);
}

AIO_TEST("task_group: nested ones nest their errors", "[task][task_group]") {
  const std::string how = co_await block([](aio::task_group& outer) -> aio::coro<> {
    outer.create_task(fail_after(10, "outer"));
    co_await aio::with(aio::task_group{}, [](aio::task_group& inner) -> aio::coro<> {
      inner.create_task(fail_after(1, "inner"));
      co_await aio::sleep(10s);
    });
  });
  // The inner one is over before the other child fails.
  CHECK(how == "[(inner)]");
}

AIO_TEST("task_group: nested ones that fail in one turn count their own cancels",
         "[task][task_group]") {
  std::uint32_t between = 0;
  const std::string how = co_await block([&](aio::task_group& outer) -> aio::coro<> {
    outer.create_task(fail_after(2, "outer"));
    try {
      co_await aio::with(aio::task_group{}, [](aio::task_group& inner) -> aio::coro<> {
        inner.create_task(fail_after(2, "inner"));
        co_await aio::sleep(10s);
      });
    } catch (...) {
      between = aio::current_task().cancelling();
      throw;
    }
  });
  CHECK(how == "[outer (inner)]");
  CHECK(between == 1);
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);
}

AIO_TEST("task_group: an inner one that swallows its error leaves the outer in order",
         "[task][task_group]") {
  const std::string how = co_await block([](aio::task_group& outer) -> aio::coro<> {
    auto napping = outer.create_task(nap(1s));
    const std::string inner = co_await block([](aio::task_group& group) -> aio::coro<> {
      group.create_task(fail_after(1));
      co_await aio::sleep(10s);
    });
    CHECK(inner == "[boom]");
    co_await napping;
  });
  CHECK(how == "returned");
  CHECK(loop.now() == 1s);
}

// ----- cancelled children -----

AIO_TEST("task_group: a child that is cancelled is no error",
         "[task][task_group][cancel]") {
  aio::task<> sibling;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    auto one = group.create_task(nap());
    sibling = group.create_task(nap(1s));
    group.create_task([]() -> aio::coro<> {
      throw aio::cancelled_error("by itself");
      co_return;
    });
    co_await aio::sleep(0s);
    one.cancel();
  });
  CHECK(how == "returned");
  CHECK(loop.now() == 1s);
  CHECK_FALSE(sibling.cancelled());
}

AIO_TEST("task_group: awaiting a cancelled child ends the body with its cancel",
         "[task][task_group][cancel]") {
  aio::task<> sibling;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    sibling = group.create_task(nap());
    auto one = group.create_task(nap());
    co_await aio::sleep(0s);
    one.cancel("why");
    co_await one;
  });
  CHECK(how == "cancelled: why");
  CHECK(sibling.cancelled());
  CHECK(aio::current_task().cancelling() == 0);
}

// ----- cancelled from outside -----

AIO_TEST("task_group: cancelled in its body it cancels the children",
         "[task][task_group][cancel]") {
  std::string log;
  auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    group.create_task(logged_nap(log, 'b'));
    co_await logged_nap(log, 'B');
  }));
  co_await test::turns(3);
  owner.cancel("why");
  const std::string how = co_await owner;
  CHECK(how == "cancelled: why");
  CHECK(log == "Bab");
  CHECK(owner.cancelling() == 1);
}

AIO_TEST("task_group: cancelled while it waits for children it cancels them",
         "[task][task_group][cancel]") {
  std::string log;
  auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    co_return;
  }));
  co_await test::turns(3);
  owner.cancel("why");
  const std::string how = co_await owner;
  CHECK(how == "cancelled: why");
  CHECK(log == "a");
}

AIO_TEST("task_group: cancelled again and again it still waits for its children",
         "[task][task_group][cancel]") {
  auto stubborn = []() -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    if (cancelled) co_await aio::sleep(5s);
  };
  aio::task<> child;
  auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
    child = group.create_task(stubborn);
    co_return;
  }));
  co_await aio::sleep(1s);
  for (int i = 0; i < 3; ++i) {
    owner.cancel(std::to_string(i));
    co_await aio::sleep(1s);
    CHECK_FALSE(owner.done());
  }
  const std::string how = co_await owner;
  CHECK(how == "cancelled: 0");
  CHECK(loop.now() == 6s);
  CHECK_FALSE(child.cancelled());  // only the first request reached it
}

AIO_TEST("task_group: two cancels in one turn are one", "[task][task_group][cancel]") {
  auto owner = aio::create_task(block([](aio::task_group& group) -> aio::coro<> {
    group.create_task(nap());
    co_await nap();
  }));
  co_await test::turns(3);
  owner.cancel("first");
  owner.cancel("second");
  const std::string how = co_await owner;
  CHECK(how == "cancelled: first");
  CHECK(owner.cancelling() == 2);
}

AIO_TEST("task_group: cancelled before the children began, none of them runs",
         "[task][task_group][cancel]") {
  bool ran = false;
  auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task([&]() -> aio::coro<> {
      ran = true;
      co_return;
    });
    aio::current_task().cancel();
    co_await aio::sleep(0s);
  }));
  const std::string how = co_await owner;
  CHECK(how == "cancelled");
  CHECK(ran);  // it was in line before the cancel
  ran = false;
  auto at_once = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task([&]() -> aio::coro<> {
      ran = true;
      co_return;
    });
    throw aio::cancelled_error();
    co_return;
  }));
  const std::string how_at_once = co_await at_once;
  CHECK(how_at_once == "cancelled");
  CHECK_FALSE(ran);
}

AIO_TEST("task_group: its last child ends and it is cancelled in one turn, both orders",
         "[task][task_group][cancel]") {
  for (const bool cancel_first : {true, false}) {
    auto gate = test::make_future(loop);
    auto waits = [&]() -> aio::coro<> { co_await gate; };
    aio::task<> child;
    auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
      child = group.create_task(waits);
      co_return;
    }));
    co_await test::turns(3);
    if (cancel_first) owner.cancel("why");
    gate.set_result();
    if (!cancel_first) owner.cancel("why");
    const std::string how = co_await owner;
    CHECK(how == "cancelled: why");
    CHECK(child.done());
    CHECK(child.cancelled() == cancel_first);
  }
}

AIO_TEST("task_group: cancelled when its last child has ended, it raises",
         "[task][task_group][cancel]") {
  aio::task<int> child;
  auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
    child = group.create_task(value_after(4, 1));
    co_return;
  }));
  while (!child || !child.done()) co_await aio::sleep(0s);
  CHECK_FALSE(owner.done());
  owner.cancel("late");
  const std::string how = co_await owner;
  CHECK(how == "cancelled: late");
  CHECK(child.result() == 1);
}

AIO_TEST("task_group: errors count more than a cancel, which stays pending",
         "[task][task_group][cancel]") {
  auto fails_when_cancelled = []() -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    if (cancelled) throw boom("child");
  };
  std::string after = "not reached";
  std::uint32_t count = 0;
  auto owner = aio::create_task([&]() -> aio::coro<std::string> {
    std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
      group.create_task(fails_when_cancelled);
      co_await aio::sleep(10s);
    });
    count = aio::current_task().cancelling();
    after = co_await ending(aio::sleep(1s));
    co_return how;
  });
  co_await test::turns(3);
  owner.cancel();
  const std::string how = co_await owner;
  CHECK(how == "[child]");
  CHECK(count == 1);
  CHECK(after == "cancelled");
}

AIO_TEST("task_group: a child fails and it is cancelled in one turn, both orders",
         "[task][task_group][cancel]") {
  for (const bool cancel_first : {true, false}) {
    auto gate = test::make_future(loop);
    auto fails = [&]() -> aio::coro<> {
      co_await gate;
      throw boom();
    };
    std::string after;
    auto owner = aio::create_task([&]() -> aio::coro<std::string> {
      std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
        group.create_task(fails);
        co_await aio::sleep(10s);
      });
      after = co_await ending(aio::sleep(1s));
      co_return how;
    });
    co_await test::turns(3);
    gate.set_result();
    if (!cancel_first)
      co_await aio::sleep(0s);  // it has failed; the group was not told
    owner.cancel();
    const std::string how = co_await owner;
    CHECK(how == "[boom]");
    CHECK(after == "cancelled");
    CHECK(owner.cancelling() == 1);
  }
}

AIO_TEST("task_group: in a timeout", "[task][task_group][cancel]") {
  std::string log;
  auto body = [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    co_await logged_nap(log, 'B');
  };
  const std::string how =
      co_await ending(aio::wait_for(aio::with(aio::task_group{}, body), 2s));
  CHECK(how == "timeout");
  CHECK(log == "Ba");
  CHECK(loop.now() == 2s);
  CHECK(aio::current_task().cancelling() == 0);
}

AIO_TEST("task_group: an error beats the timeout around it",
         "[task][task_group][cancel]") {
  auto fails_when_cancelled = []() -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    if (cancelled) throw boom("child");
  };
  std::string inside;
  auto body = [&]() -> aio::coro<> {
    inside = co_await block([&](aio::task_group& group) -> aio::coro<> {
      group.create_task(fails_when_cancelled);
      co_return;
    });
    co_await aio::sleep(10s);
  };
  const std::string how = co_await ending(aio::wait_for(body(), 2s));
  CHECK(inside == "[child]");
  CHECK(how == "timeout");
  CHECK(loop.now() == 2s);
}

TEST_CASE("task_group: cancelled at every await, no child of it stays",
          "[task][task_group][cancel]") {
  int alive = 0;
  auto child = [&](test::counted) -> aio::coro<> {
    co_await aio::sleep(1s);
    co_await aio::sleep(0s);
  };
  auto make = [&]() -> aio::coro<> {
    CHECK(alive == 0);
    auto body = [&](aio::task_group& group) -> aio::coro<> {
      group.create_task(child, test::counted(alive));
      co_await aio::sleep(0s);
      group.create_task(child, test::counted(alive));
      co_await aio::with(aio::task_group{}, [&](aio::task_group& inner) -> aio::coro<> {
        inner.create_task(child, test::counted(alive));
        co_await aio::sleep(2s);
      });
    };
    co_await aio::with(aio::task_group{}, body);
    CHECK(alive == 0);
  };
  const int cancels = test::cancel_at_every_await(make, [&](const aio::task<>& t) {
    CHECK(t.cancelled());
    CHECK(alive == 0);
  });
  CHECK(cancels >= 6);
  CHECK(alive == 0);
}

// ----- cancel() -----

AIO_TEST("task_group: cancel() ends the block without an error",
         "[task][task_group][cancel]") {
  std::string log;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    group.create_task([&]() -> aio::coro<> {
      co_await aio::sleep(1s);
      group.cancel();
      group.cancel();
    });
    co_await logged_nap(log, 'B');
  });
  CHECK(how == "returned");
  CHECK(log == "aB");
  CHECK(loop.now() == 1s);
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);
}

AIO_TEST("task_group: cancel() in the body takes effect at its next await",
         "[task][task_group][cancel]") {
  std::string log;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(logged_nap(log, 'a'));
    co_await aio::sleep(0s);
    group.cancel();
    log += '1';
    co_await aio::sleep(0s);
    log += '2';
  });
  CHECK(how == "returned");
  CHECK(log == "1a");
}

AIO_TEST("task_group: cancel() without another await, and after the block",
         "[task][task_group][cancel]") {
  aio::task_group group;
  co_await aio::with(group, [&]() -> aio::coro<> {
    group.cancel();
    co_return;
  });
  group.cancel();
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);
}

AIO_TEST("task_group: cancel() before the block takes effect on entry",
         "[task][task_group][cancel]") {
  std::string log;
  aio::task_group group;
  group.cancel();
  co_await aio::with(std::move(group), [&](aio::task_group& entered) -> aio::coro<> {
    log += "body ";
    CHECK(ending_of([&] { return entered.create_task(nap()); }) == "usage");
    co_await aio::sleep(1s);
    log += "not reached";
  });
  CHECK(log == "body ");
  CHECK(loop.now() == 0s);
  co_await aio::sleep(0s);
}

AIO_TEST("task_group: errors while cancel() is carried out are thrown",
         "[task][task_group][cancel]") {
  auto fails_when_cancelled = []() -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    if (cancelled) throw boom("child");
  };
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(fails_when_cancelled);
    co_await aio::sleep(0s);
    group.cancel();
  });
  CHECK(how == "[child]");
  CHECK(aio::current_task().cancelling() == 0);
  co_await aio::sleep(0s);
}

AIO_TEST("task_group: a cancel from outside goes on through one that cancel() ended",
         "[task][task_group][cancel]") {
  auto stubborn = []() -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    if (cancelled) co_await aio::sleep(5s);
  };
  for (const bool in_body : {true, false}) {
    auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
      group.create_task(stubborn);
      group.create_task([&]() -> aio::coro<> {
        co_await aio::sleep(1s);
        group.cancel();
      });
      if (in_body) co_await aio::sleep(10s);
    }));
    co_await aio::sleep(2s);
    CHECK_FALSE(owner.done());
    owner.cancel("outside");
    const std::string how = co_await owner;
    CHECK(how == (in_body ? "cancelled" : "cancelled: outside"));
    CHECK(owner.cancelling() == 1);
  }
}

AIO_TEST("task_group: cancel() and a cancel from outside in one turn, both orders",
         "[task][task_group][cancel]") {
  for (const bool outside_first : {true, false}) {
    aio::task_group* inside = nullptr;
    auto owner = aio::create_task(block([&](aio::task_group& group) -> aio::coro<> {
      inside = &group;
      group.create_task(nap());
      co_await nap();
    }));
    co_await test::turns(3);
    REQUIRE(inside != nullptr);
    if (outside_first) owner.cancel();
    inside->cancel();
    if (!outside_first) owner.cancel();
    const std::string how = co_await owner;
    CHECK(how == "cancelled");
    CHECK(owner.cancelling() == 1);
  }
}

// ----- eager children -----

AIO_TEST("task_group: an eager child that fails at once shuts the group down there",
         "[task][task_group][eager]") {
  std::string log;
  auto fails_at_once = []() -> aio::coro<> {
    throw boom();
    co_return;
  };
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task(fails_at_once(), {.eager_start = true});
    CHECK(aio::current_task().cancelling() == 1);
    log += "created ";
    CHECK_THROWS_AS(group.create_task(logged_nap(log, 'a')), aio::usage_error);
    co_await logged_nap(log, 'B');
  });
  CHECK(how == "[boom]");
  CHECK(log == "created B");  // it is cancelled at its await
}

AIO_TEST("task_group: children that are done when they are made need no wait",
         "[task][task_group][eager]") {
  auto at_once = []() -> aio::coro<int> { co_return 1; };
  const std::uint64_t before = loop.core().turn_number();
  co_await aio::with(aio::task_group{}, [&](aio::task_group& group) -> aio::coro<> {
    for (int i = 0; i < 3; ++i) group.create_task(at_once(), {.eager_start = true});
    co_return;
  });
  CHECK(loop.core().turn_number() == before);
}

AIO_TEST("task_group: an eager child that cancels its group is cancelled with it",
         "[task][task_group][eager][cancel]") {
  aio::event never;
  aio::task<> child;
  auto suicidal = [&](aio::task_group& group) -> aio::coro<> {
    group.cancel();
    co_await never.wait();
  };
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    child = group.create_task(suicidal(group), {.eager_start = true});
    CHECK_FALSE(child.done());
    co_return;
  });
  CHECK(how == "returned");
  CHECK(child.cancelled());
}

AIO_TEST("task_group: an eager child that cancels its group and ends is left as it is",
         "[task][task_group][eager][cancel]") {
  aio::task<int> child;
  auto suicidal = [&](aio::task_group& group) -> aio::coro<int> {
    group.cancel();
    co_return 1;
  };
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    child = group.create_task(suicidal(group), {.eager_start = true});
    co_return;
  });
  CHECK(how == "returned");
  CHECK(child.result() == 1);
}

// ----- keyboard_interrupt and generator_exit -----

TEST_CASE("task_group: a keyboard_interrupt comes out bare, other errors are reported",
          "[task][task_group][report]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  std::string how;
  auto fails_when_cancelled = []() -> aio::coro<> {
    bool cancelled = false;
    try {
      co_await aio::sleep(10s);
    } catch (const aio::cancelled_error&) {
      cancelled = true;
    }
    if (cancelled) throw boom("child");
  };
  auto body = [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(fails_when_cancelled);
    co_await aio::sleep(0s);
    throw aio::keyboard_interrupt();
  };
  auto main = [&]() -> aio::coro<> {
    try {
      co_await aio::with(aio::task_group{}, body);
    } catch (const aio::keyboard_interrupt&) {
      how = "bare";
    }
  };
  loop.run(main());
  CHECK(how == "bare");
  CHECK(reports.take() == "child");
}

TEST_CASE("task_group: a child's keyboard_interrupt leaves the loop, then the block",
          "[task][task_group]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  std::string log;
  std::string how;
  auto interrupted = []() -> aio::coro<> {
    co_await aio::sleep(0s);
    throw aio::keyboard_interrupt();
  };
  auto body = [&](aio::task_group& group) -> aio::coro<> {
    group.create_task(interrupted);
    co_await logged_nap(log, 'B');
  };
  auto main = [&]() -> aio::coro<> {
    try {
      co_await aio::with(aio::task_group{}, body);
    } catch (const aio::keyboard_interrupt&) {
      how = "bare";
    }
  };
  auto t = test::start(loop, main());
  CHECK_THROWS_AS(loop.core().run_forever(), aio::keyboard_interrupt);
  CHECK(how.empty());
  aio::detail::run_until_complete(loop.core(), static_cast<aio::future<>>(t));
  CHECK(how == "bare");
  CHECK(log == "B");
  CHECK(reports.count() == 0);
}

AIO_TEST("task_group: a generator_exit comes out bare if it is the only error",
         "[task][task_group][async_generator]") {
  for (const bool child_fails : {false, true}) {
    std::string how;
    auto body = [&](aio::task_group& group) -> aio::coro<> {
      if (child_fails) group.create_task(fail_after(0));
      co_await test::turns(1);
      throw aio::generator_exit();
    };
    try {
      co_await aio::with(aio::task_group{}, body);
    } catch (const aio::generator_exit&) {
      how = "bare";
    } catch (const aio::exception_group& group) {
      how = std::to_string(group.exceptions().size());
    }
    CHECK(how == (child_fails ? "2" : "bare"));
  }
}

// ----- misuse -----

AIO_TEST("task_group: refuses children before the block, and the coroutine is closed",
         "[task][task_group]") {
  test::reports reports(loop);
  aio::task_group group;
  auto body = nap();
  CHECK(ending_of([&] { return group.create_task(std::move(body)); }) == "usage");
  CHECK_FALSE(static_cast<bool>(body));
  CHECK_THROWS_WITH(group.create_task(value_after, 1, 2),
                    Catch::Matchers::ContainsSubstring("not been entered"));
  CHECK(reports.count() == 0);
  co_return;
}

AIO_TEST("task_group: refuses children after the block", "[task][task_group]") {
  test::reports reports(loop);
  aio::task_group group;
  co_await aio::with(group, []() -> aio::coro<> { co_return; });
  CHECK_THROWS_WITH(group.create_task(nap()),
                    Catch::Matchers::ContainsSubstring("finished"));
  CHECK_THROWS_WITH(group.create_task(value_after, 1, 2),
                    Catch::Matchers::ContainsSubstring("finished"));
  CHECK(reports.count() == 0);
}

AIO_TEST("task_group: refuses children while it shuts down", "[task][task_group]") {
  test::reports reports(loop);
  std::string refusal;
  const std::string how = co_await block([&](aio::task_group& group) -> aio::coro<> {
    group.create_task([&]() -> aio::coro<> {
      try {
        co_await aio::sleep(10s);
      } catch (const aio::cancelled_error&) {
        refusal = ending_of([&] { return group.create_task(nap()); });
        throw;
      }
    });
    group.create_task(fail_after(1));
    co_return;
  });
  CHECK(how == "[boom]");
  CHECK(refusal == "usage");
  CHECK(reports.count() == 0);
}

AIO_TEST("task_group: is entered once", "[task][task_group]") {
  aio::task_group group;
  auto empty = []() -> aio::coro<> { co_return; };
  co_await aio::with(group, empty);
  const std::string again = co_await ending(aio::with(group, empty));
  CHECK(again == "usage");
  aio::task_group nested;
  auto twice = [&]() -> aio::coro<> { co_await aio::with(nested, empty); };
  const std::string inside = co_await block(
      [&](aio::task_group&) -> aio::coro<> { co_await aio::with(nested, twice); });
  CHECK(inside == "[(usage)]");
}

TEST_CASE("task_group: goes with its loop in the middle of everything",
          "[task][task_group][close]") {
  int alive = 0;
  {
    aio::testing::virtual_loop loop;
    test::reports reports(loop);
    auto child = [](test::counted) -> aio::coro<> { co_await aio::sleep(1h); };
    for (const bool waits_in_body : {true, false}) {
      auto body = [&, waits_in_body](aio::task_group& group) -> aio::coro<> {
        group.create_task(child, test::counted(alive));
        group.create_task(child, test::counted(alive));
        if (waits_in_body) co_await aio::sleep(1h);
      };
      auto run = [](auto what) -> aio::coro<> {
        co_await aio::with(aio::task_group{}, std::move(what));
      };
      test::start(loop, run(body));
    }
    for (int i = 0; i < 3; ++i) {
      test::call_soon(loop, [] {});
      loop.turn();
    }
    CHECK(alive >= 4);
    loop.core().close();
    CHECK(reports.count() == 6);
    CHECK(alive == 0);
  }
  CHECK(alive == 0);
}

AIO_TEST("task_group: a thousand children", "[task][task_group]") {
  int ended = 0;
  auto child = [&](int i) -> aio::coro<> {
    co_await aio::sleep(std::chrono::milliseconds(i % 10));
    ++ended;
  };
  co_await aio::with(aio::task_group{}, [&](aio::task_group& group) -> aio::coro<> {
    for (int i = 0; i < 1000; ++i) group.create_task(child, i);
    co_return;
  });
  CHECK(ended == 1000);
}
