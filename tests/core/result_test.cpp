// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#if defined(__GNUC__) && !defined(__clang__)
// At -O2 g++ 12 does not see what an optional or a union holds.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <aio/core/result.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>
#include <support/tools.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using aio::detail::outcome;
using test::boom;
using test::counted;
using test::name_of;

namespace {

std::exception_ptr error(const char* text) {
  return std::make_exception_ptr(boom(text));
}

}  // namespace

TEST_CASE("result: holds a value", "[core][result]") {
  aio::result<std::string> r(std::in_place, "text");
  CHECK(r.has_value());
  CHECK(static_cast<bool>(r));
  CHECK(r.value() == "text");
  CHECK(r.error() == nullptr);
  CHECK_FALSE(r.cancelled());
  r.value() += '!';
  const auto& constant = r;
  CHECK(constant.value() == "text!");
  CHECK(std::move(r).value() == "text!");
}

TEST_CASE("result: holds an exception, which value() throws", "[core][result]") {
  aio::result<int> r(error("bad"));
  CHECK_FALSE(r.has_value());
  CHECK_FALSE(static_cast<bool>(r));
  CHECK_THROWS_AS(r.value(), boom);
  CHECK_THROWS_AS(std::as_const(r).value(), boom);
  CHECK_THROWS_AS(std::move(r).value(), boom);
  CHECK(name_of(r.error()) == "bad");
  CHECK_FALSE(r.cancelled());
}

TEST_CASE("result: knows a cancellation", "[core][result]") {
  const aio::result<void> r(std::make_exception_ptr(aio::cancelled_error()));
  CHECK(r.cancelled());
  CHECK_FALSE(r.has_value());
}

TEST_CASE("result: of void, of a reference, of what can only be moved",
          "[core][result]") {
  const aio::result<void> nothing(std::in_place, std::monostate());
  CHECK(nothing.value() == std::monostate());

  int n = 1;
  aio::result<int&> reference(std::in_place, n);
  CHECK(&reference.value() == &n);
  CHECK(&std::as_const(reference).value() == &n);

  aio::result<std::unique_ptr<int>> owner(std::in_place, std::make_unique<int>(2));
  const std::unique_ptr<int> taken = std::move(owner).value();
  CHECK(*taken == 2);
}

TEST_CASE("outcome: holds nothing, a value or an error", "[core][outcome]") {
  outcome<std::string> o;
  CHECK_FALSE(o.has_value());
  CHECK(o.error() == nullptr);
  o.rethrow_error();
  o.set_value("text");
  CHECK(o.has_value());
  CHECK(o.value() == "text");
  CHECK(o.error() == nullptr);
  CHECK(o.take() == "text");
  o.set_error(error("bad"));
  CHECK_FALSE(o.has_value());
  CHECK(name_of(o.error()) == "bad");
  CHECK_THROWS_AS(o.take(), boom);
  CHECK_THROWS_AS(o.rethrow_error(), boom);
  o.set_value("again");
  CHECK(o.take() == "again");
}

TEST_CASE("outcome: destroys what it holds, once", "[core][outcome]") {
  int alive = 0;
  {
    outcome<counted> o;
    o.set_value(alive);
    CHECK(alive == 1);
    o.set_value(alive);
    CHECK(alive == 1);
    o.set_error(error("bad"));
    CHECK(alive == 0);
    o.set_value(alive);
  }
  CHECK(alive == 0);
}

TEST_CASE("outcome: of void and of a reference", "[core][outcome]") {
  outcome<void> nothing;
  nothing.set_value();
  CHECK(nothing.has_value());
  nothing.take();
  nothing.set_error(error("bad"));
  CHECK_THROWS_AS(nothing.take(), boom);

  int n = 1;
  outcome<int&> reference;
  reference.set_value(n);
  CHECK(&reference.take() == &n);
  STATIC_REQUIRE(std::is_same_v<decltype(reference.take()), int&>);
}

TEST_CASE("outcome: a value that throws when it is made leaves nothing",
          "[core][outcome]") {
  struct thrower {
    explicit thrower(int) { throw boom(); }
  };
  outcome<thrower> o;
  CHECK_THROWS_AS(o.set_value(1), boom);
  CHECK_FALSE(o.has_value());
  CHECK(o.error() == nullptr);
}
