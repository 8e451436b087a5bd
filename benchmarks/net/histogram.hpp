// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// A count of durations from which quantiles are read.

#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

/// Counts durations in buckets that are 1/64 of their value wide.
///
/// Every power of two is divided into 64 equal buckets, so adding is a shift and an
/// increment and a quantile is within 1 % from nanoseconds to hours.
class histogram {
 public:
  void add(std::uint64_t nanoseconds) noexcept {
    ++counts_[bucket_of(nanoseconds)];
    ++total_;
  }

  void clear() noexcept { *this = {}; }

  std::uint64_t total() const noexcept { return total_; }

  /// Returns the nanoseconds which the fraction `q` of all durations do not exceed;
  ///          0 when there are none.
  double quantile(double q) const noexcept {
    const double wanted = std::max(1.0, q * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (static_cast<double>(seen) >= wanted) return middle_of(i);
    }
    return 0;
  }

 private:
  static constexpr unsigned bits = 6;
  static constexpr std::size_t buckets = (64 - bits - 1) * (1u << bits) + (2u << bits);

  // Values below 128 have a bucket each. A larger one keeps its top seven bits, of
  // which the highest is always set; that bit carries into the shift count, so that
  // the buckets of one power of two follow those of the one below.
  static std::size_t bucket_of(std::uint64_t value) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > bits + 1 ? width - bits - 1 : 0;
    return (std::size_t{shift} << bits) + static_cast<std::size_t>(value >> shift);
  }

  static double middle_of(std::size_t bucket) noexcept {
    const std::size_t power = bucket >> bits;
    const std::size_t shift = power > 1 ? power - 1 : 0;
    const std::uint64_t top = bucket - (shift << bits);
    const double width = static_cast<double>(std::uint64_t{1} << shift);
    return static_cast<double>(top) * width + (width - 1) / 2;
  }

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace bench
