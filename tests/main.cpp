// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// main() of the test programs, for a Catch2 v2 that was installed as headers only.

#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
