// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/loop.hpp>  // first: proves the header stands alone

#include <aio/core/handle.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using aio::detail::loop_core;
using test::call_at;
using test::call_soon;
using test::ending_of;

namespace {

/// A driver that writes down what the loop asks of it.
struct recording_driver final : aio::detail::driver {
  aio::time_point now() noexcept override { return time; }
  void poll() override { ++polls; }
  void wait_until(aio::time_point deadline) override {
    ++waits;
    time = deadline;
  }
  void wake() noexcept override { ++wakes; }
  void request_turn(aio::time_point when) override { requested.push_back(when); }
  void set_busy(bool on) override { busy = on; }

  aio::time_point time{};
  int polls = 0, waits = 0, wakes = 0;
  bool busy = false;
  std::vector<aio::time_point> requested;
};

struct node final : aio::detail::ready_node {
  explicit node(std::function<void()> of) : f(std::move(of)) {}
  void run() override { f(); }
  void discard() noexcept override { discarded = true; }
  std::function<void()> f;
  bool discarded = false;
};

struct fixture {
  recording_driver world;
  aio::detail::intrusive_ptr<loop_core> loop{new loop_core(world)};
  std::string log;

  ~fixture() { loop->close(); }
};

struct some_service final : aio::detail::resident {
  some_service(std::string& to, char of) : log(to), name(of) {}
  void loop_closing() noexcept override { log += name; }
  std::string& log;
  char name;
};

struct some_task final : aio::detail::task_node {
  some_task(std::string& to, char of) : log(to), name(of) {}
  static void close(aio::detail::task_node& task) noexcept {
    auto& closed = static_cast<some_task&>(task);
    closed.log += closed.name;
  }
  std::string& log;
  char name;
};

}  // namespace

// ----- turns -----

TEST_CASE("loop: a turn runs only what was ready when it began", "[core][loop]") {
  aio::testing::virtual_loop loop;
  std::string log;
  std::function<void(char, int)> again = [&](char tag, int left) {
    log += tag;
    if (left > 0) call_soon(loop, [&, tag, left] { again(tag, left - 1); });
  };
  auto spin = [&](char tag, int turns) -> aio::coro<> {
    for (int i = 0; i < turns; ++i) {
      log += tag;
      co_await aio::sleep(0s);
    }
    log += '!';
  };
  call_soon(loop, [&] { again('x', 4); });
  auto s = test::start(loop, spin('s', 3));
  call_soon(loop, [&] { again('y', 1); });
  auto t = test::start(loop, spin('t', 2));
  const char* const expected[] = {"xsyt", "xsyt", "xs!", "x!", "x"};
  for (const char* turn : expected) {
    log.clear();
    loop.turn();
    CHECK(log == turn);
  }
  CHECK(s.done());
  CHECK(t.done());
}

TEST_CASE_METHOD(fixture, "loop: timers that are due come behind what is ready",
                 "[core][loop]") {
  node timed([&] { log += "timed "; }), early([&] { log += "early "; });
  node ready([&] { log += "ready "; });
  aio::detail::timer t(timed), e(early);
  loop->arm(t, aio::time_point(2s));
  loop->arm(e, aio::time_point(1s));
  loop->push(ready);
  world.time = aio::time_point(5s);
  loop->stop();  // which polls, and so sees the time
  loop->run_forever();
  CHECK(log == "ready early timed ");
  CHECK_FALSE(t.is_armed());
}

TEST_CASE_METHOD(fixture, "loop: waits only when nothing is ready", "[core][loop]") {
  node a([&] { log += 'a'; }), timed([&] { log += 't'; });
  aio::detail::timer t(timed);
  loop->push(a);
  loop->arm(t, aio::time_point(3s));
  loop->run_turn();
  CHECK(world.waits == 0);
  CHECK(log == "a");
  loop->run_turn();
  CHECK(world.waits == 1);
  CHECK(log == "at");
  CHECK(loop->time() == aio::time_point(3s));
}

TEST_CASE_METHOD(fixture, "loop: one that is always busy polls now and then",
                 "[core][loop]") {
  node busy([&] { loop->push(busy); });
  loop->push(busy);
  for (int i = 0; i < 640; ++i) loop->run_turn();
  CHECK(world.polls == 10);
  world.polls = 0;
  node slow([&] {
    world.time += 50us;
    loop->push(slow);
  });
  busy.unlink();
  loop->push(slow);
  for (int i = 0; i < 64; ++i) loop->run_turn();
  CHECK(world.polls >= 7);  // turns that take long count by time
  CHECK(world.waits == 0);
  slow.unlink();
}

TEST_CASE_METHOD(fixture,
                 "loop: one that is always busy takes what others send at once",
                 "[core][loop]") {
  node busy([&] { loop->push(busy); });
  loop->push(busy);
  bool came = false;
  node sent([&] { came = true; });
  CHECK(loop->push_threadsafe(sent));
  loop->run_turn();
  CHECK(came);
  CHECK(world.waits == 0);
  busy.unlink();
}

// ----- run and stop -----

TEST_CASE("loop: stop() ends the run after the turn it is in", "[core][loop]") {
  aio::testing::virtual_loop loop;
  std::string log;
  CHECK_FALSE(loop.core().is_running());
  call_soon(loop, [&] { log += loop.core().is_running() ? "running " : "not "; });
  call_soon(loop, [&] {
    log += "stop ";
    loop.core().stop();
    call_soon(loop, [&] { log += "next "; });
  });
  call_soon(loop, [&] { log += "same "; });
  loop.core().run_forever();
  CHECK(log == "running stop same ");
  CHECK_FALSE(loop.core().is_running());
  log.clear();

  loop.core().stop();  // before: exactly one turn
  call_soon(loop, [&] {
    log += "second ";
    call_soon(loop, [&] { log += "third "; });
  });
  loop.core().run_forever();
  CHECK(log == "next second ");
  loop.core().stop();
  loop.core().run_forever();
  CHECK(log == "next second third ");
  loop.core().stop();
  loop.core().run_forever();  // with nothing to do it does not wait
}

TEST_CASE("loop: one runs per thread, and only once", "[core][loop]") {
  aio::testing::virtual_loop loop, other;
  CHECK(loop_core::running() == nullptr);
  CHECK_THROWS_AS(loop_core::require_running(), aio::usage_error);
  std::string nested, elsewhere;
  const loop_core* running = nullptr;
  call_soon(loop, [&] {
    running = loop_core::running();
    nested = ending_of([&] { loop.core().run_forever(); });
    elsewhere = ending_of([&] { other.core().run_turn(); });
  });
  loop.turn();
  CHECK(running == &loop.core());
  CHECK(nested == "usage");
  CHECK(elsewhere == "usage");
  CHECK(loop_core::running() == nullptr);

  // Another thread has its own.
  std::string there = "did not run";
  call_soon(loop, [&] {
    std::thread([&] {
      call_soon(other, [&] { there = "ran"; });
      other.turn();
    }).join();
  });
  loop.turn();
  CHECK(there == "ran");
}

TEST_CASE("loop: what leaves it leaves the rest of the batch for the next run",
          "[core][loop]") {
  aio::testing::virtual_loop loop;
  std::string log;
  call_soon(loop, [&] {
    call_soon(loop, [&] { log += 'c'; });
    throw aio::keyboard_interrupt();
  });
  call_soon(loop, [&] { log += 'a'; });
  call_soon(loop, [&] { log += 'b'; });
  CHECK_THROWS_AS(loop.turn(), aio::keyboard_interrupt);
  CHECK(log.empty());
  CHECK_FALSE(loop.core().is_running());
  loop.turn();
  CHECK(log == "abc");
}

TEST_CASE("loop: the rest of an interrupted batch is ready, and goes with the loop",
          "[core][loop]") {
  aio::testing::virtual_loop loop;
  int alive = 0;
  bool ran = false;
  call_soon(loop, [] { throw aio::keyboard_interrupt(); });
  call_soon(loop, [&] { ran = true; });
  CHECK_THROWS_AS(loop.turn(), aio::keyboard_interrupt);
  loop.turn();  // does not wait
  CHECK(ran);
  call_soon(loop, [] { throw aio::keyboard_interrupt(); });
  call_soon(loop, [c = test::counted(alive)] {});
  CHECK_THROWS_AS(loop.turn(), aio::keyboard_interrupt);
  CHECK(alive == 1);
  loop.core().close();
  CHECK(alive == 0);
}

TEST_CASE("loop: stop() is forgotten when something leaves the loop", "[core][loop]") {
  aio::testing::virtual_loop loop;
  int turns = 0;
  call_soon(loop, [&] {
    loop.core().stop();
    throw aio::keyboard_interrupt();
  });
  CHECK_THROWS_AS(loop.core().run_forever(), aio::keyboard_interrupt);
  std::function<void()> count = [&] {
    if (++turns == 3) loop.core().stop();
    call_soon(loop, [&] { count(); });
  };
  call_soon(loop, [&] { count(); });
  loop.core().run_forever();
  CHECK(turns == 3);
}

// ----- as a guest -----

TEST_CASE_METHOD(fixture, "loop: asleep, it asks for a turn when there is work",
                 "[core][loop][guest]") {
  node a([&] { log += 'a'; }), b([&] { log += 'b'; });
  loop->push(a);
  loop->push(b);
  CHECK(world.requested == std::vector{aio::time_point::min()});  // once is enough
  loop->run_as_guest();
  CHECK(log == "ab");
  CHECK(world.waits == 0);
  CHECK(world.requested.back() == aio::detail::never);  // there is nothing more to do

  node timed([&] { log += 't'; });
  aio::detail::timer t(timed);
  loop->arm(t, aio::time_point(3s));
  CHECK(world.requested.back() == aio::time_point(3s));
  loop->run_as_guest();  // too early: it asks again
  CHECK(log == "ab");
  CHECK(world.requested.back() == aio::time_point(3s));
  world.time = aio::time_point(3s);
  loop->run_as_guest();
  CHECK(log == "abt");
  CHECK(world.requested.back() == aio::detail::never);
}

TEST_CASE_METHOD(fixture, "loop: a later timer does not put off an earlier one",
                 "[core][loop][guest]") {
  node timed([] {});
  aio::detail::timer early(timed), late(timed);
  loop->arm(early, aio::time_point(1s));
  loop->arm(late, aio::time_point(9s));
  CHECK(world.requested.back() == aio::time_point(1s));
  loop->disarm(early);
  loop->disarm(late);
  CHECK(world.requested.back() == aio::detail::never);  // called off
}

TEST_CASE_METHOD(fixture, "loop: tells its world whether tasks live in it",
                 "[core][loop][guest]") {
  some_task a(log, 'a'), b(log, 'b');
  CHECK_FALSE(world.busy);
  loop->add_task(a, &some_task::close);
  loop->add_task(b, &some_task::close);
  CHECK(world.busy);
  loop->remove_task(a);
  CHECK(world.busy);
  loop->remove_task(b);
  CHECK_FALSE(world.busy);
}

// ----- close -----

TEST_CASE_METHOD(fixture, "loop: closing ends services, tasks, callbacks and timers",
                 "[core][loop]") {
  some_service service(log, 's'), leaves(log, 'x');
  some_task task(log, 't');
  node ready([] { FAIL("closed"); }), timed([] { FAIL("closed"); });
  node posted([] { FAIL("closed"); }), late([] { FAIL("closed"); });
  aio::detail::timer t(timed);
  loop->add_task(task, &some_task::close);
  loop->add_service(service);
  loop->add_service(leaves);
  leaves.unlink();
  loop->push(ready);
  loop->arm(t, aio::time_point(1s));
  CHECK(loop->push_threadsafe(posted));
  loop->close();
  loop->close();
  CHECK(log == "st");
  CHECK(loop->is_closed());
  CHECK(ready.discarded);
  CHECK(timed.discarded);
  CHECK(posted.discarded);
  CHECK_FALSE(t.is_armed());

  loop->push(late);
  CHECK(late.discarded);
  CHECK_FALSE(loop->push_threadsafe(late));
  CHECK_THROWS_AS(loop->run_forever(), aio::usage_error);
  CHECK_THROWS_AS(loop->run_turn(), aio::usage_error);
  CHECK_THROWS_AS(loop->check_open(), aio::usage_error);
  loop->run_as_guest();  // the host may not know yet
  CHECK(world.waits == 0);
}

TEST_CASE("loop: closed, it still tells the time at which it was closed",
          "[core][loop]") {
  aio::testing::virtual_loop loop;
  call_at(loop, 5s, [] {});
  loop.turn();
  loop.core().close();
  CHECK(loop.now() == 5s);
}

// ----- errors -----

TEST_CASE("loop: errors go to the handler, one after the other",
          "[core][loop][report]") {
  aio::testing::virtual_loop loop;
  std::vector<std::string> seen;
  loop.core().set_exception_handler([&](const aio::exception_context& c) {
    seen.push_back(c.message + '/' + test::name_of(c.exception) + '/' + c.source);
  });
  loop.core().call_exception_handler({"by hand", nullptr, {}});
  loop.core().call_exception_handler(
      {"with all", std::make_exception_ptr(test::boom()), "somebody"});
  CHECK(seen == std::vector<std::string>{"by hand/none/", "with all/boom/somebody"});
}

TEST_CASE("loop: the handler may set another one, or none", "[core][loop][report]") {
  aio::testing::virtual_loop loop;
  loop_core& core = loop.core();
  std::string log;
  core.set_exception_handler([&](const aio::exception_context&) {
    log += 'a';
    core.set_exception_handler([&](const aio::exception_context&) {
      log += 'b';
      core.set_exception_handler(nullptr);
    });
  });
  core.call_exception_handler({"one", nullptr, {}});
  core.call_exception_handler({"two", nullptr, {}});
  core.call_exception_handler({"(printed by a test: no handler is left)", nullptr, {}});
  CHECK(log == "ab");
}

TEST_CASE("loop: the handler may report as well", "[core][loop][report]") {
  aio::testing::virtual_loop loop;
  std::string log;
  loop.core().set_exception_handler([&](const aio::exception_context& c) {
    log += c.message + ' ';
    if (c.message == "outer") {
      loop.core().call_exception_handler({"inner", nullptr, {}});
    }
  });
  loop.core().call_exception_handler({"outer", nullptr, {}});
  CHECK(log == "outer inner ");
}

TEST_CASE("loop: a handler that throws is itself reported, and stays",
          "[core][loop][report]") {
  aio::testing::virtual_loop loop;
  int calls = 0;
  loop.core().set_exception_handler([&](const aio::exception_context&) {
    if (++calls == 1) throw test::boom("(printed by a test)");
  });
  loop.core().call_exception_handler({"first", nullptr, {}});
  loop.core().call_exception_handler({"second", nullptr, {}});
  CHECK(calls == 2);
}

// ----- debug mode -----

TEST_CASE("loop: in debug mode a slow callback is reported", "[core][loop][debug]") {
  aio::testing::virtual_loop loop;
  test::reports reports(loop);
  CHECK_FALSE(loop.core().debug());
  loop.core().slow_callback_duration = 0s;  // everything is slow
  call_soon(loop, [] {});
  loop.turn();
  CHECK(reports.count() == 0);
  loop.core().set_debug(true);
  call_soon(loop, [] {});
  loop.turn();
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, Catch::Matchers::ContainsSubstring(" ms"));
  loop.core().slow_callback_duration = 1h;
  call_soon(loop, [] {});
  loop.turn();
  CHECK(reports.count() == 1);
}

TEST_CASE("loop: in debug mode it knows calls from another thread",
          "[core][loop][debug]") {
  aio::testing::virtual_loop loop;
  auto f = test::make_future<>(loop);
  auto from_a_thread = [&] {
    std::string how;
    std::thread([&] { how = ending_of([&] { loop.core().check_thread(); }); }).join();
    return how;
  };
  CHECK(from_a_thread() == "returned");
  loop.core().set_debug(true);
  loop.core().slow_callback_duration = 1h;
  CHECK(from_a_thread() == "returned");  // it does not run
  std::string how, own;
  call_soon(loop, [&] {
    how = from_a_thread();
    own = ending_of([&] { loop.core().check_thread(); });
  });
  loop.turn();
  CHECK(how == "usage");
  CHECK(own == "returned");
}
