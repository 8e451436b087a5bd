// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/exception_group.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using aio::exception_group;
using test::boom;
using test::name_of;

namespace {

template <class E>
std::exception_ptr make(E error) {
  return std::make_exception_ptr(std::move(error));
}

exception_group group_of(std::string message, std::vector<std::exception_ptr> errors) {
  return exception_group(message, std::move(errors));
}

/// a1, (a2, b1), b2: "a" are boom, "b" std::out_of_range.
exception_group tree() {
  return group_of(
      "outer",
      {make(boom("a1")),
       make(group_of("inner", {make(boom("a2")), make(std::out_of_range("b1"))})),
       make(std::out_of_range("b2"))});
}

std::string leaves(const exception_group& group) {
  std::string names;
  group.for_each_leaf([&](const std::exception_ptr& e) { names += name_of(e) + ' '; });
  return names;
}

/// Leaves with brackets around groups.
std::string shape(const exception_group& group) {
  std::string text = group.message() + '(';
  for (const std::exception_ptr& one : group.exceptions()) {
    if (text.back() != '(') text += ' ';
    try {
      std::rethrow_exception(one);
    } catch (const exception_group& inner) {
      text += shape(inner);
    } catch (...) {
      text += name_of(std::current_exception());
    }
  }
  return text + ')';
}

}  // namespace

TEST_CASE("exception_group: holds exceptions in their order",
          "[core][exception_group]") {
  const auto first = make(boom("one"));
  const auto second = make(boom("two"));
  const exception_group group("several", {first, second});
  CHECK(group.message() == "several");
  REQUIRE(group.exceptions().size() == 2);
  CHECK(group.exceptions()[0] == first);
  CHECK(group.exceptions()[1] == second);
}

TEST_CASE("exception_group: what() counts", "[core][exception_group]") {
  CHECK(std::string(group_of("m", {make(boom())}).what()) == "m (1 sub-exception)");
  CHECK(std::string(group_of("m", {make(boom()), make(boom())}).what()) ==
        "m (2 sub-exceptions)");
  CHECK(std::string(group_of("", {make(boom())}).what()) == " (1 sub-exception)");
}

TEST_CASE("exception_group: is a std::exception, copied with what it holds",
          "[core][exception_group]") {
  try {
    throw tree();
  } catch (const std::runtime_error& e) {
    CHECK(std::string(e.what()) == "outer (3 sub-exceptions)");
  }
  const exception_group original = tree();
  const exception_group copy = original;
  CHECK(copy.exceptions() == original.exceptions());
  CHECK(shape(copy) == shape(original));
}

TEST_CASE("exception_group: refuses nothing, and null", "[core][exception_group]") {
  CHECK_THROWS_AS(exception_group("m", {}), std::invalid_argument);
  CHECK_THROWS_AS(exception_group("m", {make(boom()), nullptr}), std::invalid_argument);
}

TEST_CASE("exception_group: split() keeps the nesting on both sides",
          "[core][exception_group]") {
  const auto [yes, no] = tree().split<boom>();
  REQUIRE(yes);
  REQUIRE(no);
  CHECK(shape(*yes) == "outer(a1 inner(a2))");
  CHECK(shape(*no) == "outer(inner(b1) b2)");
}

TEST_CASE("exception_group: split() by a type that all or none are of",
          "[core][exception_group]") {
  const auto [all, rest] = tree().split<std::exception>();
  REQUIRE(all);
  CHECK(shape(*all) == "outer(a1 inner(a2 b1) b2)");
  CHECK_FALSE(rest);
  const auto [none, everything] = tree().split<std::bad_alloc>();
  CHECK_FALSE(none);
  REQUIRE(everything);
  CHECK(shape(*everything) == "outer(a1 inner(a2 b1) b2)");
}

TEST_CASE("exception_group: split() by several types, and by a base class",
          "[core][exception_group]") {
  CHECK_FALSE((tree().split<boom, std::out_of_range>().second));
  CHECK_FALSE((tree().split<std::out_of_range, boom>().second));
  const auto [logic, runtime] = tree().split<std::logic_error>();
  REQUIRE(logic);
  CHECK(leaves(*logic) == "b1 b2 ");
  REQUIRE(runtime);
  CHECK(leaves(*runtime) == "a1 a2 ");
}

TEST_CASE("exception_group: matches() and subgroup() look at all depths",
          "[core][exception_group]") {
  CHECK(tree().matches<boom>());
  CHECK((tree().matches<std::bad_alloc, std::out_of_range>()));
  CHECK_FALSE(tree().matches<std::bad_alloc>());
  const exception_group deep =
      group_of("1", {make(group_of("2", {make(group_of("3", {make(boom("x"))}))}))});
  CHECK(deep.matches<boom>());
  CHECK_FALSE(deep.matches<std::logic_error>());
  REQUIRE(deep.subgroup<boom>());
  CHECK(shape(*deep.subgroup<boom>()) == "1(2(3(x)))");
  CHECK_FALSE(deep.subgroup<std::logic_error>());
}

TEST_CASE("exception_group: holds what is no std::exception as well",
          "[core][exception_group]") {
  const exception_group group("m", {make(aio::cancelled_error("why")), make(7),
                                    make(boom("a")), make(aio::keyboard_interrupt())});
  CHECK(group.matches<aio::cancelled_error>());
  CHECK(group.matches<int>());
  CHECK(group.matches<aio::keyboard_interrupt>());
  const auto rest = group.split<std::exception>().second;
  REQUIRE(rest);
  CHECK(rest->exceptions().size() == 3);
}

TEST_CASE("exception_group: split_if() asks the leaves, each once",
          "[core][exception_group]") {
  std::string asked;
  const auto [yes, no] = tree().split_if([&](const std::exception_ptr& e) {
    asked += name_of(e) + ' ';
    return name_of(e).back() == '1';
  });
  CHECK(asked == "a1 a2 b1 b2 ");
  REQUIRE(yes);
  REQUIRE(no);
  CHECK(shape(*yes) == "outer(a1 inner(b1))");
  CHECK(shape(*no) == "outer(inner(a2) b2)");
}

TEST_CASE("exception_group: the parts hold the same exceptions, not copies",
          "[core][exception_group]") {
  const auto error = make(boom("x"));
  const auto [yes, no] = group_of("m", {error, make(7)}).split<boom>();
  REQUIRE(yes);
  CHECK(yes->exceptions().front() == error);
  REQUIRE(no);
  CHECK(no->exceptions().size() == 1);
}

TEST_CASE("exception_group: an error in the visitor or predicate comes out",
          "[core][exception_group]") {
  CHECK_THROWS_AS(tree().for_each_leaf(
                      [](const std::exception_ptr& e) { std::rethrow_exception(e); }),
                  boom);
  CHECK_THROWS_AS(tree().split_if([](const std::exception_ptr&) -> bool {
    throw std::bad_alloc();
  }),
                  std::bad_alloc);
}

TEST_CASE("exception_group: prints the tree", "[core][exception_group]") {
  std::ostringstream out;
  out << tree();
  CHECK(out.str() ==
        "outer (3 sub-exceptions)\n"
        "  test::boom: a1\n"
        "  inner (2 sub-exceptions)\n"
        "    test::boom: a2\n"
        "    std::out_of_range: b1\n"
        "  std::out_of_range: b2\n");
  CHECK(tree().to_string() == out.str());
}

TEST_CASE("exception_group: a deep one is walked, split and printed",
          "[core][exception_group]") {
  exception_group group("0", {make(boom("x")), make(7)});
  for (int i = 1; i < 200; ++i)
    group = exception_group(std::to_string(i), {make(group)});
  int count = 0;
  group.for_each_leaf([&](const std::exception_ptr&) { ++count; });
  CHECK(count == 2);
  const auto [yes, no] = group.split<boom>();
  REQUIRE(yes);
  REQUIRE(no);
  CHECK(leaves(*yes) == "x ");
  const std::string text = group.to_string();
  CHECK(std::count(text.begin(), text.end(), '\n') == 202);
}
