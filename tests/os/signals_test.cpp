// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/os/signals.hpp>

#include <support/net.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::ending;

namespace {

using handler = void (*)(int);

handler handler_of(int number) {
  struct sigaction present {};
  ::sigaction(number, nullptr, &present);
  return present.sa_handler;
}

volatile std::sig_atomic_t own_calls = 0;
void own_handler(int) { own_calls = own_calls + 1; }

/// While it lives, a handler of the program is installed.
class with_own_handler {
 public:
  explicit with_own_handler(int number)
      : number_(number), before_(std::signal(number, own_handler)) {
    own_calls = 0;
  }
  with_own_handler(const with_own_handler&) = delete;
  with_own_handler& operator=(const with_own_handler&) = delete;
  ~with_own_handler() { std::signal(number_, before_); }

 private:
  int number_;
  handler before_;
};

}  // namespace

AIO_NET_TEST("signals: a handler runs as a callback of the loop, each time",
             "[os][signals]") {
  int calls = 0;
  loop.add_signal_handler(
      SIGUSR1, [&](int n) { calls += n; }, 2);
  for (int i = 1; i <= 3; ++i) {
    ::raise(SIGUSR1);
    CHECK(calls == 2 * (i - 1));  // never from within
    const auto has_come = [&] { return calls == 2 * i; };
    co_await test::until(has_come);
  }
  CHECK(loop.remove_signal_handler(SIGUSR1));
  CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
  CHECK_FALSE(loop.remove_signal_handler(SIGUSR2));
}

AIO_NET_TEST("signals: every call gets the arguments as they were given",
             "[os][signals]") {
  std::vector<std::string> seen;
  loop.add_signal_handler(
      SIGUSR1, [&](std::string text) { seen.push_back(std::move(text)); },
      std::string("long enough to be on the heap"));
  for (std::size_t i = 1; i <= 2; ++i) {
    ::raise(SIGUSR1);
    const auto has_come = [&] { return seen.size() == i; };
    co_await test::until(has_come);
  }
  CHECK(seen[1] == "long enough to be on the heap");
}

AIO_NET_TEST("signals: a second handler replaces the first", "[os][signals]") {
  std::string log;
  loop.add_signal_handler(SIGUSR1, [&] { log += "first"; });
  loop.add_signal_handler(SIGUSR1, [&] { log += "second"; });
  ::raise(SIGUSR1);
  const auto has_come = [&] { return !log.empty(); };
  co_await test::until(has_come);
  co_await test::polls(2);
  CHECK(log == "second");
  CHECK(loop.remove_signal_handler(SIGUSR1));
}

AIO_NET_TEST("signals: a handler that throws is reported, and stays", "[os][signals]") {
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [&] {
    if (++calls == 1) throw test::boom();
  });
  ::raise(SIGUSR1);
  const auto is_reported = [&] { return reports.count() == 1; };
  co_await test::until(is_reported);
  CHECK(reports.take() == "boom");
  ::raise(SIGUSR1);
  const auto again = [&] { return calls == 2; };
  co_await test::until(again);
}

AIO_NET_TEST("signals: a handler may remove itself, or replace itself",
             "[os][signals]") {
  std::string log;
  const std::string a = "a string that is not stored inside of its object";
  loop.add_signal_handler(SIGUSR1, [&loop, &log, mine = a] {
    loop.add_signal_handler(SIGUSR1, [&loop, &log, mine] {
      loop.remove_signal_handler(SIGUSR1);
      CHECK(handler_of(SIGUSR1) == SIG_DFL);
      log += mine;  // still there
    });
    log += mine;
  });
  ::raise(SIGUSR1);
  const auto first = [&] { return log == a; };
  co_await test::until(first);
  ::raise(SIGUSR1);
  const auto second = [&] { return log == a + a; };
  co_await test::until(second);
  CHECK(handler_of(SIGUSR1) == SIG_DFL);
}

AIO_NET_TEST("signals: removed, what was there before is back", "[os][signals]") {
  const with_own_handler program(SIGUSR1);
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  ::raise(SIGUSR1);
  const auto has_come = [&] { return calls == 1; };
  co_await test::until(has_come);
  CHECK(own_calls == 0);
  CHECK(loop.remove_signal_handler(SIGUSR1));
  ::raise(SIGUSR1);
  CHECK(own_calls == 1);
  CHECK(calls == 1);
}

TEST_CASE("signals: the handlers of a loop end with it", "[os][signals]") {
  const with_own_handler program(SIGUSR1);
  {
    aio::event_loop loop;
    loop.add_signal_handler(SIGUSR1, [] {});
    loop.add_signal_handler(SIGUSR2, [] {});
    CHECK(handler_of(SIGUSR1) != own_handler);
  }
  CHECK(handler_of(SIGUSR1) == own_handler);
  CHECK(handler_of(SIGUSR2) == SIG_DFL);
}

AIO_NET_TEST("signals: numbers that cannot be handled are refused", "[os][signals]") {
  CHECK_THROWS_AS(loop.add_signal_handler(SIGKILL, [] {}), aio::usage_error);
  CHECK_THROWS_AS(loop.add_signal_handler(SIGSTOP, [] {}), aio::usage_error);
  CHECK_THROWS_AS(loop.add_signal_handler(0, [] {}), std::invalid_argument);
  CHECK_THROWS_AS(loop.add_signal_handler(-1, [] {}), std::invalid_argument);
  CHECK_THROWS_AS(loop.add_signal_handler(1000, [] {}), std::invalid_argument);
  CHECK_THROWS_AS(loop.remove_signal_handler(1000), std::invalid_argument);
  co_return;
}

TEST_CASE("signals: a closed loop takes no handler", "[os][signals]") {
  aio::event_loop loop;
  loop.close();
  CHECK_THROWS_AS(loop.add_signal_handler(SIGUSR1, [] {}), aio::usage_error);
}

TEST_CASE("signals: two loops may handle one signal, and one may end before the other",
          "[os][signals]") {
  const with_own_handler program(SIGUSR1);
  int calls = 0;
  aio::event_loop second;
  {
    aio::event_loop first;
    first.add_signal_handler(SIGUSR1, [&] { ++calls; });
    second.add_signal_handler(SIGUSR1, [&] { calls += 10; });
    ::raise(SIGUSR1);
    first.run_until_complete(test::polls(10));
    second.run_until_complete(test::polls(10));
    CHECK(calls == 11);
  }
  ::raise(SIGUSR1);
  second.run_until_complete(test::polls(10));
  CHECK(calls == 21);
  CHECK(own_calls == 0);
  second.remove_signal_handler(SIGUSR1);
  CHECK(handler_of(SIGUSR1) == own_handler);
}

AIO_NET_TEST(
    "signals: a handler has the variables of when it was added, and keeps its own",
    "[os][signals]") {
  static const aio::context_var<int> var("var", 0);
  std::vector<int> seen;
  var.set(1);
  loop.add_signal_handler(SIGUSR1, [&] {
    seen.push_back(var.get());
    var.set(10);
  });
  var.set(2);
  for (std::size_t i = 1; i <= 2; ++i) {
    ::raise(SIGUSR1);
    const auto has_come = [&] { return seen.size() == i; };
    co_await test::until(has_come);
  }
  CHECK(seen == std::vector{1, 10});
  CHECK(var.get() == 2);
}

TEST_CASE("signals: a guest in a context that others run hears them, and lets it end",
          "[os][signals]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [&] {
    ++calls;
    loop.remove_signal_handler(SIGUSR1);
  });
  ::raise(SIGUSR1);
  context.run();
  CHECK(calls == 1);
}

TEST_CASE("signals: system calls that they interrupt go on", "[os][signals]") {
  aio::event_loop loop;
  loop.add_signal_handler(SIGUSR1, [] {});
  struct sigaction present {};
  ::sigaction(SIGUSR1, nullptr, &present);
  CHECK((present.sa_flags & SA_RESTART) != 0);
}

TEST_CASE("signals: loops of several threads come and go while signals rain",
          "[os][signals]") {
  const with_own_handler program(SIGUSR1);
  aio::event_loop main;
  std::atomic<int> heard = 0;
  main.add_signal_handler(SIGUSR1, [&] { ++heard; });
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&] {
      for (int round = 0; round < 30; ++round) {
        aio::event_loop loop;
        int calls = 0;
        loop.add_signal_handler(SIGUSR1, [&] {
          if (++calls == 2) loop.stop();
        });
        ::kill(::getpid(), SIGUSR1);
        loop.call_soon([] { ::raise(SIGUSR1); });
        ::raise(SIGUSR1);
        loop.run_forever();
      }
      main.call_soon_threadsafe([] {});
    });
  }
  for (std::thread& one : others) one.join();
  main.run_until_complete(test::polls(10));
  CHECK(heard >= 120);
  main.close();
  CHECK(handler_of(SIGUSR1) == own_handler);
}

TEST_CASE("signals: a child by fork() has the former actions, and tells nobody here",
          "[os][signals]") {
  const with_own_handler program(SIGUSR1);
  aio::event_loop loop;
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  loop.add_signal_handler(SIGUSR2, [&] { ++calls; });
  const pid_t child = ::fork();
  if (child == 0) {
    ::raise(SIGUSR1);
    const bool is_as_before = own_calls == 1 && handler_of(SIGUSR1) == own_handler &&
                              handler_of(SIGUSR2) == SIG_DFL;
    aio::event_loop own;
    bool own_heard = false;
    own.add_signal_handler(SIGUSR2, [&] {
      own_heard = true;
      own.stop();
    });
    ::raise(SIGUSR2);
    own.run_forever();
    ::_exit(is_as_before && own_heard ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  loop.run_until_complete(test::polls(5));
  CHECK(calls == 0);
  ::raise(SIGUSR2);
  loop.run_until_complete(test::polls(5));
  CHECK(calls == 1);
}

// ----- signal_stream -----

AIO_NET_TEST("signal_stream: yields each one, also those that came between",
             "[os][signal_stream]") {
  {
    aio::signal_stream signals(SIGUSR1, SIGUSR2);
    ::raise(SIGUSR2);
    ::raise(SIGUSR1);
    co_await test::polls(3);
    const int first = co_await signals.next();
    CHECK(first == SIGUSR2);
    const std::string early = co_await ending(aio::wait_for(signals.next(), 0s));
    CHECK(early == "timeout");
    const int second = co_await signals.next();  // it was not lost
    CHECK(second == SIGUSR1);
    const std::string late = co_await ending(aio::wait_for(signals.next(), 1ms));
    CHECK(late == "timeout");
    ::raise(SIGUSR1);
    const int last = co_await signals.next();
    CHECK(last == SIGUSR1);
    CHECK(handler_of(SIGUSR1) != SIG_DFL);
  }
  CHECK(handler_of(SIGUSR1) == SIG_DFL);
  CHECK_THROWS_AS(aio::signal_stream(SIGUSR1, SIGKILL), aio::usage_error);
  CHECK_THROWS_AS(aio::signal_stream(0), std::invalid_argument);
  CHECK(handler_of(SIGUSR1) == SIG_DFL);
}

AIO_NET_TEST("signal_stream: several, and a handler, all hear the same signal",
             "[os][signal_stream]") {
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  auto first = aio::create_task(aio::wait_signal(SIGUSR1));
  auto second = aio::create_task(aio::wait_signal(SIGUSR1, SIGUSR2));
  co_await test::turns(2);
  ::raise(SIGUSR1);
  const int a = co_await first;
  const int b = co_await second;
  CHECK(a == SIGUSR1);
  CHECK(b == SIGUSR1);
  CHECK(calls == 1);
  ::raise(SIGUSR1);
  const auto again = [&] { return calls == 2; };
  co_await test::until(again);
  CHECK(handler_of(SIGUSR2) == SIG_DFL);
}

TEST_CASE("signal_stream: one that outlives its loop hears nothing",
          "[os][signal_stream]") {
  std::unique_ptr<aio::signal_stream> signals;
  {
    aio::event_loop loop;
    loop.call_soon([&] {
      signals = std::make_unique<aio::signal_stream>(SIGUSR1);
      loop.stop();
    });
    loop.run_forever();
  }
  CHECK(handler_of(SIGUSR1) == SIG_DFL);
}

// ----- wait_signal -----

AIO_NET_TEST("wait_signal: yields the number of the one that came",
             "[os][wait_signal]") {
  const with_own_handler program(SIGUSR2);
  for (const int number : {SIGUSR1, SIGUSR2}) {
    auto waiting = aio::create_task(aio::wait_signal(SIGUSR1, SIGUSR2));
    co_await test::turns(2);
    CHECK_FALSE(waiting.done());
    ::raise(number);
    const int came = co_await std::move(waiting);
    CHECK(came == number);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    CHECK(handler_of(SIGUSR2) == own_handler);
  }
  CHECK(own_calls == 0);
}

AIO_NET_TEST("wait_signal: cancelled, the former actions are back",
             "[os][wait_signal]") {
  const with_own_handler program(SIGUSR1);
  auto waiting = aio::create_task(ending(aio::wait_signal(SIGUSR1)));
  co_await test::turns(2);
  CHECK(handler_of(SIGUSR1) != own_handler);
  waiting.cancel();
  const std::string how = co_await waiting;
  CHECK(how == "cancelled");
  CHECK(handler_of(SIGUSR1) == own_handler);
}

TEST_CASE("wait_signal: takes SIGINT from aio::run, and gives it back",
          "[os][wait_signal]") {
  const auto before = std::signal(SIGINT, SIG_DFL);
  std::string log;
  try {
    aio::run([&]() -> aio::coro<> {
      auto waiting = aio::create_task(aio::wait_signal(SIGINT, SIGTERM));
      co_await test::turns(2);
      ::raise(SIGINT);
      const int came = co_await std::move(waiting);
      log += came == SIGINT ? "taken " : "other ";
      ::raise(SIGINT);
      co_await aio::sleep(1h);
    });
  } catch (const aio::keyboard_interrupt&) {
    log += "interrupted";
  }
  CHECK(log == "taken interrupted");
  CHECK(std::signal(SIGINT, before) == SIG_DFL);
}
