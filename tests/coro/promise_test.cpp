// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/coro/promise.hpp>  // first: proves the header stands alone

#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <source_location>
#include <string>

using namespace std::chrono_literals;

namespace {

constexpr auto line_of_body = std::source_location::current().line() + 1;
aio::coro<> body() {
  co_await aio::sleep(1s);
  co_await aio::sleep(1s);
}
aio::coro<> outer() { co_await body(); }

const aio::detail::promise_base& innermost(const aio::task<>& t) {
  return t.any().core().parked()->frame();
}

}  // namespace

TEST_CASE("promise: knows where it waits, and before that where it was defined",
          "[coro][promise]") {
  aio::testing::virtual_loop loop;
  auto c = body();
  auto& frame = c.release();
  CHECK(frame.where.line() >= line_of_body);      // compilers differ: its first line
  CHECK(frame.where.line() <= line_of_body + 3);  // or its last
  CHECK_THAT(frame.where.function_name(), Catch::Matchers::ContainsSubstring("body"));
  CHECK_FALSE(frame.is_started());
  frame.self().destroy();

  auto t = test::start(loop, body());
  loop.turn();
  CHECK(innermost(t).where.line() == line_of_body + 1);
  CHECK(innermost(t).is_started());
  loop.turn();  // the timer
  loop.turn();
  CHECK(innermost(t).where.line() == line_of_body + 2);
  loop.turn();
  loop.turn();
  CHECK(t.done());
}

TEST_CASE("promise: the frames of a task form a chain", "[coro][promise]") {
  aio::testing::virtual_loop loop;
  auto t = test::start(loop, outer());
  loop.turn();
  const aio::detail::promise_base& inner = innermost(t);
  REQUIRE(inner.link != nullptr);
  CHECK(inner.link->child == &inner);
  REQUIRE(inner.link->parent != nullptr);
  CHECK(inner.link->parent->link == nullptr);
  CHECK(inner.link->parent->task == inner.task);
  for (int i = 0; i < 4; ++i) loop.turn();
  CHECK(t.done());
}

TEST_CASE("promise: destroy_chain ends what a frame refers to after the frame",
          "[coro][promise]") {
  std::string log;
  struct mark {
    ~mark() { log += name; }
    std::string& log;
    std::string name;
  };
  // The inner frame's destructor reads what stands in the outer frame.
  auto refers = [&log](const std::string& of) -> aio::coro<> {
    const aio::detail::scope_exit end([&] { log += "inner sees " + of + ", "; });
    co_await aio::sleep(1h);
  };
  auto owns = [&]() -> aio::coro<> {
    const mark owner{log, "outer"};
    co_await refers(owner.name);
  };
  aio::testing::virtual_loop loop;
  const test::reports reports(loop);
  auto t = test::start(loop, owns());
  loop.turn();
  loop.core().close();
  CHECK(log == "inner sees outer, outer");
}
