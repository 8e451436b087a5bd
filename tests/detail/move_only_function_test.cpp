// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/detail/move_only_function.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using aio::detail::move_only_function;

int twice(int n) { return 2 * n; }

struct text {
  std::string value;
  std::string prefixed(const std::string& with) const { return with + value; }
};

}  // namespace

TEST_CASE("move_only_function: calls what it holds", "[detail][move_only_function]") {
  const move_only_function<int(int)> from_function = twice;
  CHECK(from_function(4) == 8);
  const move_only_function<int(int)> from_lambda = [](int n) { return n + 1; };
  CHECK(from_lambda(4) == 5);
  const move_only_function<std::string(const text&, const std::string&)> from_member =
      &text::prefixed;
  CHECK(from_member(text{"b"}, "a") == "ab");
}

TEST_CASE("move_only_function: holds what can only be moved",
          "[detail][move_only_function]") {
  move_only_function<int()> f = [p = std::make_unique<int>(3)] { return *p; };
  auto g = std::move(f);
  CHECK(static_cast<bool>(g));
  CHECK_FALSE(static_cast<bool>(f));
  CHECK(g() == 3);
  f = std::move(g);
  CHECK(f() == 3);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<move_only_function<int()>>);
}

TEST_CASE("move_only_function: its callable may have a state of its own",
          "[detail][move_only_function]") {
  const move_only_function<int()> count = [n = 0]() mutable { return ++n; };
  CHECK(count() == 1);
  CHECK(count() == 2);
}

TEST_CASE("move_only_function: passes arguments as they are",
          "[detail][move_only_function]") {
  int n = 0;
  const move_only_function<int&(int&)> refer = [](int& to) -> int& { return to; };
  CHECK(&refer(n) == &n);
  const move_only_function<int(std::unique_ptr<int>)> take =
      [](std::unique_ptr<int> p) { return *p; };
  CHECK(take(std::make_unique<int>(7)) == 7);
}

TEST_CASE("move_only_function: the value of the callable may be dropped",
          "[detail][move_only_function]") {
  int calls = 0;
  const move_only_function<void()> f = [&] { return ++calls; };
  f();
  CHECK(calls == 1);
}

TEST_CASE("move_only_function: may be empty", "[detail][move_only_function]") {
  move_only_function<void()> f;
  CHECK_FALSE(static_cast<bool>(f));
  f = [] {};
  CHECK(static_cast<bool>(f));
  f = nullptr;
  CHECK_FALSE(static_cast<bool>(f));
}

TEST_CASE("move_only_function: destroys what it holds",
          "[detail][move_only_function]") {
  const auto p = std::make_shared<int>(1);
  {
    const move_only_function<int()> f = [p] { return *p; };
    CHECK(p.use_count() == 2);
  }
  CHECK(p.use_count() == 1);
}
