// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/core/clock.hpp>  // first: proves the header stands alone

#include <support/catch.hpp>

#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>

using namespace std::chrono_literals;
using aio::detail::deadline_after;
using aio::detail::never;
using aio::detail::to_duration;

namespace {

using seconds = std::chrono::duration<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

constexpr aio::time_point at(aio::duration since_epoch) {
  return aio::time_point(since_epoch);
}

}  // namespace

TEST_CASE("clock: a deadline beyond its range is never", "[core][clock]") {
  CHECK(deadline_after(at(1s), 2s) == at(3s));
  CHECK(deadline_after(at(1s), 0s) == at(1s));
  CHECK(deadline_after(at(3s), -1s) == at(2s));
  CHECK(deadline_after(at(1s), aio::duration::max()) == never);
  CHECK(deadline_after(at(0s), aio::duration::max()) == never);
  CHECK(deadline_after(never, 1ns) == never);
  CHECK(deadline_after(never - 1s, 1s) == never);
  CHECK(deadline_after(never - 2s, 1s) == never - 1s);
  CHECK(deadline_after(at(1s), aio::duration::min()) < at(0s));
}

TEST_CASE("clock: durations of any unit become those of the clock", "[core][clock]") {
  CHECK(to_duration(1s) == 1s);
  CHECK(to_duration(seconds(0.25)) == 250ms);
  CHECK(to_duration(seconds(-0.5)) == -500ms);
  CHECK(to_duration(std::chrono::duration<float, std::milli>(1.5F)) == 1500us);
  CHECK(to_duration(std::chrono::duration<unsigned>(3)) == 3s);
}

TEST_CASE("clock: durations that do not fit are cut off", "[core][clock]") {
  CHECK(to_duration(std::chrono::hours::max()) == aio::duration::max());
  CHECK(to_duration(std::chrono::hours::min()) == aio::duration::min());
  CHECK(to_duration(aio::duration::max()) == aio::duration::max());
  CHECK(to_duration(aio::duration::min()) == aio::duration::min());
  CHECK(to_duration(seconds(infinity)) == aio::duration::max());
  CHECK(to_duration(seconds(-infinity)) == aio::duration::min());
  CHECK(to_duration(seconds(1e300)) == aio::duration::max());
  CHECK_THROWS_AS(to_duration(seconds(std::numeric_limits<double>::quiet_NaN())),
                  std::invalid_argument);
}

TEST_CASE("time_limit: a duration or none", "[core][clock]") {
  CHECK_FALSE(aio::time_limit().has_value());
  CHECK_FALSE(aio::time_limit(std::nullopt).has_value());
  CHECK_FALSE(aio::time_limit(aio::no_limit).has_value());
  CHECK_FALSE(aio::time_limit(std::optional<aio::duration>()).has_value());
  CHECK_FALSE(aio::time_limit().after(at(1s)).has_value());
  CHECK_THROWS_AS(aio::time_limit().value(), std::bad_optional_access);

  const aio::time_limit half = seconds(0.5);
  CHECK(half.has_value());
  CHECK(half.value() == 500ms);
  CHECK(half.after(at(1s)) == at(1500ms));
  CHECK(aio::time_limit(std::optional<aio::duration>(1s)).value() == 1s);
  CHECK(aio::time_limit(std::chrono::hours::max()).after(at(1s)) == never);
}
