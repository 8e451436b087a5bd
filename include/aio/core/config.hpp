// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Version, and all macros of the library.

#pragma once

#include <cassert>

#define AIO_VERSION_MAJOR 0
#define AIO_VERSION_MINOR 1
#define AIO_VERSION_PATCH 0

/// Checks an invariant of the library itself; misuse by callers throws instead.
/// Define it before the first include to route failures elsewhere.
#if !defined(AIO_ASSERT)
#define AIO_ASSERT(condition) assert(condition)
#endif
