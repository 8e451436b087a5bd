// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/task/with.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>

#include <support/cancel_at_every_await.hpp>
#include <support/test.hpp>
#include <support/tools.hpp>

#include <memory>
#include <string>

using namespace std::chrono_literals;
using test::boom;
using test::ending;
using test::name_of;

namespace {

/// Says what happens to it; its ways can be bent.
struct resource {
  explicit resource(std::string& to) noexcept : log(&to) {}

  aio::coro<int> enter() {
    *log += "enter ";
    co_await aio::sleep(1s);
    if (fails_at_entry) throw boom("entry");
    *log += "entered ";
    ++open;
    co_return 7;
  }
  aio::coro<bool> exit(std::exception_ptr error) {
    *log += "exit:" + name_of(error) + ' ';
    const aio::detail::scope_exit closed([this] { --open; });
    co_await aio::sleep(1s);
    if (fails_at_exit) throw boom("exit");
    *log += "left ";
    co_return swallows;
  }

  std::string* log;
  bool fails_at_entry = false;
  bool fails_at_exit = false;
  bool swallows = false;
  int open = 0;
};

struct plain_resource {
  aio::coro<> enter() {
    entered = true;
    co_return;
  }
  aio::coro<> exit(std::exception_ptr) {
    left = true;
    co_return;
  }
  bool entered = false;
  bool left = false;
};

}  // namespace

AIO_TEST("with: enters, runs the block and exits in this order", "[task][with]") {
  std::string log;
  resource r(log);
  auto block = [&](int n) -> aio::coro<int> {
    log += "block ";
    co_await aio::sleep(1s);
    co_return n + 1;
  };
  const int n = co_await aio::with(r, block);
  CHECK(n == 8);
  CHECK(log == "enter entered block exit:none left ");
  CHECK(loop.now() == 3s);
  CHECK(r.open == 0);
}

AIO_TEST("with: the block may leave out what it is given", "[task][with]") {
  std::string log;
  auto block = [&]() -> aio::coro<int> {
    log += "block ";
    co_return 3;
  };
  const int three = co_await aio::with(resource(log), block);
  CHECK(three == 3);
  CHECK(log == "enter entered block exit:none left ");
}

AIO_TEST("with: exits after an exception, which goes on", "[task][with]") {
  std::string log;
  resource r(log);
  auto block = [](int) -> aio::coro<> {
    co_await aio::sleep(1s);
    throw boom();
  };
  const std::string how = co_await ending(aio::with(r, block));
  CHECK(how == "boom");
  CHECK(log == "enter entered exit:boom left ");
}

AIO_TEST("with: a callable that throws before it yields a coroutine counts as block",
         "[task][with]") {
  std::string log;
  resource r(log);
  auto block = [](int) -> aio::coro<> { throw boom(); };
  const std::string how = co_await ending(aio::with(r, block));
  CHECK(how == "boom");
  CHECK(log == "enter entered exit:boom left ");
}

AIO_TEST("with: exit() may swallow the exception", "[task][with]") {
  std::string log;
  resource r(log);
  r.swallows = true;
  auto number = [](int) -> aio::coro<int> {
    throw boom();
    co_return 1;
  };
  const int n = co_await aio::with(r, number);
  CHECK(n == 0);

  struct no_default {
    explicit no_default(int) {}
  };
  auto object = [](int) -> aio::coro<no_default> {
    throw boom();
    co_return no_default(1);
  };
  const std::string how = co_await ending(aio::with(r, object));
  CHECK(how == "usage");
  auto nothing = [](int) -> aio::coro<> {
    throw boom();
    co_return;
  };
  co_await aio::with(r, nothing);
}

AIO_TEST("with: an exception of enter() leaves the rest out", "[task][with]") {
  std::string log;
  resource r(log);
  r.fails_at_entry = true;
  auto block = [&](int) -> aio::coro<> {
    log += "block ";
    co_return;
  };
  const std::string how = co_await ending(aio::with(r, block));
  CHECK(how == "entry");
  CHECK(log == "enter ");
}

AIO_TEST("with: the exception of exit() wins", "[task][with]") {
  std::string log;
  resource r(log);
  r.fails_at_exit = true;
  auto fails = [](int) -> aio::coro<> {
    throw boom();
    co_return;
  };
  const std::string both = co_await ending(aio::with(r, fails));
  CHECK(both == "exit");
  auto returns = [](int) -> aio::coro<> { co_return; };
  const std::string one = co_await ending(aio::with(r, returns));
  CHECK(one == "exit");
}

AIO_TEST("with: a cancel ends the block, and exit() runs to its end",
         "[task][with][cancel]") {
  std::string log;
  resource r(log);
  auto block = [](int) -> aio::coro<> { co_await aio::sleep(1h); };
  auto t = aio::create_task(aio::with(r, block));
  co_await aio::sleep(2s);
  t.cancel("stop");
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled: stop");
  CHECK(log == "enter entered exit:cancelled: stop left ");
  CHECK(loop.now() == 3s);

  log.clear();
  auto again = aio::create_task(aio::with(r, block));
  co_await aio::sleep(2s);
  again.cancel("stop");
  co_await aio::sleep(0.5s);
  again.cancel("now");
  const std::string second = co_await ending(again);
  CHECK(second == "cancelled: now");
  CHECK(log == "enter entered exit:cancelled: stop ");
}

AIO_TEST("with: a cancel during enter() or before it leaves the rest out",
         "[task][with][cancel]") {
  std::string log;
  resource r(log);
  auto block = [](int) -> aio::coro<> { co_await aio::sleep(1h); };
  auto t = aio::create_task(aio::with(r, block));
  co_await aio::sleep(0s);
  t.cancel();
  const std::string how = co_await ending(t);
  CHECK(how == "cancelled");
  CHECK(log == "enter ");
  auto unstarted = aio::create_task(aio::with(r, block));
  unstarted.cancel();
  const std::string never = co_await ending(unstarted);
  CHECK(never == "cancelled");
  CHECK(log == "enter ");
}

AIO_TEST("with: a swallowed cancel does not cancel the task", "[task][with][cancel]") {
  std::string log;
  resource r(log);
  r.swallows = true;
  auto t = aio::create_task([&]() -> aio::coro<int> {
    auto block = [](int) -> aio::coro<> { co_await aio::sleep(1h); };
    co_await aio::with(r, block);
    co_await aio::sleep(1s);
    co_return 1;
  });
  co_await aio::sleep(2s);
  t.cancel();
  const int n = co_await t;
  CHECK(n == 1);
}

AIO_TEST("with: a resource without a value, moved in or left with its owner",
         "[task][with]") {
  plain_resource stays;
  auto block = []() -> aio::coro<int> { co_return 1; };
  const int n = co_await aio::with(stays, block);
  CHECK(n == 1);
  CHECK(stays.entered);
  CHECK(stays.left);

  std::string log;
  auto with_moved = aio::with(resource(log), [&](int of) -> aio::coro<int> {
    log += "block ";
    co_return of;
  });
  const int m = co_await std::move(with_moved);
  CHECK(m == 7);
  CHECK(log == "enter entered block exit:none left ");
}

AIO_TEST("with: what enter() yields by reference or by move reaches the block",
         "[task][with]") {
  struct by_reference {
    aio::coro<std::string&> enter() { co_return text; }
    aio::coro<> exit(std::exception_ptr) { co_return; }
    std::string text = "a";
  };
  struct by_move {
    aio::coro<std::unique_ptr<int>> enter() { co_return std::make_unique<int>(3); }
    aio::coro<> exit(std::exception_ptr) { co_return; }
  };
  by_reference r;
  auto append = [](std::string& to) -> aio::coro<std::string&> {
    to += 'b';
    co_return to;
  };
  std::string& text = co_await aio::with(r, append);
  CHECK(&text == &r.text);
  CHECK(text == "ab");
  by_move m;
  auto pass = [](std::unique_ptr<int> of) -> aio::coro<std::unique_ptr<int>> {
    co_return of;
  };
  const std::unique_ptr<int> back = co_await aio::with(m, pass);
  CHECK(*back == 3);
}

TEST_CASE("with: cancelled at each await, what was entered was left",
          "[task][with][cancel]") {
  std::string log;
  int open = -1;
  auto make = [&]() -> aio::coro<> {
    resource outer(log), inner(log);
    const aio::detail::scope_exit count([&] { open = outer.open + inner.open; });
    auto innermost = [](int) -> aio::coro<> { co_await aio::sleep(1s); };
    auto middle = [&](int) -> aio::coro<> { co_await aio::with(inner, innermost); };
    co_await aio::with(outer, middle);
  };
  int started = 0;
  const int cancels = test::cancel_at_every_await(make, [&](const aio::task<>& t) {
    CHECK(t.cancelled());
    if (++started > 1) CHECK(open == 0);
    open = -1;
  });
  CHECK(cancels == 11);
}
