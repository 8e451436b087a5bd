// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// The clock that loops run on.

#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <type_traits>

namespace aio {

/// Monotonic; in tests a virtual driver tells the time in its units.
using clock = std::chrono::steady_clock;
using duration = clock::duration;
using time_point = clock::time_point;

namespace detail {

inline constexpr time_point never = time_point::max();

/// A number that changes every few milliseconds; much cheaper than the clock.
inline std::int64_t coarse_now() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
#else
  return clock::now().time_since_epoch().count();
#endif
}

/// `now + delay` without overflow: a delay beyond the clock's range means never.
constexpr time_point deadline_after(time_point now, duration delay) noexcept {
  if (delay > duration::zero() && delay >= never - now) return never;
  return now + delay;
}

/// Any duration, also in fractions of a second, in units of the clock; one beyond its
/// range is its longest or shortest.
///
/// Throws: std::invalid_argument – not a number
template <class Rep, class Period>
constexpr duration to_duration(std::chrono::duration<Rep, Period> d) {
  using ratio = std::ratio_divide<Period, duration::period>;
  if constexpr (std::is_integral_v<Rep> && ratio::den == 1) {
    duration::rep ticks{};
    if (__builtin_mul_overflow(d.count(), ratio::num, &ticks)) {
      return d.count() > 0 ? duration::max() : duration::min();
    }
    return duration(ticks);
  } else {
    using wide = std::chrono::duration<long double, duration::period>;
    if constexpr (std::is_floating_point_v<Rep>) {
      if (d.count() != d.count()) throw std::invalid_argument("a duration of NaN");
    }
    if (wide(d) >= wide(duration::max())) return duration::max();
    if (wide(d) <= wide(duration::min())) return duration::min();
    return std::chrono::duration_cast<duration>(d);
  }
}

}  // namespace detail

/// A duration, or none: `1s`, `0.5s` or `std::nullopt` (also `aio::no_limit`).
///
/// Like: the `timeout=None` of asyncio
class time_limit {
 public:
  constexpr time_limit() noexcept = default;
  constexpr time_limit(std::nullopt_t) noexcept {}
  template <class Rep, class Period>
  constexpr time_limit(std::chrono::duration<Rep, Period> d)
      : limit_(detail::to_duration(d)) {}
  constexpr time_limit(std::optional<duration> d) noexcept : limit_(d) {}

  constexpr bool has_value() const noexcept { return limit_.has_value(); }
  constexpr duration value() const { return limit_.value(); }

  /// When it is over if it starts now.
  constexpr std::optional<time_point> after(time_point now) const {
    if (!limit_) return std::nullopt;
    return detail::deadline_after(now, *limit_);
  }

 private:
  std::optional<duration> limit_;
};

inline constexpr std::nullopt_t no_limit = std::nullopt;

}  // namespace aio
