// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/debug/format_tasks.hpp>  // first: proves the header stands alone

#include <aio/coro/async_generator.hpp>
#include <aio/sync/event.hpp>
#include <aio/task/gather.hpp>
#include <aio/task/sleep.hpp>
#include <aio/task/task.hpp>

#include <support/test.hpp>
#include <support/tools.hpp>

#include <cstdio>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

unsigned inner_line = 0;
unsigned middle_line = 0;
unsigned outer_line = 0;

unsigned here(std::source_location at = std::source_location::current()) {
  return at.line();
}

aio::coro<> inner(aio::event& gate) {
  inner_line = here() + 1;
  co_await gate.wait();
}

aio::coro<> middle(aio::event& gate) {
  middle_line = here() + 1;
  co_await inner(gate);
}

aio::coro<> outer(aio::event& gate) {
  outer_line = here() + 1;
  co_await middle(gate);
}

/// "FILE:LINE in" as it stands in the text.
std::string at(unsigned line) {
  return "format_tasks_test.cpp:" + std::to_string(line) + " in";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  REQUIRE(lines.back().empty());
  lines.pop_back();
  return lines;
}

/// All that `print(file)` prints.
struct file {
  file() : opened(std::tmpfile()) { REQUIRE(opened != nullptr); }
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  ~file() { std::fclose(opened); }

  std::string text() const {
    std::string all;
    std::rewind(opened);
    for (int c = std::fgetc(opened); c != EOF; c = std::fgetc(opened)) {
      all += static_cast<char>(c);
    }
    return all;
  }

  std::FILE* opened;
};

}  // namespace

// ----- all tasks -----

AIO_TEST("format_tasks: shows the awaits of each task, innermost first",
         "[debug][format_tasks]") {
  aio::event gate;
  auto t = aio::create_task(outer(gate), {.name = "waiter"});
  co_await aio::sleep(0s);
  const auto lines = lines_of(aio::debug::format_tasks());
  REQUIRE(lines.size() == 5);
  CHECK_THAT(lines[0], ContainsSubstring("runs"));
  CHECK(lines[1] == "task 'waiter' waits");
  CHECK_THAT(lines[2], ContainsSubstring(at(inner_line)) && ContainsSubstring("inner"));
  CHECK_THAT(lines[3],
             ContainsSubstring(at(middle_line)) && ContainsSubstring("middle"));
  CHECK_THAT(lines[4], ContainsSubstring(at(outer_line)) && ContainsSubstring("outer"));
  gate.set();
  co_await t;
}

AIO_TEST("format_tasks: in the order of creation, also those that have not begun",
         "[debug][format_tasks]") {
  aio::event gate;
  auto first = aio::create_task(outer(gate), {.name = "first"});
  co_await aio::sleep(0s);
  auto second = aio::create_task(outer(gate), {.name = "second"});
  const std::string text = aio::debug::format_tasks();
  CHECK(text.find("'first' waits") < text.find("'second' is ready to run"));
  CHECK(text.find("'second'") != std::string::npos);
  gate.set();
  co_await aio::gather(first, second);
  CHECK_THAT(aio::debug::format_tasks(), !ContainsSubstring("'first'"));
}

AIO_TEST("format_tasks: follows a task from await to await", "[debug][format_tasks]") {
  unsigned line = 0;
  auto body = [&]() -> aio::coro<> {
    for (int i = 0; i < 2; ++i) {
      line = here() + 1;
      co_await aio::sleep(1s);
    }
    line = here() + 1;
    co_await aio::sleep(1s);
  };
  auto t = aio::create_task(body(), {.name = "sleeper"});
  co_await aio::sleep(500ms);
  const unsigned in_loop = line;
  for (int i = 0; i < 2; ++i) {
    CHECK_THAT(aio::debug::format_call_graph(t), ContainsSubstring(at(in_loop)));
    co_await aio::sleep(1s);
  }
  CHECK(line > in_loop);
  CHECK_THAT(aio::debug::format_call_graph(t), ContainsSubstring(at(line)));
  co_await t;
}

AIO_TEST("format_tasks: goes through generators, and through gather to its children",
         "[debug][format_tasks]") {
  aio::event gate;
  unsigned in_generator = 0;
  unsigned in_consumer = 0;
  auto numbers = [&]() -> aio::async_generator<int> {
    in_generator = here() + 1;
    co_await inner(gate);
    co_yield 1;
  };
  auto consume = [&]() -> aio::coro<> {
    auto all = numbers();
    in_consumer = here() + 1;
    co_await all.next();
  };
  auto both = aio::gather(consume(), middle(gate));
  co_await aio::sleep(0s);
  const std::string text = aio::debug::format_tasks();
  CHECK(text.find(at(inner_line)) < text.find(at(in_generator)));
  CHECK(text.find(at(in_generator)) < text.find(at(in_consumer)));
  CHECK_THAT(text,
             ContainsSubstring(at(in_consumer)) && ContainsSubstring(at(middle_line)));
  gate.set();
  co_await std::move(both);
}

TEST_CASE("format_tasks: needs a running loop", "[debug][format_tasks]") {
  CHECK_THROWS_AS(aio::debug::format_tasks(), aio::usage_error);
}

// ----- one task -----

AIO_TEST("format_call_graph: of a task that waits, has not begun, or is done",
         "[debug][call_graph]") {
  aio::event gate;
  auto t = aio::create_task(outer(gate), {.name = "waiter"});
  CHECK(aio::debug::format_call_graph(t) == "task 'waiter' is ready to run\n");
  co_await aio::sleep(0s);
  const auto lines = lines_of(aio::debug::format_call_graph(t));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "task 'waiter' waits");
  CHECK_THAT(lines[1], ContainsSubstring(at(inner_line)));
  CHECK_THAT(lines[3], ContainsSubstring(at(outer_line)));
  gate.set();
  co_await t;
  CHECK(aio::debug::format_call_graph(t) == "task 'waiter' is done\n");
  CHECK_THROWS_AS(aio::debug::format_call_graph(aio::any_task()), aio::usage_error);
}

AIO_TEST("format_call_graph: of the current task, all awaits down to the outermost",
         "[debug][call_graph]") {
  struct deep {
    static aio::coro<std::string> look(int depth) {
      if (depth > 0) co_return co_await look(depth - 1);
      co_return co_await aio::debug::format_call_graph();
    }
    static aio::coro<std::string> look_after_a_turn() {
      co_await aio::sleep(0s);
      const unsigned line = here() + 1;
      std::string text = co_await aio::debug::format_call_graph();
      CHECK_THAT(text, ContainsSubstring(at(line)));
      co_return text;
    }
  };
  auto make = [](int depth) -> aio::coro<std::string> {
    std::string text = co_await deep::look(depth);
    co_return text;
  };
  auto t = aio::create_task({.name = "digger"}, make, 3);
  const auto lines = lines_of(co_await t);
  REQUIRE(lines.size() == 7);  // with the frame that keeps the arguments
  CHECK(lines[0] == "task 'digger' runs");
  for (std::size_t i = 1; i < 5; ++i) CHECK_THAT(lines[i], ContainsSubstring("look"));

  auto later = aio::create_task(deep::look_after_a_turn(), {.name = "later"});
  const std::string text = co_await later;
  CHECK(lines_of(text).size() == 2);
}

AIO_TEST("format_call_graph: not awaited it has the task and the place of the call",
         "[debug][call_graph]") {
  aio::current_task().set_name("main");
  const unsigned line = here() + 1;
  const std::string text = aio::debug::format_call_graph();
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "task 'main' runs");
  CHECK_THAT(lines[1], ContainsSubstring(at(line)));
  co_return;
}

AIO_TEST("format_call_graph: in an async_generator", "[debug][call_graph]") {
  unsigned line = 0;
  auto make = [&]() -> aio::async_generator<std::string> {
    line = here() + 1;
    std::string text = co_await aio::debug::format_call_graph();
    co_yield text;
  };
  auto texts = make();
  const auto text = co_await texts.next();
  REQUIRE(text);
  const auto lines = lines_of(*text);
  REQUIRE(lines.size() == 3);
  CHECK_THAT(lines[1], ContainsSubstring(at(line)));
}

AIO_TEST("format_call_graph: in a callback there is none", "[debug][call_graph]") {
  std::string text = "not called";
  test::call_soon(loop, [&] { text = aio::debug::format_call_graph(); });
  co_await aio::sleep(0s);
  CHECK(text.empty());
}

AIO_TEST("print_call_graph: prints what format_call_graph() yields, once",
         "[debug][call_graph]") {
  aio::current_task().set_name("main");
  const file awaited;
  const unsigned line = here() + 1;
  co_await aio::debug::print_call_graph(awaited.opened);
  CHECK_THAT(awaited.text(),
             ContainsSubstring("task 'main' runs\n") && ContainsSubstring(at(line)));
  CHECK(lines_of(awaited.text()).size() == 2);

  const file plain;
  const unsigned place = here() + 1;
  aio::debug::print_call_graph(plain.opened);
  CHECK_THAT(plain.text(), ContainsSubstring(at(place)));
  CHECK(lines_of(plain.text()).size() == 2);

  aio::event gate;
  auto t = aio::create_task(outer(gate), {.name = "waiter"});
  co_await aio::sleep(0s);
  const file other;
  aio::debug::print_call_graph(t, other.opened);
  CHECK(other.text() == aio::debug::format_call_graph(t));
  gate.set();
  co_await t;
}

TEST_CASE("print_call_graph: needs a running loop", "[debug][call_graph]") {
  const file nothing;
  CHECK_THROWS_AS(aio::debug::print_call_graph(nothing.opened), aio::usage_error);
  CHECK(nothing.text().empty());
}
