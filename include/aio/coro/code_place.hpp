// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Where the caller stands, as a default argument.

#pragma once

#include <bit>
#include <source_location>

namespace aio::detail {

#if defined(__GNUC__) && !defined(__clang__)

/// What a std::source_location holds. g++ keeps a default argument of class type in the
/// frame, once for each await; a pointer it does not.
using code_place = const void*;

#define AIO_CODE_PLACE __builtin_source_location()

inline std::source_location to_location(code_place at) noexcept {
  static_assert(sizeof(std::source_location) == sizeof(code_place));
  return std::bit_cast<std::source_location>(at);
}

#else

using code_place = std::source_location;

#define AIO_CODE_PLACE std::source_location::current()

inline std::source_location to_location(code_place at) noexcept { return at; }

#endif

}  // namespace aio::detail
